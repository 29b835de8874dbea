#include "agent/site/twin_file.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {
constexpr size_t kTwinFileBytesMax = 64 * 1024;
}  // namespace

bool TwinFile::Owns(const std::string& base, const std::string& name) {
  return name == base + ".0" || name == base + ".1" || name == base + ".0.new" ||
         name == base + ".1.new";
}

std::string TwinFile::Encode(const std::string& content) const {
  LayoutWriter out;
  WriteMark(mark_, &out);
  out.U64(generation_).U32(static_cast<uint32_t>(content.size())).Bytes(AsBytes(content));
  WriteChecksum(&out);
  return std::string(AsText(out.view()));
}

TwinFile::Copy TwinFile::Decode(const std::string& file) const {
  Copy copy;
  if (!ChecksumHolds(AsBytes(file))) {
    copy.status = absl::DataLossError("its checksum does not hold");
    return copy;
  }
  LayoutReader in(AsBytes(file));
  copy.status = ReadMark(mark_, &in);
  if (!copy.status.ok()) return copy;
  copy.generation = in.U64();
  const uint32_t size = in.U32();
  copy.content = std::string(AsText(in.View(size)));
  if (!in.ok() || in.remaining() != kChecksumBytes) {
    copy.status = absl::DataLossError("it is malformed");
  }
  return copy;
}

Task<TwinFile::Copy> TwinFile::LoadCopy(int number) {
  std::string path = absl::StrFormat("%s.%d", path_, number);
  absl::StatusOr<std::string> file =
      co_await ReadSmallFile(io_, std::move(path), kTwinFileBytesMax);
  Copy copy;
  if (!file.ok()) {
    copy.status = file.status();
  } else {
    copy = Decode(*file);
  }
  co_return std::move(copy);
}

Task<absl::StatusOr<std::string>> TwinFile::Load() {
  Copy first = co_await LoadCopy(0);
  Copy second = co_await LoadCopy(1);
  // A version that cannot be read may be the newest: nothing older is taken instead.
  if (absl::IsUnimplemented(first.status)) co_return first.status;
  if (absl::IsUnimplemented(second.status)) co_return second.status;
  if (absl::IsNotFound(first.status) && absl::IsNotFound(second.status)) {
    co_return absl::NotFoundError(path_ + ".0: no such file");
  }
  if (!first.status.ok() && !second.status.ok()) {
    co_return absl::DataLossError(absl::StrFormat("%s: both copies are damaged (%s; %s)", path_,
                                                  std::string(first.status.message()),
                                                  std::string(second.status.message())));
  }
  const bool first_best =
      first.status.ok() && (!second.status.ok() || first.generation >= second.generation);
  const bool equal =
      first.status.ok() && second.status.ok() && first.generation == second.generation;
  Copy best = first_best ? std::move(first) : std::move(second);
  generation_ = best.generation;
  if (!equal) {
    RARE_PATH("twin-copy-mended");
    std::string again = best.content;
    absl::Status repaired = co_await StoreCopies(std::move(again), !first_best, first_best);
    if (!repaired.ok() && !absl::IsResourceExhausted(repaired)) co_return repaired;
  }
  co_return std::move(best.content);
}

Task<absl::StatusOr<uint64_t>> TwinFile::Mend(std::string content) {
  const Copy first = co_await LoadCopy(0);
  const Copy second = co_await LoadCopy(1);
  if (absl::IsNotFound(first.status) && absl::IsNotFound(second.status)) co_return uint64_t{0};
  if (absl::IsUnimplemented(first.status)) co_return first.status;
  if (absl::IsUnimplemented(second.status)) co_return second.status;
  const uint64_t bad = (first.status.ok() ? 0 : 1) + (second.status.ok() ? 0 : 1);
  absl::Status mended;
  if (bad == 1) {
    absl::StatusOr<std::string> loaded = co_await Load();
    mended = loaded.status();
  } else if (bad == 2) {
    mended = co_await Store(std::move(content));
  }
  if (!mended.ok()) co_return mended;
  co_return bad;
}

Task<absl::Status> TwinFile::Store(std::string content) {
  ++generation_;
  absl::Status stored = co_await StoreCopies(std::move(content), true, true);
  co_return stored;
}

Task<absl::Status> TwinFile::StoreCopies(std::string content, bool first, bool second) {
  const std::string file = Encode(content);
  const bool wanted[2] = {first, second};
  for (int number = 0; number < 2; ++number) {
    if (!wanted[number]) continue;
    std::string path = absl::StrFormat("%s.%d", path_, number);
    std::string bytes = file;
    absl::Status stored = co_await WriteSmallFileDurably(io_, std::move(path), std::move(bytes));
    if (!stored.ok()) co_return stored;
  }
  co_return absl::OkStatus();
}

}  // namespace tidemark
