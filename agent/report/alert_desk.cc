#include "agent/report/alert_desk.h"

#include <algorithm>
#include <utility>

namespace tidemark {
namespace {
constexpr absl::Duration kPauseMax = absl::Minutes(5);
constexpr absl::Duration kRetryAfterMax = absl::Hours(1);
}  // namespace

AlertDesk::AlertDesk(std::vector<AlertChannel> channels, std::vector<MaintenanceWindow> maintenance)
    : channels_(std::move(channels)), maintenance_(std::move(maintenance)) {}

bool IsOpen(const BusinessHours& hours, absl::Time now) {
  if (hours.days == 0) return true;
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(hours.zone, &zone)) zone = absl::UTCTimeZone();
  const absl::CivilSecond local = absl::ToCivilSecond(now, zone);
  const int day = static_cast<int>(absl::GetWeekday(absl::CivilDay(local)));  // Monday is 0
  const int minute = local.hour() * 60 + local.minute();
  return (hours.days >> day & 1) != 0 && minute >= hours.from_minute && minute < hours.to_minute;
}

absl::Duration RetryPause(uint32_t attempts) {
  return std::min(kPauseMax, absl::Seconds(1) * (1 << std::min<uint32_t>(attempts - 1, 9)));
}

bool AlertDesk::InMaintenance(absl::Time now) const {
  return std::any_of(maintenance_.begin(), maintenance_.end(), [now](const auto& window) {
    return now >= window.begins && now < window.ends;
  });
}

bool AlertDesk::ShouldTell(const AlertChannel& channel, const SlaState& state, SlaLevel told,
                           absl::Time now) const {
  const SlaLevel should_know = state.level >= channel.least ? state.level : SlaLevel::kInfo;
  if (should_know == told) return false;
  // What is over is told at once to whom it was told; what stands must have stood long enough.
  if (should_know == SlaLevel::kInfo || told != SlaLevel::kInfo) return true;
  return now - state.raised >= channel.escalate_after;
}

void AlertDesk::Route(absl::Time now, const std::map<SlaSubject, SlaState>& states,
                      const FactsOfSubject& facts) {
  if (InMaintenance(now)) return;
  for (const AlertChannel& channel : channels_) {
    if (!IsOpen(channel.hours, now)) continue;
    for (const auto& [subject, state] : states) {
      SlaLevel& told = told_[{channel.name, subject}];
      if (!ShouldTell(channel, state, told, now)) continue;
      const SlaLevel level = state.level >= channel.least ? state.level : SlaLevel::kInfo;
      Delivery delivery;
      delivery.id = next_id_++;
      delivery.channel = channel.name;
      delivery.alert = {++sequences_[channel.name],
                        subject,
                        told,
                        level,
                        state.since,
                        state.raised,
                        now,
                        state.summary,
                        facts(subject)};
      delivery.next_try = now;
      told = level;
      if (queue_.size() == kQueueMax) {
        queue_.pop_front();
        ++dropped_;
      }
      queue_.push_back(std::move(delivery));
      changed_ = true;
    }
  }
}

const Delivery* AlertDesk::Due(const std::string& channel, absl::Time now) const {
  for (const Delivery& delivery : queue_) {
    if (delivery.channel == channel) return delivery.next_try <= now ? &delivery : nullptr;
  }
  return nullptr;
}

void AlertDesk::Delivered(uint64_t id) {
  const size_t erased = std::erase_if(queue_, [id](const auto& each) { return each.id == id; });
  delivered_ += erased;
  changed_ = changed_ || erased > 0;
}

void AlertDesk::Failed(uint64_t id, absl::Time now, std::optional<absl::Duration> retry_after,
                       bool for_good) {
  ++failed_;
  changed_ = true;
  if (for_good) {
    dropped_ += std::erase_if(queue_, [id](const auto& each) { return each.id == id; });
    return;
  }
  for (Delivery& delivery : queue_) {
    if (delivery.id != id) continue;
    ++delivery.attempts;
    const absl::Duration asked =
        std::min(kRetryAfterMax, retry_after.value_or(absl::ZeroDuration()));
    delivery.next_try = now + std::max(RetryPause(delivery.attempts), asked);
  }
}

}  // namespace tidemark
