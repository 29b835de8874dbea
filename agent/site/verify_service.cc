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
    co_await CheckAll(vault);
  }
  running_ = false;
  Report(true);
}

Task<> VerifyService::CheckAll(SiteVault* vault) {
  RecordCheck check(vault);
  const uint64_t last = vault->durable().sequence;
  absl::Duration reported = io()->Monotonic();
  for (uint64_t sequence = 1; sequence <= last && !stopped_; ++sequence) {
    std::vector<Healer::Mended> mended;
    co_await site_->healer()->Mend(&check, sequence, &mended);
    report_.set_records(report_.records() + 1);
    report_.set_blocks(report_.blocks() + check.blocks());
    for (const Healer::Mended& each : mended) Bad(each);
    const absl::Duration now = io()->Monotonic();
    if (now - reported >= kReportInterval || report_.bad_size() >= kBadPerReport) {
      Report(false);
      reported = now;
    }
  }
  co_await check.Close();
}

void VerifyService::Bad(const Healer::Mended& mended) {
  report_.set_found(report_.found() + 1);
  if (mended.healed.ok()) report_.set_healed(report_.healed() + 1);
  if (report_.bad_size() >= kBadPerReport + static_cast<int>(kPackBlocksMax)) return;
  wire::VerifyReport::Bad* bad = report_.add_bad();
  bad->set_sequence(mended.damage.sequence);
  bad->set_block(mended.damage.block);
  bad->set_healed(mended.healed.ok());
  bad->set_place(mended.damage.Describe());
  const std::string text((mended.healed.ok() ? mended.why : mended.healed).message());
  bad->set_why(MakeFailure(wire::Failure::DAMAGED, text).message());
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
