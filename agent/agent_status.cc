// The agent's state as people and scripts see it. Unknown stays unknown; nothing flatters.
#include <algorithm>

#include "absl/strings/str_format.h"
#include "agent/agent.h"
#include "agent/source/lag_clock.h"

namespace tidemark {
namespace {

constexpr int64_t kFreeBytesLow = int64_t{1} << 30;
constexpr double kClockSkewSecondsMax = 2.0;

std::optional<double> Worse(std::optional<double> a, std::optional<double> b) {
  if (!a.has_value() || !b.has_value()) return std::nullopt;
  return std::max(*a, *b);
}

std::optional<double> Seconds(const std::optional<absl::Duration>& duration) {
  if (!duration.has_value()) return std::nullopt;
  return absl::ToDoubleSeconds(*duration);
}

ScrubStatus ScrubOf(const wire::ScrubState& state) {
  ScrubStatus scrub;
  scrub.passes = state.passes();
  scrub.period_seconds = state.period_seconds();
  scrub.bytes_per_second = state.bytes_per_second();
  scrub.bad = state.bad();
  scrub.healed = state.healed();
  scrub.found = state.found();
  scrub.worst = state.worst();
  if (state.store_bytes() > 0) {
    const double share =
        static_cast<double>(state.covered_bytes()) / static_cast<double>(state.store_bytes());
    scrub.covered_share = std::min(1.0, share);
  }
  if (state.last_full_pass_nanos() != 0)
    scrub.last_full_pass = absl::FromUnixNanos(state.last_full_pass_nanos());
  return scrub;
}

}  // namespace

StatusReport Agent::Status() {
  StatusReport report;
  report.agent = options_.name;
  report.software = options_.software;
  report.at = io_->Now();
  report.pushes_running = pushes_running_;
  report.loop_stalls = io_->stalls();
  report.longest_stall_seconds = absl::ToDoubleSeconds(io_->longest_stall());
  for (const std::unique_ptr<SiteLink>& link : links_) report.sites.push_back(StatusOf(*link));
  for (const std::unique_ptr<Vault>& vault : vaults_) {
    VaultStatus row;
    row.name = vault->options().name;
    switch (vault->phase()) {
      case Vault::Phase::kOpen:
        row.state = "open";
        break;
      case Vault::Phase::kFailed:
        row.state = absl::IsAborted(vault->trouble()) ? "fenced" : "failed";
        break;
      default:
        row.state = "opening";
        break;
    }
    row.committed_sequence = vault->log()->committed_sequence();
    row.epoch = vault->log()->epoch();
    row.ack_mode = vault->ack_mode();
    row.stored_bytes = vault->log()->logged_bytes();
    row.commit_p50_seconds = vault->log()->commit_times().Seconds(50);
    row.commit_p99_seconds = vault->log()->commit_times().Seconds(99);
    if (vault->readable()) {
      row.source_bytes = vault->catalog()->source_bytes();
      row.archives = vault->catalog()->archives();
    }
    if (row.stored_bytes > 0 && row.source_bytes > 0) {
      row.dedup_ratio =
          static_cast<double>(row.source_bytes) / static_cast<double>(row.stored_bytes);
    }
    report.vaults.push_back(std::move(row));
  }
  AddHealth(&report);
  return report;
}

SiteStatus Agent::StatusOf(const SiteLink& link) const {
  SiteStatus row;
  row.name = link.name();
  row.role = link.options().is_primary ? "primary" : "witness";
  row.state = LinkStateName(LinkState::kUnknown);
  bool first = true;
  for (const std::unique_ptr<Vault>& vault : vaults_) {
    const SiteLink::View view = link.view(vault->options().id);
    if (first || view.state != LinkState::kStreaming) row.state = LinkStateName(view.state);
    if (!view.last_error.empty()) row.last_error = view.last_error;
    row.iops = view.iops;
    row.commits_per_second = view.commits_per_second;
    row.bytes_per_second = view.bytes_per_second;
    row.ack_p50_seconds = view.ack_p50_seconds;
    row.ack_p99_seconds = view.ack_p99_seconds;
    row.clock_skew_seconds = view.clock_skew_seconds;
    if (view.scrub.has_value()) row.scrub = ScrubOf(*view.scrub);
    const double target = absl::ToDoubleSeconds(vault->options().rpo_target);
    row.rpo_target_seconds = first ? target : std::min(*row.rpo_target_seconds, target);
    const LagBook* book = vault->log()->lag_or_null();
    std::optional<double> lag, rpo;
    if (book != nullptr) {
      const SiteIndex index = link.options().index;
      const LagBook::Lag now = book->Of(index, LagNow(io_));
      lag = Seconds(now.replication_lag);
      rpo = Seconds(now.rpo_actual);
      row.pending_bytes += vault->log()->PendingBytes(index);
      uint64_t durable = vault->log()->window().durable(index).sequence;
      if (view.state == LinkState::kDamaged) {  // what it once said may not be there any more
        const std::optional<Position> tail = link.HelloTail(vault->options().id);
        durable = tail.has_value() ? std::min(durable, tail->sequence) : 0;
      }
      if (durable > 0)
        row.durable_sequence =
            row.durable_sequence ? std::min(*row.durable_sequence, durable) : durable;
    } else if (const std::optional<Position> tail = link.HelloTail(vault->options().id)) {
      row.durable_sequence = tail->sequence;
    }
    row.replication_lag_seconds = first ? lag : Worse(row.replication_lag_seconds, lag);
    row.rpo_actual_seconds = first ? rpo : Worse(row.rpo_actual_seconds, rpo);
    first = false;
  }
  return row;
}

void Agent::AddVaultHealth(StatusReport* report) const {
  auto add = [report](const char* code, const char* severity, std::string message,
                      const char* hint) {
    report->codes.push_back({code, severity, std::move(message), hint});
  };
  for (const std::unique_ptr<Vault>& vault : vaults_) {
    if (vault->phase() == Vault::Phase::kFailed) {
      add(absl::IsAborted(vault->trouble()) ? "VAULT_FENCED" : "VAULT_FAILED", "error",
          "vault " + vault->options().name + ": " + std::string(vault->trouble().message()),
          absl::IsAborted(vault->trouble())
              ? "another agent appends now: stop one of the two, restart the other"
              : "mend the cause and restart the agent; nothing is lost");
    } else if (vault->phase() != Vault::Phase::kOpen) {
      add("VAULT_OPENING", "warn", "vault " + vault->options().name + " cannot be written yet",
          vault->options().window.may_use_quorum ? "it needs two of its sites"
                                                 : "it needs both primaries");
    }
    if (vault->log()->mode() == AckMode::kQuorum) {
      add("ACK_QUORUM", "warn",
          "vault " + vault->options().name + " commits with two of three sites, one of them late",
          "bring the late primary back: commits wait for both again by themselves");
    }
    if (vault->lookup() != nullptr && !vault->lookup()->trouble().ok()) {
      add("INDEX_TROUBLE", "warn", std::string(vault->lookup()->trouble().message()),
          "dedup suffers, data does not: delete the index directory and restart to rebuild it");
    }
  }
}

void Agent::AddHealth(StatusReport* report) const {
  auto add = [report](const char* code, const char* severity, std::string message,
                      const char* hint) {
    report->codes.push_back({code, severity, std::move(message), hint});
  };
  for (size_t i = 0; i < report->sites.size(); ++i) {
    const SiteStatus& site = report->sites[i];
    const bool primary = site.role == "primary";
    const std::string who = site.role + " " + site.name;
    const std::string why = site.last_error.empty() ? "" : ": " + site.last_error;
    if (site.state == "down" || (site.state == "connecting" && !links_[i]->up())) {
      add(primary ? "PRIMARY_DOWN" : "WITNESS_DOWN", primary ? "error" : "warn",
          who + " is not connected" + why,
          primary ? "pushes wait until it is back: start it, or look at the network between"
                  : "pushes go on; start it again and it catches up by itself");
    } else if (site.state == "damaged") {
      add("SITE_DAMAGED", "error",
          who + " holds less than it once signed for, or something else" + why,
          "keep its store as evidence; restores read around it");
    } else if (site.state == "full") {
      add("SITE_FULL", primary ? "error" : "warn", who + " has no space left" + why,
          "free or add space on its store; it goes on by itself");
    } else if (site.state == "fenced") {
      add("FENCED", "error", who + " follows another agent" + why,
          "only one agent may append: stop one of the two");
    } else if (site.state == "catching_up") {
      add("SITE_CATCHING_UP", "warn", who + " is catching up",
          "wait; its lag shrinks when the others keep their pace");
    }
    if (site.rpo_actual_seconds && site.rpo_target_seconds &&
        *site.rpo_actual_seconds > *site.rpo_target_seconds) {
      add("RPO_MISSED", "error",
          absl::StrFormat("%s: RPO %.0f s is past the target of %.0f s", who,
                          *site.rpo_actual_seconds, *site.rpo_target_seconds),
          "see why the site lags: its state, its disk, its link");
    }
    if (site.scrub && site.scrub->bad > 0) {
      add("SITE_BAD_BLOCKS", "error",
          absl::StrFormat("%s: %d places are bad and not healed: %s", who, site.scrub->bad,
                          site.scrub->worst),
          "it heals by itself once another site gives what it needs; `tidemark verify --deep` says "
          "what is lost");
    }
    if (site.clock_skew_seconds && std::abs(*site.clock_skew_seconds) > kClockSkewSecondsMax) {
      add("CLOCK_SKEW", "warn",
          absl::StrFormat("%s: its clock is off by %.1f s", who, *site.clock_skew_seconds),
          "synchronise the clocks: receipts carry the site's time");
    }
  }
  for (size_t i = 0; i < links_.size(); ++i) {
    for (size_t j = i + 1; j < links_.size(); ++j) {
      bool same_store = false;
      if (!links_[i]->SharesHostOrStore(*links_[j], &same_store)) continue;
      add("SITES_SHARE_HOST", options_.allow_same_host ? "warn" : "error",
          "sites " + links_[i]->name() + " and " + links_[j]->name() + " run on one machine",
          "one failure takes both; put them on machines of their own (allow_same_host = true "
          "accepts it)");
    }
  }
  for (const std::unique_ptr<SiteLink>& link : links_) {
    const SiteLink::View view = link->view(VaultId{});
    if (link->up() && view.store_free_bytes > 0 &&
        static_cast<int64_t>(view.store_free_bytes) < kFreeBytesLow) {
      add("SITE_NEARLY_FULL", "warn",
          absl::StrFormat("site %s has %d MiB left", link->name(), view.store_free_bytes >> 20),
          "add space before it says full");
    }
  }
  AddVaultHealth(report);
  report->status = "ok";
  for (const HealthCode& code : report->codes) {
    if (code.severity == "error") report->status = "error";
    if (code.severity == "warn" && report->status == "ok") report->status = "warn";
  }
}

}  // namespace tidemark
