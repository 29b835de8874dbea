#include "agent/report/health.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "agent/report/tier.h"

namespace tidemark {
namespace {

constexpr double kClockSkewSecondsMax = 2.0;
constexpr double kFreeBytesLow = 1 << 30;
constexpr double kFreeShareLow = 0.10;  // of the disk
constexpr double kFullSoonSeconds = 24 * 3600;
constexpr double kRiskSeconds = 60;  // a breach nearer than this or a third of the target
constexpr double kTargetShareHigh = 0.85;
constexpr double kStallSecondsTold = 1;

constexpr HealthRow kTable[] = {
    {"PRIMARY_DOWN", "error", "a primary is not connected",
     "pushes wait until it is back: start it, or look at the network between"},
    {"WITNESS_DOWN", "warn", "the witness is not connected",
     "pushes go on; start it again and it catches up by itself"},
    {"SITE_DAMAGED", "error", "a site holds less than it once signed for, or something else",
     "keep its store as evidence; restores read around it; see `tidemark site replace`"},
    {"SITE_BAD_BLOCKS", "error", "a site re-read its store and found places that are not healed",
     "it heals by itself once another site gives what it needs; `tidemark verify --deep` says what "
     "is lost"},
    {"SITE_EQUIVOCATES", "error", "a site signed two histories: its own signatures convict it",
     "its receipts prove nothing: keep them (`tidemark rpo export`) and take it out of service"},
    {"SITE_FULL", "error", "a site's disk is full (the witness: warn)",
     "free or add space on its store; it goes on by itself"},
    {"SITE_NEARLY_FULL", "warn", "a site's disk is nearly full, or will be within a day",
     "add space before it says full"},
    {"SITE_CATCHING_UP", "warn", "a site fetches records that it missed",
     "wait; its lag shrinks when the others keep their pace"},
    {"FENCED", "error", "a site follows another agent",
     "only one agent may append: stop one of the two"},
    {"RPO_MISSED", "error", "the oldest byte that a site cannot restore is older than the target",
     "see why the site lags: its state, its disk, its link"},
    {"RPO_AT_RISK", "warn", "at the present rate a site misses the target soon",
     "a faster link or disk, or fewer pushes; the prediction is in `tidemark status`"},
    {"PUSHES_THROTTLED", "warn", "a site nears the RPO target, and rpo_policy = throttle",
     "pushes go on slowly until the site has caught up; see why it lags"},
    {"PUSHES_REFUSED", "error", "a site nears the RPO target, and rpo_policy = refuse",
     "new pushes end with 75 until the site has caught up; see why it lags"},
    {"RPO_UNKNOWN", "warn", "a connected site has not yet proved what it holds",
     "wait until it has caught up; if it stays, see the site's log"},
    {"CLOCK_SKEW", "warn", "a site's clock is off by more than 2 s",
     "synchronise the clocks: receipts carry the site's time"},
    {"SITES_SHARE_HOST", "error", "two sites run on one machine (info with allow_same_host)",
     "one failure takes both; put them on machines of their own (allow_same_host = true accepts "
     "it)"},
    {"VAULT_OPENING", "warn", "a vault cannot be written yet",
     "it needs both primaries, with ack = quorum any two sites"},
    {"ACK_QUORUM", "warn", "a primary is late, and two of three sites commit",
     "bring the late primary back: commits wait for both again by themselves"},
    {"VAULT_FENCED", "error", "another agent took the vault over",
     "another agent appends now: stop one of the two, restart the other"},
    {"VAULT_FAILED", "error", "a vault met an error that it cannot leave by itself",
     "mend the cause and restart the agent; nothing is lost"},
    {"INDEX_TROUBLE", "warn", "the dedup index cannot be read or written",
     "dedup suffers, data does not: delete the index directory and restart to rebuild it"},
    {"TIER_EXCEEDED", "warn", "a vault needs more I/O or space than its tier has",
     "choose a larger tier, or push less at a time"},
    {"AGENT_CPU_HIGH", "warn", "the agent takes more of the processors than it should",
     "fewer pushes at a time, a larger machine, or other [limits]: workers, cpu_percent"},
    {"AGENT_MEMORY_HIGH", "warn", "the agent takes more of the memory than it should",
     "smaller [memory] buffers, a larger machine, or another memory_percent in [limits]"},
    {"PROOF_NOT_KEPT", "warn", "receipts are not kept: this time cannot be proved later",
     "make room in the agent's state directory; what sites still have is then asked for again"},
    {"LOOP_STALLED", "info", "the agent's loop stood still for more than a second",
     "the machine is short of CPU or memory; see its load"},
    {"STATUS_PORT", "warn", "the status port cannot be served",
     "another process has the port: set `listen` in [status]; replication goes on"},
};

const HealthRow& RowOf(const char* code) {
  const auto found =
      std::find_if(std::begin(kTable), std::end(kTable),
                   [code](const HealthRow& row) { return std::strcmp(row.code, code) == 0; });
  assert(found != std::end(kTable));
  return *found;
}

class Judge {
 public:
  explicit Judge(StatusReport* report) : report_(report) {}
  void Add(const char* code, std::string message, const char* severity = nullptr) {
    const HealthRow& row = RowOf(code);
    report_->codes.push_back(
        {row.code, severity != nullptr ? severity : row.severity, std::move(message), row.hint});
  }
  void Link(const SiteStatus& site);
  void Proof(const SiteStatus& site);
  void Rpo(const SiteStatus& site);
  void Store(const SiteStatus& site);
  void Neighbours();
  void OfVault(const VaultStatus& vault);
  void Tier(const VaultStatus& vault);
  void OfAgent();

