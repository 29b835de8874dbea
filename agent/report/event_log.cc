#include "agent/report/event_log.h"

#include <utility>

namespace tidemark {
namespace {

// Down, catching up and open are states and told as such; these are not.
bool IsTold(const HealthCode& code) {
  return code.severity != "info" &&
         (code.code.starts_with("RPO_") || code.code == "SITE_BAD_BLOCKS" ||
          code.code == "SITE_NEARLY_FULL" || code.code == "TIER_EXCEEDED");
}

}  // namespace

void EventLog::Add(absl::Time at, std::string what, std::string text) {
  events_.push_front({at, std::move(what), std::move(text)});
  if (events_.size() > kEventsMax) events_.pop_back();
}

void EventLog::Observe(const StatusReport& report) {
  const auto note = [&](const std::string& what, const std::string& state, const std::string& why) {
    std::string& before = states_[what];
    if (before == state) return;
    before = state;
    Add(report.at, what, why.empty() ? state : state + ": " + why);
  };
  if (!seen_any_) Add(report.at, "agent", "started");
  seen_any_ = true;
  for (const SiteStatus& site : report.sites)
    note("site " + site.name, site.state, site.state == "streaming" ? "" : site.last_error);
  for (const VaultStatus& vault : report.vaults)
    note("vault " + vault.name, vault.state, vault.trouble);
  std::map<std::string, std::string> now;
  for (const HealthCode& code : report.codes) {
    if (!IsTold(code) || !now.try_emplace(code.code, code.message).second) continue;
    if (!codes_.contains(code.code)) Add(report.at, code.code, code.message);
  }
  for (const auto& [code, message] : codes_) {
    if (!now.contains(code)) Add(report.at, code, "over");
  }
  codes_ = std::move(now);
}

}  // namespace tidemark
