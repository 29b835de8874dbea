// The minutes outlive the agent: a file beside the journal, written whole every few minutes.
#include <utility>

#include "agent/io/transfer.h"
#include "agent/proof/proof_keeper.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kMark = {"TMMINUTS", "minutes file"};
constexpr size_t kFileBytesMax = 256 << 20;

}  // namespace

Task<> ProofKeeper::SaveMinutes() {
  LayoutWriter out;
  WriteMark(kMark, &out);
  out.I64(absl::ToUnixNanos(io_->Now())).U32(static_cast<uint32_t>(rows_.size()));
  for (size_t v = 0; v < options_.vaults.size(); ++v) {
    for (size_t s = 0; s < options_.sites.size(); ++s) {
      const MinuteBook& minutes = RowOf(v, s).minutes;
      out.Bytes(options_.vaults[v].id.bytes).Text(options_.sites[s].name);
      out.I64(minutes.newest()).Bytes(minutes.marks());
    }
  }
  WriteChecksum(&out);
  std::string path = MinutesPath(), content(AsText(out.view()));
  absl::Status written = co_await WriteSmallFileDurably(io_, std::move(path), std::move(content));
  if (!written.ok()) trouble_ = written;
}

// Minutes that cannot be read are not known.
Task<> ProofKeeper::LoadMinutes() {
  std::string path = MinutesPath();
  absl::StatusOr<std::string> file = co_await ReadSmallFile(io_, std::move(path), kFileBytesMax);
  if (!file.ok() || !ChecksumHolds(AsBytes(*file))) co_return;
  LayoutReader in(AsBytes(*file));
  absl::Status mark = ReadMark(kMark, &in);
  if (!mark.ok()) co_return;
  const absl::Time saved = absl::FromUnixNanos(in.I64());
  const uint32_t rows = in.U32();
  for (uint32_t i = 0; i < rows && in.ok(); ++i) {
    const VaultId vault = in.Object<VaultId>();
    const std::string site = in.Text();
    const int64_t newest = in.I64();
    const ByteSpan marks = in.View(MinuteBook::kBytes);
    for (size_t v = 0; v < options_.vaults.size() && in.ok(); ++v) {
      for (size_t s = 0; s < options_.sites.size(); ++s) {
        if (options_.vaults[v].id != vault || options_.sites[s].name != site) continue;
        if (!RowOf(v, s).minutes.Restore(newest, marks)) co_return;
      }
    }
  }
  if (in.ok()) minutes_saved_ = saved;
}

}  // namespace tidemark
