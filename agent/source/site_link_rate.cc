// SiteLink: the rate that a site may be sent to, here and by the peers that it fetches from.
#include "agent/source/site_link.h"

namespace tidemark {

void SiteLink::SetRate(uint64_t bytes_per_second) {
  if (bytes_per_second == pacer_.rate()) return;
  pacer_.SetRate(bytes_per_second);
  if (session_up_) TellRate();
}

// A site that was never held needs not know what a rate is: it may be older than that.
void SiteLink::TellRate() {
  if (pacer_.rate() == rate_told_) return;
  rate_told_ = pacer_.rate();
  wire::Control message;
  message.mutable_rate()->set_fetch_bytes_per_second(rate_told_);
  control_->Send(message);
}

}  // namespace tidemark
