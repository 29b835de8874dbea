#include "agent/config_alerts.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "agent/report/times.h"

namespace tidemark {
namespace {

constexpr size_t kEventBytesMax = 64;
constexpr uint64_t kMonthSeconds = 31 * 86400;
constexpr const char* kHoursWanted = "days and times such as \"Mon-Fri 09:00-18:00\"";

// "Mon-Fri 09:00-18:00"
bool ParseHours(const std::string& text, BusinessHours* hours) {
  if (text.size() != 19 || text[3] != '-' || text[7] != ' ' || text[13] != '-') return false;
  const int first = WeekdayOf(text.substr(0, 3)), last = WeekdayOf(text.substr(4, 3));
  hours->from_minute = MinuteOfDay(text.substr(8, 5));
  hours->to_minute = MinuteOfDay(text.substr(14));
  if (first < 0 || last < first || hours->from_minute < 0) return false;
  for (int day = first; day <= last; ++day) hours->days |= static_cast<uint8_t>(1 << day);
  return hours->to_minute > hours->from_minute;
}

bool IsEventName(const std::string& name) {
  return !name.empty() && name.size() <= kEventBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
         });
}

void ReadChannel(Section section, SlaConfig* config) {
  AlertChannel channel;
  std::string least = "warning", hours;
  uint64_t escalate_after = 0;
  section.Text("name", &channel.name, true);
  channel.type = "generic";
  section.OneOf("type", &channel.type,
                {"generic", "alertmanager", "slack", "teams", "discord", "pagerduty", "email"});
  section.Text("event", &channel.event);
  section.Text("url", &channel.url);
  section.Path("url_file", &channel.url_file);
  section.Path("secret_file", &channel.secret_file);
  section.Path("routing_key_file", &channel.routing_key_file);
  section.Text("from", &channel.from);
  section.Text("to", &channel.to);
  section.OneOf("least", &least, {"warning", "danger"});
  section.Count("escalate_after_seconds", &escalate_after, 0, 7 * 86400);
  section.Text("hours", &hours);
  section.Text("zone", &channel.hours.zone);
  section.Finish();
  if (channel.url.empty() == channel.url_file.empty())
    section.Refuse(section.line(), "[[alerts]] needs one of url and url_file");
  if (channel.type != "generic" && channel.event != AlertChannel().event)
    section.Refuse(section.line(), "'event' in [[alerts]] is for type generic only");
  if (!IsEventName(channel.event)) {
    section.Refuse(section.line(), "'event' in [[alerts]] must be 1 to 64 letters, digits, _ or -");
  }
  if (channel.type == "email" && (channel.from.empty() || channel.to.empty()))
    section.Refuse(section.line(), "[[alerts]] of type email needs from and to");
  if (channel.type == "pagerduty" && channel.routing_key_file.empty())
    section.Refuse(section.line(), "[[alerts]] of type pagerduty needs routing_key_file");
  if (!hours.empty() && !ParseHours(hours, &channel.hours)) {
    section.Refuse(section.line(),
                   absl::StrFormat("'hours' in [[alerts]] must be %s", kHoursWanted));
  }
  for (const AlertChannel& other : config->channels) {
    if (other.name == channel.name)
      section.Refuse(section.line(),
                     absl::StrFormat("two [[alerts]] are named '%s'", channel.name));
  }
  channel.least = least == "danger" ? SlaLevel::kDanger : SlaLevel::kWarning;
  channel.escalate_after = absl::Seconds(escalate_after);
  config->channels.push_back(std::move(channel));
}

void ReadWindow(Section section, SlaConfig* config) {
  MaintenanceWindow window;
  std::string begins, ends;
  section.Text("begins", &begins, true);
  section.Text("ends", &ends, true);
  section.Text("reason", &window.reason);
  section.Finish();
  const absl::StatusOr<absl::Time> from = ParseRfc3339(begins), to = ParseRfc3339(ends);
  if (!from.ok() || !to.ok() || *from >= *to) {
    return section.Refuse(section.line(),
                          "[[maintenance]] needs begins and ends, RFC 3339 times in this order");
  }
  window.begins = *from;
  window.ends = *to;
  config->maintenance.push_back(std::move(window));
}

}  // namespace

void ReadSlaConfig(Section* top, SlaConfig* config) {
  Section sla = top->Table("sla");
  uint64_t raise = absl::ToInt64Seconds(config->timing.raise_after);
  uint64_t clear = absl::ToInt64Seconds(config->timing.clear_after);
  sla.Count("raise_after_seconds", &raise, 0, 86400);
  sla.Count("clear_after_seconds", &clear, 0, 86400);
  sla.Finish();
  config->timing = {absl::Seconds(raise), absl::Seconds(clear)};
  Section prices = top->Table("prices");
  PriceTable& table = config->prices;
  prices.Text("currency", &table.currency);
  prices.Amount("overage_per_gb_month", &table.overage_per_gb_month);
  prices.Amount("egress_per_gb", &table.egress_per_gb);
  prices.Amount("egress_included_bytes", &table.egress_included_bytes);
  prices.Amount("credit_percent", &table.credit_percent);
  if (table.credit_percent > 100)
    prices.Refuse(prices.line(), "'credit_percent' in [prices] must be a number from 0 to 100");
  uint64_t step = absl::ToInt64Seconds(table.credit_step);
  uint64_t rto = absl::ToInt64Seconds(table.credit_rto);
  prices.Count("credit_step_seconds", &step, 60, kMonthSeconds);
  prices.Count("credit_rto_seconds", &rto, 0, kMonthSeconds);
  table.credit_step = absl::Seconds(step);
  table.credit_rto = absl::Seconds(rto);
  prices.Finish();
  for (Section& section : top->Tables("alerts", false)) ReadChannel(section, config);
  for (Section& section : top->Tables("maintenance", false)) ReadWindow(section, config);
}

}  // namespace tidemark
