// The agent's state as people and scripts see it. Unknown stays unknown; nothing flatters.
#include <algorithm>

#include "agent/agent.h"
#include "agent/report/health.h"
#include "agent/source/lag_clock.h"

namespace tidemark {
namespace {

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

IoRates RatesOf(const std::optional<StoreRates::Rates>& rates) {
  if (!rates.has_value()) return {};
  return {rates->write_ios, rates->read_ios, rates->bytes_written, rates->bytes_read};
}

std::optional<uint64_t> Told(uint64_t value, bool was_told) {
  return was_told ? std::optional<uint64_t>(value) : std::nullopt;
}

const char* StateOf(const Vault& vault) {
  if (vault.phase() == Vault::Phase::kOpen) return "open";
  if (vault.phase() != Vault::Phase::kFailed) return "opening";
  return absl::IsAborted(vault.trouble()) ? "fenced" : "failed";
}

}  // namespace

StatusReport Agent::Status() {
  StatusReport report;
  report.agent = options_.name;
  report.software = options_.software;
  report.at = io_->Now();
  report.same_host_allowed = options_.allow_same_host;
  report.pushes_running = pushes_running_;
  report.loop_stalls = io_->stalls();
  report.longest_stall_seconds = absl::ToDoubleSeconds(io_->longest_stall());
  for (const std::unique_ptr<SiteLink>& link : links_) report.sites.push_back(StatusOf(*link));
  for (size_t i = 0; i < links_.size(); ++i) {
    for (size_t j = i + 1; j < links_.size(); ++j) {
      bool same_store = false;
      if (links_[i]->SharesHostOrStore(*links_[j], &same_store))
        report.sites[i].shares_host_with.push_back(links_[j]->name());
    }
  }
  for (size_t i = 0; i < vaults_.size(); ++i) report.vaults.push_back(StatusOf(i));
  outlook_.Complete(io_->Monotonic(), &report);
  if (observer_ != nullptr) observer_->Complete(&report);
  AddProof(&report);
  JudgeHealth(&report);
  return report;
}

VaultStatus Agent::StatusOf(size_t vault_index) const {
  Vault* vault = vaults_[vault_index].get();
  const VaultSetup& setup = options_.vaults[vault_index];
  VaultStatus row;
  row.name = vault->options().name;
  row.state = StateOf(*vault);
  row.trouble = std::string(vault->trouble().message());
  if (vault->lookup() != nullptr)
    row.index_trouble = std::string(vault->lookup()->trouble().message());
  row.data_class = setup.data_class;
  if (vault->phase() == Vault::Phase::kOpen) {
    row.chunk_bytes_min = vault->cut_limits().bytes_min;
    row.chunk_bytes_average = vault->cut_limits().bytes_average;
    row.chunk_bytes_max = vault->cut_limits().bytes_max;
  }
  row.tier = setup.tier;
  row.tier_enforced = setup.tier_enforced;
  row.rpo_policy = Admission::NameOf(vault->options().rpo_policy);
  row.admission = Admission::NameOf(vault->admission());
  row.rpo_target_seconds = absl::ToDoubleSeconds(vault->options().rpo_target);
  row.committed_sequence = vault->log()->committed_sequence();
  row.epoch = vault->log()->epoch();
  row.ack_mode = vault->ack_mode();
  row.commit_p50_seconds = vault->log()->commit_times().Seconds(50);
  row.commit_p99_seconds = vault->log()->commit_times().Seconds(99);
  row.stored_bytes = vault->log()->logged_bytes();
  if (vault->readable()) {
    row.source_bytes = vault->catalog()->source_bytes();
    row.archives = vault->catalog()->archives();
  }
  if (row.stored_bytes > 0 && row.source_bytes > 0) {
    row.dedup_ratio = static_cast<double>(row.source_bytes) / static_cast<double>(row.stored_bytes);
  }
  row.restored_bytes = restored_[vault_index].bytes;
  row.restores_running = restored_[vault_index].running;
  row.copies_expected = static_cast<uint32_t>(links_.size());
  for (const std::unique_ptr<SiteLink>& link : links_) {
    row.sites.push_back(StatusOf(*link, vault));
    if (HoldsCopy(*link, vault)) ++row.copies_available;
  }
  return row;
}

// Connected, sound, and holds everything that is committed or is proven to be within the target:
// under load a witness is always a few records behind.
bool Agent::HoldsCopy(const SiteLink& link, Vault* vault) const {
  const LinkState state = link.view(vault->options().id).state;
  const bool sound = state != LinkState::kDamaged && state != LinkState::kFenced;
  if (!link.up() || !sound || !vault->log()->open()) return false;
  const SiteIndex index = link.options().index;
  const LagBook::Lag lag = vault->log()->lag().Of(index, LagNow(io_));
  return vault->log()->window().durable(index).sequence >= vault->log()->committed_sequence() ||
         (lag.rpo_actual.has_value() && *lag.rpo_actual <= vault->options().rpo_target);
}

VaultSiteStatus Agent::StatusOf(const SiteLink& link, Vault* vault) const {
  VaultSiteStatus row;
  row.name = link.name();
  const SiteLink::View view = link.view(vault->options().id);
  row.state = LinkStateName(view.state);
  row.is_late = vault->IsLate(link);
  row.rates = RatesOf(view.vault_rates);
  const LagBook* book = vault->log()->lag_or_null();
  if (book == nullptr) return row;
  const LagBook::Lag now = book->Of(link.options().index, LagNow(io_));
  row.replication_lag_seconds = Seconds(now.replication_lag);
  row.rpo_actual_seconds = Seconds(now.rpo_actual);
  row.pending_bytes = vault->log()->PendingBytes(link.options().index);
  return row;
}

SiteStatus Agent::StatusOf(const SiteLink& link) const {
  SiteStatus row;
  row.name = link.name();
  row.role = link.options().is_primary ? "primary" : "witness";
  row.state = LinkStateName(LinkState::kUnknown);
  row.connected = link.up();
  row.rate_limit_bytes_per_second = Told(link.rate(), link.rate() > 0);
  bool first = true;
  for (const std::unique_ptr<Vault>& vault : vaults_) {
    const SiteLink::View view = link.view(vault->options().id);
    if (first || view.state != LinkState::kStreaming) row.state = LinkStateName(view.state);
    if (!view.last_error.empty()) row.last_error = view.last_error;
    if (view.site_rates.has_value()) {
      row.iops = view.site_rates->write_ios + view.site_rates->read_ios;
      row.commits_per_second = view.site_rates->commits;
      row.bytes_per_second = view.site_rates->bytes_written;
    }
    row.rates = RatesOf(view.site_rates);
    const bool told = view.store_disk_bytes > 0;
    row.store_bytes = Told(view.store_bytes, told);
    row.store_free_bytes = Told(view.store_free_bytes, told);
    row.store_disk_bytes = Told(view.store_disk_bytes, told);
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

}  // namespace tidemark
