#include "agent/site/promise_file.h"

#include <utility>

namespace tidemark {
namespace {

constexpr FormatMark kPromiseFileMark = {"TMPROMFL", "promise file"};

std::string Encode(const VaultMemory& memory) {
  LayoutWriter out;
  out.U64(memory.epoch).Bytes(memory.nonce.bytes).U64(memory.evidence);
  out.U8(memory.fetch.has_value() ? 1 : 0);
  const VaultMemory::Fetch fetch = memory.fetch.value_or(VaultMemory::Fetch());
  EncodePosition(fetch.base, &out);
  EncodePosition(fetch.checkpoint, &out);
  out.U64(memory.truncated_before);
  return std::string(AsText(out.view()));
}

absl::StatusOr<VaultMemory> Decode(const std::string& content) {
  LayoutReader in(AsBytes(content));
  VaultMemory memory;
  memory.epoch = in.U64();
  memory.nonce = in.Object<SessionId>();
  memory.evidence = in.U64();
  const uint8_t fetching = in.U8();
  VaultMemory::Fetch fetch;
  fetch.base = DecodePosition(&in);
  fetch.checkpoint = DecodePosition(&in);
  memory.truncated_before = in.U64();
  if (!in.ok() || !in.at_end() || fetching > 1)
    return absl::DataLossError("promise file is malformed");
  if (fetching == 1) memory.fetch = fetch;
  return memory;
}

}  // namespace

PromiseFile::PromiseFile(Io* io, const std::string& vault_directory)
    : file_(io, vault_directory + "/promise", kPromiseFileMark) {}

Task<absl::StatusOr<VaultMemory>> PromiseFile::Load() {
  absl::StatusOr<std::string> content = co_await file_.Load();
  if (!content.ok()) co_return content.status();
  co_return Decode(*content);
}

Task<absl::StatusOr<uint64_t>> PromiseFile::Mend(VaultMemory memory) {
  std::string content = Encode(memory);
  absl::StatusOr<uint64_t> mended = co_await file_.Mend(std::move(content));
  co_return mended;
}

Task<absl::Status> PromiseFile::Store(VaultMemory memory) {
  std::string content = Encode(memory);
  absl::Status stored = co_await file_.Store(std::move(content));
  co_return stored;
}

}  // namespace tidemark
