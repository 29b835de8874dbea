#include "agent/site/read_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {

void ReadService::Ask(const ReadRequest& request) {
  if (waiting_.size() >= kReadsWaitingMax) {
    return Fail(request, wire::Failure::BUSY, "too many reads are waiting", request.first_sequence,
                0);
  }
  waiting_.push_back(request);
  work_.WakeAll();
}

void ReadService::Stop() {
  stopped_ = true;
  work_.WakeAll();
}

Task<> ReadService::Run(DataConnection* data) {
  data_ = data;
  while (true) {
    while (waiting_.empty() && !stopped_) co_await work_.Wait();
    if (stopped_) break;
    const ReadRequest request = waiting_.front();
    waiting_.pop_front();
    absl::Status answered = co_await Answer(&request);
    if (!answered.ok()) break;
  }
  co_await DropReader();
}

// An error is one of the connection; what is wrong with the read itself is told with Fail.
Task<absl::Status> ReadService::Answer(const ReadRequest* request) {
  SiteVault* vault = site_->Find(request->vault);
  if (vault == nullptr) {
    Fail(*request, wire::Failure::NOT_FOUND, "no such vault here", request->first_sequence, 0);
  } else {
    co_await UseVault(vault);
    for (uint64_t sequence = request->first_sequence;; ++sequence) {
      if (sequence == 0 || sequence > vault->durable().sequence) {
        Fail(*request, wire::Failure::NOT_FOUND,
             absl::StrFormat("record %d is not durable here, the last one is %d", sequence,
                             vault->durable().sequence),
             sequence, 0);
        break;
      }
      // Taken anew for each record: a long stream does not keep others waiting.
      PooledBuffer buffer = co_await site_->read_pool()->Acquire();
      absl::Status sent = co_await SendRecord(request, sequence, buffer.span());
      if (absl::IsDataLoss(sent)) break;
      if (!sent.ok()) co_return sent;
      if (stopped_ || sequence >= request->last_sequence) break;
    }
  }
  absl::Status ended = co_await data_->SendEnd(request->request);
  co_return ended;
}

// kDataLoss: refused, and told so.
Task<absl::Status> ReadService::SendRecord(const ReadRequest* request, uint64_t sequence,
                                           MutableByteSpan buffer) {
  absl::StatusOr<CanonicalHeader> header = co_await reader_->ReadHead(sequence, buffer);
  if (!header.ok()) {
    // Out of descriptors, say, is no damage.
    const bool damaged = absl::IsDataLoss(header.status());
    Fail(*request, damaged ? wire::Failure::DAMAGED : wire::Failure::IO,
         std::string(header.status().message()), sequence, 0);
    if (damaged) {
      site_->healer()->Report(Damage{request->vault, sequence, Damage::Part::kHead, 0});
    }
    co_return absl::DataLossError("told");
  }
  const uint32_t blocks = static_cast<uint32_t>(header->blocks.size());
  const uint32_t first = request->whole ? 0 : request->first_block;
  const uint32_t count = request->whole ? blocks : request->block_count;
  if (first > blocks || count > blocks - first) {
    Fail(*request, wire::Failure::NOT_FOUND,
         absl::StrFormat("record %d has %d blocks", sequence, blocks), sequence, first);
    co_return absl::DataLossError("told");
  }
  absl::Status sent = co_await data_->SendHead(&*header, request->request);
  if (!sent.ok() || count == 0) co_return sent;
  const MutableByteSpan payload = buffer.subspan(kRecordHeaderBytes);
  absl::Status blocks_sent = co_await SendBlocks(request, &*header, first, count, payload);
  co_return blocks_sent;
}

Task<absl::Status> ReadService::SendBlocks(const ReadRequest* request,
                                           const CanonicalHeader* header, uint32_t first,
                                           uint32_t count, MutableByteSpan buffer) {
  const MutableByteSpan all = buffer.first(BlockRangeBytes(*header, first, count));
  absl::Status read = co_await reader_->ReadBlocks(header, first, all);
  bool one_by_one = !read.ok();
  if (read.ok() && count == header->blocks.size()) {
    absl::Status checked = co_await CheckPayloadOnWorker(io(), header, all);
    one_by_one = !checked.ok();
    if (checked.ok()) {
      absl::Status sent = co_await data_->SendBlocks(header, first, count, all, request->request);
      co_return sent;
    }
  }
  size_t at = 0;
  for (uint32_t block = first; block < first + count; ++block) {
    const MutableByteSpan bytes = all.subspan(at, header->BlockBytes(block));
    at += bytes.size();
    absl::Status good;
    if (one_by_one) good = co_await reader_->ReadBlocks(header, block, bytes);
    if (good.ok()) good = CheckBlock(*header, block, bytes);
    if (!good.ok()) {
      Fail(*request, wire::Failure::DAMAGED, std::string(good.message()), header->sequence, block);
      site_->healer()->Report(
          Damage{request->vault, header->sequence, Damage::Part::kBlock, block});
      co_return absl::DataLossError("told");
    }
    absl::Status sent = co_await data_->SendBlocks(header, block, 1, bytes, request->request);
    if (!sent.ok()) co_return sent;
  }
  co_return absl::OkStatus();
}

Task<> ReadService::UseVault(SiteVault* vault) {
  if (vault_ == vault) co_return;
  co_await DropReader();
  vault_ = vault;
  reader_ = std::make_unique<LogReader>(vault->log());
}

Task<> ReadService::DropReader() {
  if (reader_ != nullptr) co_await reader_->Close();
  reader_.reset();
  vault_ = nullptr;
}

void ReadService::Fail(const ReadRequest& request, wire::Failure::Code code, const std::string& why,
                       uint64_t sequence, uint32_t block) {
  wire::Control message;
  wire::ReadFailed* failed = message.mutable_read_failed();
  failed->set_request(request.request);
  *failed->mutable_failure() = MakeFailure(code, why);
  failed->set_sequence(sequence);
  failed->set_block(block);
  control_->Send(message);
}

}  // namespace tidemark
