// AgentDaemon: what it says of changes, and what it takes from its configuration while it runs.
#include "absl/strings/str_format.h"
#include "agent/daemon.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr absl::Duration kReasonInterval = absl::Seconds(30);
constexpr size_t kConfigBytesMax = 1024 * 1024;

std::string TextOf(const CutLimits& limits) {
  return absl::StrFormat("%d, %d, %d bytes", limits.bytes_min, limits.bytes_average,
                         limits.bytes_max);
}

}  // namespace

// State changes, one line each: never once per record.
Task<> AgentDaemon::LogChanges() {
  while (!stopping_) {
    const StatusReport status = agent_->Status();
    for (const SiteStatus& site : status.sites) {
      Tell("site " + site.name, site.state, site.last_error,
           {{"event", "site"}, {"site", site.name}});
    }
    for (size_t i = 0; i < status.vaults.size(); ++i) {
      const absl::Status& trouble = agent_->vaults()[i]->trouble();
      Tell("vault " + status.vaults[i].name, status.vaults[i].state, std::string(trouble.message()),
           {{"event", "vault"}, {"vault", status.vaults[i].name}});
      TellChunks(*agent_->vaults()[i]);
    }
    Op sleep = io_->Sleep(absl::Milliseconds(500));
    log_sleep_ = &sleep;
    const int32_t slept = co_await sleep;
    log_sleep_ = nullptr;
    (void)slept;
  }
}

// A vault keeps the limits it was made with, whatever its lines say now.
void AgentDaemon::TellChunks(const Vault& vault) {
  if (vault.phase() != Vault::Phase::kOpen || vault.cut_limits() == vault.options().cut) return;
  Tell("chunks of vault " + vault.options().name,
       TextOf(vault.cut_limits()) + " as when it was made",
       "the configuration's " + TextOf(vault.options().cut) + " would count for a new vault only",
       {{"event", "chunks"}, {"vault", vault.options().name}});
}

// A state at once; another reason for the same state, which may carry figures, seldom.
void AgentDaemon::Tell(const std::string& what, const std::string& state, const std::string& why,
                       LogFields fields) {
  Told& told = told_[what];
  const absl::Duration now = io_->Monotonic();
  const bool has_new_reason = why != told.why && now >= told.at + kReasonInterval;
  if (state == told.state && !has_new_reason) return;
  told = {state, why, now};
  fields.emplace_back("state", state);
  log_->Info(what + ": " + state + (why.empty() ? "" : ": " + why), fields);
}

void AgentDaemon::Reload() {
  reload_wanted_ = true;
  reload_.WakeAll();
}

// Rates only: all else is fixed while the agent runs.
Task<> AgentDaemon::ReloadLoop() {
  while (!stopping_) {
    if (!std::exchange(reload_wanted_, false)) {
      co_await reload_.Wait();
      continue;
    }
    std::string path = config_->path;
    absl::StatusOr<std::string> text =
        co_await ReadSmallFile(io_, std::move(path), kConfigBytesMax);
    const absl::StatusOr<AgentConfig> read =
        text.ok() ? ParseAgentConfig(*text, config_->path) : text.status();
    if (!read.ok()) {
      log_->Error("not reloaded, the rates stay: " + std::string(read.status().message()));
      continue;
    }
    log_->Info("reloaded " + config_->path +
               ": the rates of sites; all else in it counts from the next start");
    rates_->Set(read->sites);
  }
}

}  // namespace tidemark
