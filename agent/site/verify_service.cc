#include "agent/site/verify_service.h"

#include <utility>

namespace tidemark {
namespace {
constexpr absl::Duration kReportInterval = absl::Seconds(1);
constexpr int kBadPerReport = 1000;
}  // namespace

Task<> VerifyService::Run(VaultId vault_id, uint32_t request) {
  running_ = true;
  report_.Clear();
  report_.set_request(request);
  SiteVault* vault = site_->Find(vault_id);
  if (vault == nullptr) {
    *report_.mutable_failure() = MakeFailure(wire::Failure::NOT_FOUND, "no such vault here");
  } else {
    LogReader reader(vault->log());
    const uint64_t last = vault->durable().sequence;
    absl::Duration reported = io()->Monotonic();
    for (uint64_t sequence = 1; sequence <= last && !stopped_; ++sequence) {
      // Taken anew for each record: those who restore go in between.
      PooledBuffer buffer = co_await site_->read_pool()->Acquire();
      co_await CheckRecord(&reader, sequence, buffer.span());
      const absl::Duration now = io()->Monotonic();
      if (now - reported >= kReportInterval || report_.bad_size() >= kBadPerReport) {
        Report(false);
        reported = now;
      }
    }
    co_await reader.Close();
  }
  running_ = false;
  Report(true);
}

Task<> VerifyService::CheckRecord(LogReader* reader, uint64_t sequence, MutableByteSpan buffer) {
  report_.set_records(report_.records() + 1);
  absl::StatusOr<CanonicalHeader> header = co_await reader->ReadHead(sequence, buffer);
  if (!header.ok()) {
    Bad(sequence, 0, header.status());
    co_return;
  }
  const uint32_t count = static_cast<uint32_t>(header->blocks.size());
  const MutableByteSpan payload = buffer.subspan(kRecordHeaderBytes, header->payload_bytes);
  absl::Status read = co_await reader->ReadBlocks(&*header, 0, payload);
  if (read.ok()) {
    absl::Status checked = co_await CheckPayloadOnWorker(io(), &*header, payload);
    if (checked.ok()) {
      report_.set_blocks(report_.blocks() + count);
      co_return;
    }
  }
  for (uint32_t block = 0; block < count; ++block) {
    const MutableByteSpan bytes =
        payload.subspan(size_t{block} * kBlockBytes, header->BlockBytes(block));
    absl::Status good = co_await reader->ReadBlocks(&*header, block, bytes);
    if (good.ok()) good = CheckBlock(*header, block, bytes);
    if (!good.ok()) Bad(sequence, block, good);
    report_.set_blocks(report_.blocks() + 1);
  }
}

void VerifyService::Bad(uint64_t sequence, uint32_t block, const absl::Status& why) {
  if (report_.bad_size() >= kBadPerReport + static_cast<int>(kPackBlocksMax)) return;
  wire::VerifyReport::Bad* bad = report_.add_bad();
  bad->set_sequence(sequence);
  bad->set_block(block);
  bad->set_why(MakeFailure(wire::Failure::DAMAGED, std::string(why.message())).message());
}

// Counts are totals; each bad block is told once.
void VerifyService::Report(bool finished) {
  report_.set_finished(finished);
  wire::Control message;
  *message.mutable_verify_report() = report_;
  control_->Send(message);
  report_.clear_bad();
}

}  // namespace tidemark
