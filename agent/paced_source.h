// A record source that is read no faster than a tier allows: restores of a vault share one bucket.
#ifndef TIDEMARK_AGENT_PACED_SOURCE_H_
#define TIDEMARK_AGENT_PACED_SOURCE_H_

#include <algorithm>
#include <string>

#include "agent/io/io.h"
#include "agent/recover/record_source.h"
#include "replicator/token_bucket.h"

namespace tidemark {

class PacedSource : public RecordSource {
 public:
  // Both outlive it. One token is one I/O of 16 KiB.
  PacedSource(RecordSource* from, TokenBucket* bucket) : from_(from), bucket_(bucket) {}
  const std::string& name() const override { return from_->name(); }
  Io* io() const override { return from_->io(); }
  Task<absl::StatusOr<Position>> Tail(VaultId vault) override { return from_->Tail(vault); }
  Task<absl::StatusOr<CanonicalHeader>> Head(VaultId vault, uint64_t sequence) override {
    return from_->Head(vault, sequence);
  }
  Task<absl::Status> ReadBlocks(const CanonicalHeader* header, uint32_t first, uint32_t count,
                                MutableByteSpan into) override {
    while (true) {
      const absl::Duration owed = bucket_->Wait(io()->Monotonic());
      if (owed <= absl::ZeroDuration()) break;
      Op sleep = io()->Sleep(owed);
      const int32_t slept = co_await sleep;
      if (slept < 0) co_return absl::CancelledError("the restore was stopped");
    }
    bucket_->Take((into.size() + kIoBytes - 1) / kIoBytes, io()->Monotonic());
    absl::Status read = co_await from_->ReadBlocks(header, first, count, into);
    co_return read;
  }
  Task<absl::StatusOr<uint64_t>> FindRecord(VaultId vault, RecordKind kind,
                                            uint64_t at_most) override {
    return from_->FindRecord(vault, kind, at_most);
  }
  Task<> Finish() override { return from_->Finish(); }

 private:
  static constexpr size_t kIoBytes = 16384;
  RecordSource* from_;
  TokenBucket* bucket_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_PACED_SOURCE_H_
