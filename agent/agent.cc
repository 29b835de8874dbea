#include "agent/agent.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "agent/failure.h"
#include "agent/paced_source.h"
#include "agent/recover/restore.h"

namespace tidemark {
namespace {

constexpr absl::Duration kReadableWait = absl::Seconds(10);

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
