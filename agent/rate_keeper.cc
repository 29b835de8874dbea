#include "agent/rate_keeper.h"

#include "agent/rate_schedule.h"

namespace tidemark {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

}  // namespace

void RateKeeper::Set(const std::vector<AgentSite>& sites) {
  schedules_.clear();
  for (const AgentSite& site : sites) schedules_[site.name] = site.rate;
  Apply();
}

void RateKeeper::Apply() {
  for (const std::unique_ptr<SiteLink>& link : *links_) {
    const uint64_t rate = RateAt(schedules_[link->name()], io_->Now());
    if (rate == link->rate()) continue;
    link->SetRate(rate);
    log_->Info("site " + link->name() + ": rate " + FormatRate(rate),
               {{"event", "rate"}, {"site", link->name()}, {"rate", FormatRate(rate)}});
  }
}

Task<> RateKeeper::Run() {
  while (!stopping_) {
    Apply();
    Op sleep = io_->Sleep(kInterval);
    sleep_ = &sleep;
    const int32_t slept = co_await sleep;
    sleep_ = nullptr;
    (void)slept;
  }
}

void RateKeeper::Stop() {
  stopping_ = true;
  if (sleep_ != nullptr) io_->Cancel(sleep_);
}

}  // namespace tidemark
