#include "agent/report/sla_book.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "agent/report/health.h"
#include "agent/report/push_service.h"

namespace tidemark {
namespace {

SlaFact RpoFact(const VaultStatus& vault, bool* known) {
  SlaFact fact{{"TidemarkRpo", vault.name, ""}, SlaLevel::kInfo, "RPO within its target"};
  for (const VaultSiteStatus& row : vault.sites) {
    const RpoStanding standing = StandingOf(vault, row);
    if (standing == RpoStanding::kUnknown) *known = false;
    const SlaLevel level = standing == RpoStanding::kMissed   ? SlaLevel::kDanger
                           : standing == RpoStanding::kAtRisk ? SlaLevel::kWarning
                                                              : SlaLevel::kInfo;
    if (level <= fact.level) continue;
    fact.level = level;
    fact.summary =
        absl::StrFormat("RPO of vault %s at site %s is %.0f s, target %.0f s", vault.name, row.name,
                        *row.rpo_actual_seconds, *vault.rpo_target_seconds);
    if (row.breach_in_seconds && level == SlaLevel::kWarning)
      fact.summary +=
          absl::StrFormat(", breached in %.0f s at the present rate", *row.breach_in_seconds);
  }
  // A breach is known even where another site is not.
  *known = *known || fact.level != SlaLevel::kInfo;
  return fact;
}

SlaFact CopiesFact(const VaultStatus& vault) {
  const uint32_t missing = vault.copies_expected - vault.copies_available;
  const SlaLevel level = missing == 0   ? SlaLevel::kInfo
                         : missing == 1 ? SlaLevel::kWarning
                                        : SlaLevel::kDanger;
  return {{"TidemarkCopies", vault.name, ""},
          level,
          absl::StrFormat("%d of %d copies of vault %s", vault.copies_available,
                          vault.copies_expected, vault.name)};
}

// A vault that is only being opened is on its way.
SlaFact WritableFact(const StatusReport& report, const VaultStatus& vault) {
  SlaFact fact{{"TidemarkWritable", vault.name, ""}, SlaLevel::kInfo, "pushes are served"};
  std::string why;
  for (const PushBlock& block : PushBlocks(report, vault)) {
    const bool is_opening = block.code == "VAULT_OPENING";
    fact.level = std::max(fact.level, is_opening ? SlaLevel::kWarning : SlaLevel::kDanger);
    why += (why.empty() ? "" : "; ") + block.reason;
  }
  if (!why.empty()) fact.summary = "no pushes of vault " + vault.name + ": " + why;
  return fact;
}

SlaFact SiteFact(const StatusReport& report, const SiteStatus& site, const char* alert,
                 std::initializer_list<const char*> codes) {
  SlaFact fact{{alert, "", site.name}, SlaLevel::kInfo, "site " + site.name + " is sound"};
  for (const HealthCode& code : report.codes) {
    const bool counts = std::find(codes.begin(), codes.end(), code.code) != codes.end();
    const bool is_ours = code.message.find(site.role + " " + site.name) != std::string::npos;
    if (!counts || !is_ours) continue;
    const SlaLevel level = code.severity == "error" ? SlaLevel::kDanger : SlaLevel::kWarning;
    if (level <= fact.level) continue;
    fact.level = level;
    fact.summary = code.message;
  }
  return fact;
}

}  // namespace

std::vector<SlaChange> SlaBook::Note(absl::Time now, absl::Duration monotonic,
                                     const std::vector<SlaFact>& facts) {
  std::vector<SlaChange> changes;
  for (const SlaFact& fact : facts) {
    SlaState& state = states_[fact.subject];
    if (fact.level == state.level) {
      leanings_.erase(fact.subject);
      continue;
    }
    auto [leaning, is_new] = leanings_.try_emplace(fact.subject, Leaning{fact.level, monotonic});
    if (!is_new && leaning->second.level != fact.level) leaning->second = {fact.level, monotonic};
    const bool is_worse = fact.level > state.level;
    const absl::Duration wait = fact.level == SlaLevel::kDanger ? absl::ZeroDuration()
                                : is_worse                      ? timing_.raise_after
                                                                : timing_.clear_after;
    if (monotonic - leaning->second.since < wait) continue;
    SlaChange change{fact.subject, state.level, state};
    change.now.level = fact.level;
    change.now.since = now;
    if (state.level == SlaLevel::kInfo) change.now.raised = now;
    change.now.summary = fact.summary;
    state = change.now;
    leanings_.erase(leaning);
    changes.push_back(std::move(change));
  }
  return changes;
}

SlaLevel SlaBook::worst() const {
  SlaLevel worst = SlaLevel::kInfo;
  for (const auto& [subject, state] : states_) worst = std::max(worst, state.level);
  return worst;
}

std::vector<SlaFact> FactsOf(const StatusReport& report) {
  std::vector<SlaFact> facts;
  for (const VaultStatus& vault : report.vaults) {
    bool known = true;
    SlaFact rpo = RpoFact(vault, &known);
    if (known) facts.push_back(std::move(rpo));
    facts.push_back(CopiesFact(vault));
    facts.push_back(WritableFact(report, vault));
  }
  for (const SiteStatus& site : report.sites) {
    facts.push_back(
        SiteFact(report, site, "TidemarkIntegrity", {"SITE_DAMAGED", "SITE_BAD_BLOCKS"}));
    facts.push_back(SiteFact(report, site, "TidemarkSpace", {"SITE_FULL", "SITE_NEARLY_FULL"}));
    // Without a conviction nothing is said: no evidence found is no acquittal.
    if (!site.conviction.empty()) {
      facts.push_back({{"TidemarkEquivocation", "", site.name},
                       SlaLevel::kDanger,
                       "site " + site.name + " " + site.conviction});
    }
  }
  return facts;
}

std::vector<SlaFact> FactsOfGone(const StatusReport& report,
                                 const std::map<SlaSubject, SlaState>& states) {
  const auto is_among = [](const std::string& name, const auto& rows) {
    return name.empty() || std::any_of(rows.begin(), rows.end(),
                                       [&name](const auto& row) { return row.name == name; });
  };
  std::vector<SlaFact> facts;
  for (const auto& [subject, state] : states) {
    if (is_among(subject.vault, report.vaults) && is_among(subject.site, report.sites)) continue;
    facts.push_back({subject, SlaLevel::kInfo, "no longer in the agent's configuration"});
  }
  return facts;
}

std::vector<std::pair<std::string, std::string>> AlertFacts(const StatusReport& report,
                                                            const SlaSubject& subject) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (const VaultStatus& vault : report.vaults) {
    if (!subject.vault.empty() && vault.name != subject.vault) continue;
    const std::string of = subject.vault.empty() ? " of " + vault.name : "";
    std::optional<double> worst = 0.0, breach;
    for (const VaultSiteStatus& row : vault.sites) {
      if (!row.rpo_actual_seconds.has_value()) worst.reset();
      if (worst.has_value()) worst = std::max(*worst, *row.rpo_actual_seconds);
      if (row.breach_in_seconds)
        breach = std::min(breach.value_or(*row.breach_in_seconds), *row.breach_in_seconds);
    }
    facts.emplace_back("copies available" + of, std::to_string(vault.copies_available));
    facts.emplace_back("copies expected" + of, std::to_string(vault.copies_expected));
    facts.emplace_back("rpo seconds" + of,
                       worst.has_value() ? absl::StrFormat("%.1f", *worst) : "unknown");
    facts.emplace_back("rpo target seconds" + of,
                       absl::StrFormat("%.0f", vault.rpo_target_seconds.value_or(0)));
    facts.emplace_back("rto seconds" + of, "unknown: no drill yet");
    facts.emplace_back("rpo projection" + of,
                       breach.has_value() ? absl::StrFormat("target missed in %.0f s", *breach)
                                          : "no breach at the present rate");
  }
  return facts;
}

}  // namespace tidemark