 private:
  static std::string Who(const SiteStatus& site) { return site.role + " " + site.name; }
  static std::string Why(const SiteStatus& site) {
    return site.last_error.empty() ? "" : ": " + site.last_error;
  }
  StatusReport* report_;
};

void Judge::Link(const SiteStatus& site) {
  const bool primary = site.role == "primary";
  if (site.state == "down" || (site.state == "connecting" && !site.connected)) {
    Add(primary ? "PRIMARY_DOWN" : "WITNESS_DOWN", Who(site) + " is not connected" + Why(site));
  } else if (site.state == "damaged") {
    Add("SITE_DAMAGED",
        Who(site) + " holds less than it once signed for, or something else" + Why(site));
  } else if (site.state == "full") {
    Add("SITE_FULL", Who(site) + " has no space left" + Why(site), primary ? nullptr : "warn");
  } else if (site.state == "fenced") {
    Add("FENCED", Who(site) + " follows another agent" + Why(site));
  } else if (site.state == "catching_up") {
    Add("SITE_CATCHING_UP", Who(site) + " is catching up");
  }
  if (site.clock_skew_seconds && std::abs(*site.clock_skew_seconds) > kClockSkewSecondsMax) {
    Add("CLOCK_SKEW",
        absl::StrFormat("%s: its clock is off by %.1f s", Who(site), *site.clock_skew_seconds));
  }
}

void Judge::Proof(const SiteStatus& site) {
  if (!site.conviction.empty()) Add("SITE_EQUIVOCATES", Who(site) + " " + site.conviction);
}

void Judge::Rpo(const SiteStatus& site) {
  for (const VaultStatus& vault : report_->vaults) {
    const auto row = std::find_if(vault.sites.begin(), vault.sites.end(),
                                  [&site](const auto& each) { return each.name == site.name; });
    if (row == vault.sites.end()) continue;
    const RpoStanding standing = StandingOf(vault, *row);
    const std::string where = "vault " + vault.name + " at " + Who(site);
    if (standing == RpoStanding::kUnknown && site.connected && vault.state == "open")
      Add("RPO_UNKNOWN", where + ": what it holds is not proven yet");
    if (standing == RpoStanding::kUnknown || standing == RpoStanding::kMet) continue;
    const std::string of = absl::StrFormat("%s: RPO %.0f s, target %.0f s", where,
                                           *row->rpo_actual_seconds, *vault.rpo_target_seconds);
    if (standing == RpoStanding::kMissed) {
      Add("RPO_MISSED", of);
    } else if (row->breach_in_seconds.has_value()) {
      Add("RPO_AT_RISK", absl::StrFormat("%s; at the present rate this breaches in %.0f s", of,
                                         *row->breach_in_seconds));
    } else {
      Add("RPO_AT_RISK", of);
    }
  }
}

void Judge::Store(const SiteStatus& site) {
  if (site.scrub && site.scrub->bad > 0) {
    Add("SITE_BAD_BLOCKS", absl::StrFormat("%s: %d places are bad and not healed: %s", Who(site),
                                           site.scrub->bad, site.scrub->worst));
  }
  if (!site.connected || !site.store_free_bytes.has_value() || site.state == "full") return;
  const double left = static_cast<double>(*site.store_free_bytes);
  const double disk = static_cast<double>(site.store_disk_bytes.value_or(0));
  if (left < std::max(kFreeBytesLow, kFreeShareLow * disk)) {
    Add("SITE_NEARLY_FULL",
        absl::StrFormat("%s has %.1f GB of %.1f GB left", Who(site), left / 1e9, disk / 1e9));
  } else if (site.store_full_in_seconds && *site.store_full_in_seconds < kFullSoonSeconds) {
    Add("SITE_NEARLY_FULL",
        absl::StrFormat("%s has %.1f GB left: at the present rate it is full in %.1f hours",
                        Who(site), left / 1e9, *site.store_full_in_seconds / 3600));
  }
}

// Groups of sites on one machine, each told once.
void Judge::Neighbours() {
  std::set<std::string> told;
  for (const SiteStatus& site : report_->sites) {
    if (site.shares_host_with.empty() || told.contains(site.name)) continue;
    told.insert(site.shares_host_with.begin(), site.shares_host_with.end());
    Add("SITES_SHARE_HOST",
        "sites " + site.name + ", " + absl::StrJoin(site.shares_host_with, ", ") +
            " run on one machine",
        report_->same_host_allowed ? "info" : nullptr);
  }
}

void Judge::OfVault(const VaultStatus& vault) {
  if (vault.state == "fenced") {
    Add("VAULT_FENCED", "vault " + vault.name + ": " + vault.trouble);
  } else if (vault.state == "failed") {
    Add("VAULT_FAILED", "vault " + vault.name + ": " + vault.trouble);
  } else if (vault.state == "opening") {
    Add("VAULT_OPENING", "vault " + vault.name + " cannot be written yet");
  } else if (vault.ack_mode == "quorum") {
    Add("ACK_QUORUM", "vault " + vault.name + " commits with two of three sites");
  }
  if (vault.admission == "throttled")
    Add("PUSHES_THROTTLED", "vault " + vault.name + " takes records slowly, for its RPO target");
  if (vault.admission == "refused")
    Add("PUSHES_REFUSED", "vault " + vault.name + " takes no new push, for its RPO target");
  if (!vault.index_trouble.empty()) Add("INDEX_TROUBLE", vault.index_trouble);
}

void Judge::Tier(const VaultStatus& vault) {
  const TierLimits* tier = FindTier(vault.tier);
  if (tier == nullptr) return;
  if (static_cast<double>(vault.stored_bytes) > tier->bytes) {
    Add("TIER_EXCEEDED", absl::StrFormat("vault %s stores %.2f TB, tier %s has %.0f TB", vault.name,
                                         static_cast<double>(vault.stored_bytes) / 1e12, tier->name,
                                         tier->bytes / 1e12));
  }
  for (const VaultSiteStatus& site : vault.sites) {
    const double iops = site.rates.write_iops.value_or(0) + site.rates.read_iops.value_or(0);
    if (iops <= tier->iops) continue;
    Add("TIER_EXCEEDED", absl::StrFormat("vault %s at site %s: %.0f IOPS, tier %s has %.0f",
                                         vault.name, site.name, iops, tier->name, tier->iops));
  }
}

void Judge::OfAgent() {
  const AgentLoad& load = report_->load;
  const auto exceeds = [](const std::optional<double>& share, uint64_t percent) {
    return share.has_value() && *share * 100 > static_cast<double>(percent);
  };
  if (exceeds(load.cpu_share, load.cpu_percent_max)) {
    Add("AGENT_CPU_HIGH", absl::StrFormat("%.0f %% of the processors, limit %d %%",
                                          *load.cpu_share * 100, load.cpu_percent_max));
  }
  if (exceeds(load.memory_share, load.memory_percent_max)) {
    Add("AGENT_MEMORY_HIGH", absl::StrFormat("%.1f %% of the memory, limit %d %%",
                                             *load.memory_share * 100, load.memory_percent_max));
  }
  if (report_->longest_stall_seconds > kStallSecondsTold) {
    Add("LOOP_STALLED", absl::StrFormat("the agent's loop once stood still for %.1f s",
                                        report_->longest_stall_seconds));
  }
  if (!report_->proof_trouble.empty())
    Add("PROOF_NOT_KEPT", "receipts are not kept: " + report_->proof_trouble);
  if (!report_->status_trouble.empty()) Add("STATUS_PORT", report_->status_trouble);
}

}  // namespace

RpoStanding StandingOf(const VaultStatus& vault, const VaultSiteStatus& site) {
  if (!site.rpo_actual_seconds.has_value() || !vault.rpo_target_seconds.has_value())
    return RpoStanding::kUnknown;
  const double target = *vault.rpo_target_seconds;
  if (*site.rpo_actual_seconds > target) return RpoStanding::kMissed;
  const bool comes_soon =
      site.breach_in_seconds && *site.breach_in_seconds <= std::max(kRiskSeconds, target / 3);
  const bool is_near = *site.rpo_actual_seconds > kTargetShareHigh * target;
  return comes_soon || is_near ? RpoStanding::kAtRisk : RpoStanding::kMet;
}

std::span<const HealthRow> HealthTable() { return kTable; }

void JudgeHealth(StatusReport* report) {
  report->codes.clear();
  Judge judge(report);
  for (const SiteStatus& site : report->sites) {
    judge.Link(site);
    judge.Proof(site);
    judge.Rpo(site);
    judge.Store(site);
  }
  judge.Neighbours();
  for (const VaultStatus& vault : report->vaults) {
    judge.OfVault(vault);
    judge.Tier(vault);
  }
  judge.OfAgent();
  // What is worst stands first; equal ones as they were found.
  std::vector<HealthCode> worst_first;
  for (const char* severity : {"error", "warn", "info"}) {
    for (const HealthCode& code : report->codes) {
      if (code.severity == severity) worst_first.push_back(code);
    }
  }
  report->codes = std::move(worst_first);
  report->status = "ok";
  if (!report->codes.empty() && report->codes.front().severity != "info")
    report->status = report->codes.front().severity;
}

}  // namespace tidemark
