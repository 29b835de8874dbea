#include "agent/agent.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "agent/failure.h"
#include "agent/paced_source.h"
#include "agent/recover/restore.h"

namespace tidemark {
namespace {

constexpr absl::Duration kReadableWait = absl::Seconds(10);

PushReport ReportOf(const PushCall& call, const Vault& vault, const PushResult& result) {
  PushReport report;
  report.archive = call.name;
  report.vault = call.vault;
  report.ack_mode = vault.ack_mode();
  report.version = result.version;
  report.sequence = result.sequence;
  report.committed_at = result.committed_at;
  report.source_bytes = result.source_bytes;
  report.data_bytes = result.data_bytes;
  report.new_bytes = result.new_bytes;
  report.stored_bytes = result.stored_bytes;
  report.chunks = result.chunks;
  report.new_chunks = result.new_chunks;
  report.segments = result.segments;
  report.resumed_at_bytes = result.resumed_at_bytes;
  report.complete = result.complete;
  return report;
}

}  // namespace

Agent::Agent(Io* io, const Options& options, ChannelFactory* channels, const SigningKey* identity,
             const KeyEncryptionKey* kek)
    : io_(io),
      options_(options),
      identity_(identity),
      records_(io, options.record_buffers, kRecordBytesMax),
      spans_(io, options.span_buffers, kSpanBufferBytes),
      tasks_(io) {
  uint32_t primaries = 0;
  std::vector<SiteLink*> links;
  std::vector<RecordSource*> sources;
  for (const Site& site : options_.sites) {
    if (site.is_primary) ++primaries;
    SiteLink::Options link = options_.link;
    link.address = site.address;
    link.is_primary = site.is_primary;
    link.connections = site.connections;
    link.index = static_cast<SiteIndex>(links_.size());
    link.agent_name = options_.name;
    link.software = options_.software;
    links_.push_back(std::make_unique<SiteLink>(io, link, channels));
    links.push_back(links_.back().get());
    sources_.push_back(MakeSiteSource(io, channels, site.address, options_.name));
    sources.push_back(sources_.back().get());
  }
  for (const std::unique_ptr<SiteLink>& link : links_) link->SetPeers(links);
  for (const VaultSetup& setup : options_.vaults) {
    Vault::Options vault = setup.options;
    vault.window.primaries = primaries;
    vault.window.sites = static_cast<uint32_t>(links.size());
    Vault::Parts parts{kek, identity, &records_, &spans_, setup.index, links, sources, &logs_};
    vaults_.push_back(std::make_unique<Vault>(io, vault, parts));
    restored_.push_back({0, 0, TokenBucket(vault.ios_per_second)});
    for (SiteLink* link : links) link->Attach(vaults_.back().get());
  }
  if (!options_.proof.directory.empty()) AttachProof();
}

Agent::~Agent() = default;

Task<> Agent::Run() {
  TaskGroup running(io_);
  co_await OpenProof();
  if (proof_ != nullptr) running.Spawn(proof_->Run());
  if (proof_ != nullptr) running.Spawn(SampleRpo());
  for (const std::unique_ptr<SiteLink>& link : links_) running.Spawn(link->Run());
  for (const std::unique_ptr<Vault>& vault : vaults_) running.Spawn(vault->Run());
  co_await running.Join();
  co_await tasks_.Join();
  for (const std::unique_ptr<RecordSource>& source : sources_) co_await source->Finish();
}

void Agent::Stop() {
  stopping_ = true;
  for (const std::unique_ptr<Vault>& vault : vaults_) vault->Stop();
  for (const std::unique_ptr<SiteLink>& link : links_) link->Stop();
  if (proof_ != nullptr) proof_->Stop();
  if (sample_sleep_ != nullptr) io_->Cancel(sample_sleep_);
}

bool Agent::ready() const {
  for (const std::unique_ptr<SiteLink>& link : links_) {
    if (!link->up()) return false;
  }
  for (const std::unique_ptr<Vault>& vault : vaults_) {
    if (vault->phase() != Vault::Phase::kOpen) return false;
  }
  return true;
}

absl::StatusOr<Vault*> Agent::FindVault(const std::string& name) const {
  for (const std::unique_ptr<Vault>& vault : vaults_) {
    if (vault->options().name == name) return vault.get();
  }
  return WithHint(absl::NotFoundError("no vault named '" + name + "'"),
                  "the vaults of this agent are listed by 'tidemark status'");
}

Agent::Restored* Agent::RestoredOf(const Vault* vault) {
  size_t index = 0;
  while (vaults_[index].get() != vault) ++index;
  return &restored_[index];
}

// ---- push

Task<absl::StatusOr<PushReport>> Agent::Push(PushCall call, tidemark::Call* events) {
  absl::StatusOr<Vault*> vault = FindVault(call.vault);
  if (!vault.ok()) co_return vault.status();
  Watch watch;
  watch.vault = *vault;
  watch.events = events;
  watch.timeout = call.timeout;
  events->OnCancel([&watch] {
    watch.interrupt = absl::CancelledError("the push was interrupted");
    if (watch.push != nullptr) watch.push->Cancel(watch.interrupt);
    watch.vault->changed().WakeAll();
    watch.vault->log()->WakeWaiters();
  });
  Task<> watching = WatchCall(&watch);
  watching.Start();
  ++pushes_running_;
  watch.opened = LagNow(io_);
  watch.vault->log()->PushWaits(watch.opened);
  absl::StatusOr<PushReport> report = co_await PushWhenOpen(&call, &watch);
  watch.vault->log()->PushIsKnown(watch.opened);
  --pushes_running_;
  events->OnCancel(nullptr);
  co_await EndWatch(&watch, &watching);
  co_return report;
}

Task<absl::StatusOr<PushReport>> Agent::PushWhenOpen(const PushCall* call, Watch* watch) {
  Vault* vault = watch->vault;
  const absl::Time captured_at = io_->Now(), lags_from = watch->opened;
  while (vault->phase() != Vault::Phase::kOpen && vault->phase() != Vault::Phase::kFailed &&
         watch->interrupt.ok() && !stopping_) {
    co_await vault->changed().Wait();
  }
  if (!watch->interrupt.ok()) co_return watch->interrupt;
  if (stopping_) co_return absl::AbortedError("the agent stops; try again");
  if (vault->phase() == Vault::Phase::kFailed) co_return vault->trouble();
  if (!call->idempotency_key.empty()) {
    const Digest key =
        KeyedHash(vault->keys().secrets.k_dir.view(), AsBytes(call->idempotency_key));
    const CatalogVersion* before = vault->catalog()->FindIdempotent(call->name, key);
    if (before != nullptr && !before->committed) {  // pushed, and its caller gave up waiting
      const uint64_t sequence = before->sequence;
      absl::Status committed = co_await vault->log()->WaitCommitted(sequence, &watch->interrupt);
      if (!committed.ok()) co_return committed;
      before = vault->catalog()->FindIdempotent(call->name, key);
    }
    if (before != nullptr && before->committed) {
      PushResult found;
      found.version = before->envelope.version;
      found.sequence = before->sequence;
      found.committed_at = before->committed_at;
      found.complete = before->envelope.complete;
      found.source_bytes = before->envelope.source_bytes;
      co_return ReportOf(*call, *vault, found);
    }
  }
  absl::Status may = vault->MayPush();
  if (!may.ok()) co_return WithHint(may, "try again once the site has caught up: tidemark status");
  PushRequest request;
  request.name = call->name;
  request.source = call->source;
  request.is_stream = call->is_stream;
  request.captured_at = captured_at;
  request.lags_from = lags_from;
  request.idempotency_key = call->idempotency_key;
  request.compress = call->compress;
  request.resume = call->resume;
  request.note = [watch](const std::string& line) { watch->events->Note(line); };
  for (const VaultSetup& setup : options_.vaults) {
    if (setup.options.name == call->vault && !setup.compress) request.compress = false;
  }
  class Push push(io_, vault, std::move(request));
  watch->push = &push;
  absl::StatusOr<PushResult> result = co_await push.Run();
  watch->push = nullptr;
  if (!result.ok()) {
    if (stopping_)
      co_return absl::AbortedError("the agent stops; try again: the version may still appear");
    co_return result.status();
  }
  if (call->wait_all) {
    absl::Status everywhere = co_await WaitForAll(vault, result->sequence, watch);
    if (!everywhere.ok()) co_return everywhere;
  }
  co_return ReportOf(*call, *vault, *result);
}

Task<absl::Status> Agent::WaitForAll(Vault* vault, uint64_t sequence, Watch* watch) {
  watch->for_all = true;
  while (watch->interrupt.ok() && !stopping_ && vault->log()->open()) {
    bool everywhere = true;
    for (const std::unique_ptr<SiteLink>& link : links_) {
      everywhere =
          everywhere && vault->log()->window().durable(link->options().index).sequence >= sequence;
    }
    if (everywhere) co_return absl::OkStatus();
    Op sleep = io_->Sleep(absl::Milliseconds(20));
    const int32_t slept = co_await sleep;
    (void)slept;
  }
  if (!watch->interrupt.ok()) co_return watch->interrupt;
  co_return absl::AbortedError("committed, but not every site has it yet");
}

// Tells the caller what is waited for, one line a change, and gives up when nothing moved for long.
Task<> Agent::WatchCall(Watch* watch) {
  std::string reason;
  uint64_t moved = 0, moved_when_told = 0;
  absl::Duration moved_at = io_->Monotonic(), reason_since = moved_at;
  while (!watch->done) {
    Op sleep = io_->Sleep(options_.watch_interval);
    watch->sleep = &sleep;
    const int32_t slept = co_await sleep;
    watch->sleep = nullptr;
    (void)slept;
    if (watch->done) co_return;
    const absl::Duration now = io_->Monotonic();
    uint64_t position = watch->vault->log()->committed_sequence();
    if (watch->push != nullptr) {
      position += watch->push->read_bytes();
      watch->events->Progress(watch->push->read_bytes(), watch->push->expected_bytes());
    }
    const std::string now_waiting_for = WaitReason(*watch->vault, watch->for_all);
    if (position != moved) {
      moved = position;
      moved_at = now;
    }
    // A site that comes and is refused again and again is no news until something has moved.
    const bool is_news = !now_waiting_for.empty() || moved != moved_when_told;
    if (now_waiting_for != reason && is_news) {
      moved_when_told = moved;
      reason_since = now;
      reason = now_waiting_for;
      const int64_t seconds = absl::ToInt64Seconds(now - std::min(moved_at, reason_since));
      watch->events->Note(reason.empty()
                              ? "going on"
                              : absl::StrFormat("waiting for %s (since %d s)", reason, seconds));
    }
    if (now - moved_at < watch->timeout || !watch->interrupt.ok()) continue;
    watch->interrupt = WithHint(absl::DeadlineExceededError(absl::StrFormat(
                                    "no progress for %s%s%s", absl::FormatDuration(watch->timeout),
                                    reason.empty() ? "" : ": waiting for ", reason)),
                                "nothing is lost; the version may still appear; push again with "
                                "the same --idempotency-key to find out");
    if (watch->push != nullptr) watch->push->Cancel(watch->interrupt);
    watch->vault->changed().WakeAll();
    watch->vault->log()->WakeWaiters();
  }
}

Task<> Agent::EndWatch(Watch* watch, Task<>* watching) {
  watch->done = true;
  if (watch->sleep != nullptr) io_->Cancel(watch->sleep);
  while (!watching->done()) {
    Op turn = io_->Sleep(absl::ZeroDuration());
    const int32_t slept = co_await turn;
    (void)slept;
  }
}

// What a push waits for right now; empty when nothing stands in its way.
std::string Agent::WaitReason(const Vault& vault, bool for_all) const {
  std::string reason;
  for (const std::unique_ptr<SiteLink>& link : links_) {
    if (!link->options().is_primary && !for_all) continue;
    const LinkState state = link->StateFor(vault.options().id);
    if (state == LinkState::kStreaming) continue;
    // It is there and waits itself: for another site, or for the take-over.
    if (state == LinkState::kConnecting && link->up()) continue;
    if (!reason.empty()) reason += ", ";
    reason += (link->options().is_primary ? "primary " : "witness ") + link->name() + ": " +
              (link->last_error().empty() ? std::string(LinkStateName(state)) : link->last_error());
  }
  if (reason.empty() && vault.phase() != Vault::Phase::kOpen &&
      vault.phase() != Vault::Phase::kFailed) {
    reason = "vault " + vault.options().name + ": taking over";
    if (!vault.trouble().ok()) reason += ": " + std::string(vault.trouble().message());
  }
  return reason;
}

// ---- restore, list

// Until the catalogue is known, which any one site can tell.
Task<absl::Status> Agent::WaitReadable(Vault* vault) {
  const absl::Duration give_up = io_->Monotonic() + kReadableWait;
  while (!vault->readable() && vault->phase() != Vault::Phase::kFailed &&
         io_->Monotonic() < give_up && !stopping_) {
    Op sleep = io_->Sleep(options_.watch_interval / 4);
    const int32_t slept = co_await sleep;
    (void)slept;
  }
  if (vault->readable()) co_return absl::OkStatus();
  if (!vault->trouble().ok()) co_return vault->trouble();
  co_return absl::UnavailableError("no site answered yet: the catalogue is not known");
}

// Over both primaries; the witness where they cannot.
SourceList Agent::StripedSources() const {
  std::vector<RecordSource*> sources;
  for (const std::unique_ptr<RecordSource>& source : sources_) sources.push_back(source.get());
  const auto primary = [](const Site& site) { return site.is_primary; };
  const auto primaries = std::ranges::count_if(options_.sites, primary);
  return SourceList(io_, std::move(sources), static_cast<size_t>(primaries));
}

Task<absl::StatusOr<RestoreReport>> Agent::Restore(RestoreCall call, tidemark::Call* events) {
  absl::StatusOr<Vault*> vault = FindVault(call.vault);
  if (!vault.ok()) co_return vault.status();
  SourceList striped = StripedSources();
  RecordSource* source = &striped;
  if (!call.from.empty()) {
    source = nullptr;
    for (size_t i = 0; i < options_.sites.size(); ++i) {
      if (options_.sites[i].address.name == call.from) source = sources_[i].get();
    }
    if (source == nullptr) co_return absl::NotFoundError("no site named '" + call.from + "'");
  }
  absl::Status readable = co_await WaitReadable(*vault);
  if (!readable.ok()) co_return readable;
  absl::StatusOr<const CatalogVersion*> version =
      (*vault)->catalog()->Find(call.name, call.version, call.before);
  if (!version.ok()) co_return version.status();
  RestoreRequest request;
  request.envelope = (*version)->envelope;
  request.offset = call.offset;
  request.length = call.length;
  request.output = call.output;
  request.output_is_stream = call.output_is_stream;
  RestoreReport report;
  report.archive = call.name;
  report.version = request.envelope.version;
  RestoreProgress progress = [events](uint64_t done, uint64_t total) {
    events->Progress(done, total);
  };
  const VaultKeys* keys = &(*vault)->keys();
  Restored* restored = RestoredOf(*vault);
  PacedSource paced(source, &restored->reads);
  ++restored->running;
  absl::StatusOr<RestoreResult> result =
      co_await tidemark::Restore(io_, &paced, keys, std::move(request), std::move(progress));
  --restored->running;
  if (!result.ok()) co_return result.status();
  restored->bytes += result->data_bytes;
  report.restored_bytes = result->restored_bytes;
  report.data_bytes = result->data_bytes;
  report.mode = result->mode;
  report.mtime_nanos = result->mtime_nanos;
  report.complete = result->complete;
  co_return report;
}

absl::StatusOr<std::vector<ListedVersion>> Agent::List(const std::string& vault_name,
                                                       const std::string* name) {
  absl::StatusOr<Vault*> vault = FindVault(vault_name);
  if (!vault.ok()) return vault.status();
  if (!(*vault)->readable()) {
    if (!(*vault)->trouble().ok()) return (*vault)->trouble();
    if ((*vault)->phase() == Vault::Phase::kWaitingForPrimaries)
      return std::vector<ListedVersion>{};
    return absl::UnavailableError("no site answered yet: the catalogue is not known");
  }
  std::vector<ListedVersion> listed;
  for (const CatalogVersion* version : (*vault)->catalog()->List(name)) {
    ListedVersion row;
    row.archive = version->envelope.name;
    row.vault = vault_name;
    row.version = version->envelope.version;
    row.sequence = version->sequence;
    row.source_bytes = version->envelope.source_bytes;
    row.committed_at = version->committed_at;
    row.captured_at = absl::FromUnixNanos(version->envelope.captured_at_nanos);
    row.complete = version->envelope.complete;
    listed.push_back(std::move(row));
  }
  if (listed.empty() && name != nullptr)
    return absl::NotFoundError("no archive named '" + *name + "'");
  return listed;
}

}  // namespace tidemark
