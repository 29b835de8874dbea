// A log in memory as a source of records, with the damage that a test wants.
#ifndef TIDEMARK_TESTS_AGENT_RECOVER_MEMORY_SOURCE_H_
#define TIDEMARK_TESTS_AGENT_RECOVER_MEMORY_SOURCE_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "agent/recover/record_source.h"
#include "tests/agent/recover/test_vault.h"

namespace tidemark {

class MemorySource : public RecordSource {
 public:
  MemorySource(Io* io, std::string name, const TestVault* vault)
      : io_(io), name_(std::move(name)), vault_(vault) {}

  const std::string& name() const override { return name_; }
  Io* io() const override { return io_; }

  Task<absl::StatusOr<Position>> Tail(VaultId vault) override {
    absl::Status reached = co_await Reach(vault, 0);
    if (!reached.ok()) co_return reached;
    co_return tail_sequence == 0 ? vault_->tail()
                                 : vault_->log[tail_sequence - 1].header.position();
  }
  Task<absl::StatusOr<CanonicalHeader>> Head(VaultId vault, uint64_t sequence) override {
    absl::Status reached = co_await Reach(vault, sequence);
    if (!reached.ok()) co_return reached;
    co_return vault_->log[sequence - 1].header;
  }
  Task<absl::Status> ReadBlocks(const CanonicalHeader* header, uint32_t first, uint32_t count,
                                MutableByteSpan into) override {
    absl::Status reached = co_await Reach(header->vault, header->sequence);
    if (!reached.ok()) co_return reached;
    const MemoryRecord& record = vault_->log[header->sequence - 1];
    ++reads;
    for (uint32_t i = first; i < first + count; ++i) {
      const ByteSpan block =
          ByteSpan(record.payload).subspan(size_t{i} * kBlockBytes, record.header.BlockBytes(i));
      MutableByteSpan out = into.subspan(size_t{i - first} * kBlockBytes, block.size());
      std::copy(block.begin(), block.end(), out.begin());
      if (damaged.count({header->sequence, i}) > 0) out[7] ^= std::byte{1};
      absl::Status checked = CheckBlock(*header, i, out);
      if (!checked.ok()) {
        co_return absl::DataLossError(name_ + ": " + std::string(checked.message()));
      }
    }
    co_return absl::OkStatus();
  }
  Task<absl::StatusOr<uint64_t>> FindRecord(VaultId vault, RecordKind kind,
                                            uint64_t at_most) override {
    absl::Status reached = co_await Reach(vault, 0);
    if (!reached.ok()) co_return reached;
    uint64_t from = tail_sequence == 0 ? vault_->log.size() : tail_sequence;
    if (at_most > 0) from = std::min(from, at_most);
    for (uint64_t sequence = from; sequence > 0; --sequence) {
      if (vault_->log[sequence - 1].header.kind == kind) co_return sequence;
    }
    co_return uint64_t{0};
  }
  Task<> Finish() override { co_return; }

  bool unreachable = false;
  uint64_t tail_sequence = 0;  // 0: the whole log
  std::set<uint64_t> missing;
  std::set<std::pair<uint64_t, uint32_t>> damaged;  // (record, block)
  // What was asked.
  std::set<uint64_t> touched;
  uint64_t reads = 0, calls = 0;

 private:
  // Like a real source it answers later, not at once.
  Task<absl::Status> Reach(VaultId vault, uint64_t sequence) {
    ++calls;
    Op pause = io_->Sleep(absl::Microseconds(1));
    const int32_t slept = co_await pause;
    (void)slept;
    if (unreachable) co_return absl::UnavailableError(name_ + ": connection refused");
    if (vault != vault_->keys.vault) co_return absl::NotFoundError(name_ + ": no such vault");
    if (sequence == 0) co_return absl::OkStatus();
    touched.insert(sequence);
    const uint64_t tail = tail_sequence == 0 ? vault_->log.size() : tail_sequence;
    if (sequence > tail || missing.count(sequence) > 0) {
      co_return absl::NotFoundError(absl::StrFormat("%s: record %d is not there", name_, sequence));
    }
    co_return absl::OkStatus();
  }

  Io* io_;
  std::string name_;
  const TestVault* vault_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_RECOVER_MEMORY_SOURCE_H_
