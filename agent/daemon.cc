#include "agent/daemon.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "agent/failure.h"
#include "agent/io/transfer.h"
#include "agent/report/tier.h"
#include "agent/source/rocks_index.h"
#include "agent/unix_peer.h"
#include "agent/version.h"
#include "replicator/keyring.h"

namespace tidemark {
namespace {

constexpr size_t kPemBytesMax = 64 * 1024;
constexpr size_t kKeyFileBytesMax = 64 * 1024;
constexpr size_t kKeyringFileBytesMax = 256 * 1024 * 1024;
constexpr size_t kReceiptBytesMax = 1024 * 1024;
constexpr absl::Duration kReceiptInterval = absl::Seconds(1);
constexpr int kLockTries = 40;  // a killed process's lock may outlive it for a moment

// Opening RocksDB blocks: on a worker.
struct OpenIndexJob {
  std::string path;
  size_t cache_bytes;
  absl::StatusOr<std::unique_ptr<ChunkIndex>> index = absl::UnknownError("not opened");
  static void Run(void* self) {
    OpenIndexJob* job = static_cast<OpenIndexJob*>(self);
    job->index = OpenRocksIndex(job->path, job->cache_bytes);
  }
};

}  // namespace

AgentDaemon::AgentDaemon(UringIo* io, const AgentConfig* config, Logger* log)
    : io_(io), config_(config), log_(log), reload_(io) {}

Task<absl::StatusOr<std::unique_ptr<AgentDaemon>>> AgentDaemon::Start(UringIo* io,
                                                                      const AgentConfig* config,
                                                                      std::string passphrase,
                                                                      Logger* log) {
  auto daemon = std::make_unique<AgentDaemon>(io, config, log);
  absl::Status step = co_await daemon->LockState();
  if (!step.ok()) co_return step;
  step = co_await daemon->ReadKeys(std::move(passphrase));
  if (!step.ok()) co_return step;
  step = co_await daemon->CheckKeyrings();
  if (!step.ok()) co_return step;
  step = co_await daemon->OpenIndexes();
  if (!step.ok()) co_return step;
  daemon->MakeAgent();
  co_await daemon->LoadReceipts();
  ControlSocketOptions socket;
  socket.path = config->socket;
  socket.mode = config->socket_mode;
  socket.peer = UnixPeer;
  AgentService* service = daemon->agent_.get();
  absl::StatusOr<std::unique_ptr<ControlSocket>> opened =
      co_await ControlSocket::Open(io, std::move(socket), service, log);
  if (!opened.ok()) co_return opened.status();
  daemon->socket_ = std::move(*opened);
  co_return std::move(daemon);
}

Task<absl::Status> AgentDaemon::LockState() {
  Op make = io_->MakeDirectory(config_->state);
  const int32_t made = co_await make;
  if (made < 0 && made != -EEXIST)
    co_return ErrnoStatus(made, "making the state directory " + config_->state);
  Op open = io_->Open(config_->state + "/lock", kOpenRead | kOpenWrite | kOpenCreate);
  lock_ = co_await open;
  if (lock_ < 0) co_return ErrnoStatus(lock_, "opening " + config_->state + "/lock");
  for (int i = 0; i < kLockTries; ++i) {
    Op lock = io_->Lock(lock_);
    const int32_t locked = co_await lock;
    if (locked == 0) co_return absl::OkStatus();
    Op sleep = io_->Sleep(absl::Milliseconds(50));
    const int32_t slept = co_await sleep;
    (void)slept;
  }
  co_return WithHint(absl::AlreadyExistsError("another agent uses " + config_->state),
                     "one state directory, one agent: stop the other one");
}

Task<absl::Status> AgentDaemon::ReadKeys(std::string passphrase) {
  std::string key_path = config_->key_file;
  absl::StatusOr<std::string> key_file =
      co_await ReadSmallFile(io_, std::move(key_path), kKeyFileBytesMax);
  if (!key_file.ok()) {
    co_return WithHint(absl::Status(key_file.status().code(),
                                    "key file: " + std::string(key_file.status().message())),
                       "put the key file back, or make one from the recovery kit");
  }
  absl::StatusOr<KeyEncryptionKey> kek = DecodeKeyFile(*key_file, passphrase);
  if (!kek.ok()) {
    const absl::Status bad(kek.status().code(),
                           config_->key_file + ": " + std::string(kek.status().message()));
    co_return absl::IsInvalidArgument(bad) ? WithExit(bad, kExitData)
                                           : bad;  // something else's file
  }
  kek_.emplace(std::move(*kek));
  ChannelIdentity identity;
  const std::pair<const std::string*, std::string*> files[] = {
      {&config_->identity.authority, &identity.authority_pem},
      {&config_->identity.certificate, &identity.own.certificate_pem},
      {&config_->identity.private_key, &identity.own.private_key_pem}};
  for (const auto& [from, to] : files) {
    std::string path = *from;
    absl::StatusOr<std::string> pem = co_await ReadSmallFile(io_, std::move(path), kPemBytesMax);
    if (!pem.ok()) co_return pem.status();
    *to = *std::move(pem);
  }
  absl::StatusOr<SigningKey> key = SigningKey::FromPem(identity.own.private_key_pem);
  if (!key.ok())
    co_return absl::Status(
        absl::StatusCode::kPermissionDenied,
        config_->identity.private_key + ": " + std::string(key.status().message()));
  identity_.emplace(std::move(*key));
  certificates_pem_ = identity.authority_pem + identity.own.certificate_pem;
  absl::StatusOr<std::unique_ptr<ChannelFactory>> channels = MakeTlsFactory(identity);
  if (!channels.ok())
    co_return absl::Status(absl::StatusCode::kPermissionDenied,
                           std::string(channels.status().message()));
  channels_ = std::move(*channels);
  co_return absl::OkStatus();
}

// The local copies of the keyrings: a damaged one is said, not passed over.
Task<absl::Status> AgentDaemon::CheckKeyrings() {
  for (const VaultConfig& vault : config_->vaults) {
    const std::string path = config_->state + "/keyring-" + vault.name;
    std::string to_read = path;
    absl::StatusOr<std::string> file =
        co_await ReadSmallFile(io_, std::move(to_read), kKeyringFileBytesMax);
    if (absl::IsNotFound(file.status())) continue;
    if (!file.ok()) co_return file.status();
    absl::StatusOr<std::vector<KeyringPart>> parts = ParseKeyringFile(vault.id, AsBytes(*file));
    absl::Status right = parts.status();
    if (parts.ok()) right = OpenKeyring(vault.id, *kek_, *parts).status();
    if (right.ok()) continue;
    co_return WithHint(
        absl::Status(right.code(), "keyring " + path + ": " + std::string(right.message())),
        "the log at the sites holds it too: remove this copy to have it made anew");
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AgentDaemon::OpenIndexes() {
  const std::string root = config_->state + "/index";
  Op make = io_->MakeDirectory(root);
  const int32_t made = co_await make;
  if (made < 0 && made != -EEXIST) co_return ErrnoStatus(made, "making " + root);
  for (const VaultConfig& vault : config_->vaults) {
    OpenIndexJob job;
    job.path = root + "/" + vault.name;
    job.cache_bytes = config_->index_cache_bytes / config_->vaults.size();
    Op compute = io_->Compute(&OpenIndexJob::Run, &job);
    const int32_t ran = co_await compute;
    if (ran < 0) co_return ErrnoStatus(ran, "opening the dedup index");
    if (!job.index.ok()) co_return job.index.status();
    indexes_[vault.name] = std::move(*job.index);
  }
  co_return absl::OkStatus();
}

void AgentDaemon::MakeAgent() {
  Agent::Options options;
  options.name = config_->name;
  options.software = kSoftwareVersion;
  options.allow_same_host = config_->allow_same_host;
  options.record_buffers = config_->record_buffers;
  options.span_buffers = config_->span_buffers;
  options.proof.directory = config_->state + "/proof";
  options.proof.retention = absl::Hours(24 * config_->proof_keep_days);
  options.proof.bytes_max = config_->proof_bytes_max;
  options.certificates_pem = certificates_pem_;
  for (const bool primary : {true, false}) {
    for (const AgentSite& site : config_->sites) {
      if (site.is_primary == primary)
        options.sites.push_back({{site.name, site.address}, site.is_primary, site.connections});
    }
  }
  for (const VaultConfig& vault : config_->vaults) {
    Agent::VaultSetup setup;
    setup.options.name = vault.name;
    setup.options.id = vault.id;
    setup.options.state_path = config_->state;
    setup.options.segment_bytes = vault.segment_bytes;
    setup.options.cut = vault.cut;
    setup.options.rpo_target = absl::Seconds(vault.rpo_target_seconds);
    setup.options.rpo_policy = Admission::PolicyNamed(vault.rpo_policy);
    setup.options.window.may_use_quorum = vault.ack == "quorum";
    setup.options.quorum_after = absl::Seconds(vault.quorum_after_seconds);
    setup.index = indexes_[vault.name].get();
    setup.compress = vault.compression;
    setup.data_class = vault.data_class;
    setup.tier = vault.tier;
    setup.tier_enforced = vault.tier_enforced;
    const TierLimits* tier = FindTier(vault.tier);
    if (tier != nullptr && vault.tier_enforced)
      setup.options.ios_per_second = static_cast<uint64_t>(tier->iops);
    options.vaults.push_back(std::move(setup));
  }
  agent_ = std::make_unique<Agent>(io_, options, channels_.get(), &*identity_, &*kek_);
  rates_ = std::make_unique<RateKeeper>(io_, &agent_->links(), log_);
  rates_->Set(config_->sites);
  reporter_ = std::make_unique<Reporter>(io_, config_, agent_.get(), log_);
  const bool registered =
      io_->RegisterPool(agent_->records()) && io_->RegisterPool(agent_->spans());
  log_->Info(registered ? "buffers are registered with the ring"
                        : "buffers are not registered: the memlock limit forbids it");
}

Task<absl::Status> AgentDaemon::Run() {
  TaskGroup running(io_);
  running.Spawn(agent_->Run());
  running.Spawn(ServeSocket());
  running.Spawn(LogChanges());
  running.Spawn(rates_->Run());
  running.Spawn(ReloadLoop());
  running.Spawn(KeepReceipts());
  running.Spawn(reporter_->Run());
  co_await running.Join();
  socket_.reset();
  reporter_.reset();
  rates_.reset();
  agent_.reset();
  indexes_.clear();
  co_return absl::OkStatus();
}

Task<> AgentDaemon::ServeSocket() {
  absl::Status served = co_await socket_->Serve();
  if (!served.ok()) log_->Error("control socket: " + std::string(served.message()));
  agent_->Stop();
}

// The newest receipt of each site outlives the agent: a site that was rolled back meanwhile is
// shown what it signed (law 2).
Task<> AgentDaemon::LoadReceipts() {
  for (const std::unique_ptr<SiteLink>& link : agent_->links()) {
    std::string path = config_->state + "/receipt-" + link->name();
    absl::StatusOr<std::string> bytes =
        co_await ReadSmallFile(io_, std::move(path), kReceiptBytesMax);
    if (!bytes.ok()) continue;
    const ByteSpan view = AsBytes(*bytes);
    link->RestoreNewestReceipt(std::vector<std::byte>(view.begin(), view.end()));
  }
}

Task<> AgentDaemon::KeepReceipts() {
  std::map<std::string, std::vector<std::byte>> kept;
  while (true) {
    for (const std::unique_ptr<SiteLink>& link : agent_->links()) {
      if (link->receipts_forgotten() && !kept[link->name()].empty()) {
        kept.erase(link->name());
        Op unlink = io_->Unlink(config_->state + "/receipt-" + link->name());
        const int32_t unlinked = co_await unlink;
        (void)unlinked;  // the new store's first receipt replaces it
      }
      if (link->newest_receipt().empty() || kept[link->name()] == link->newest_receipt()) continue;
      kept[link->name()] = link->newest_receipt();
      std::string path = config_->state + "/receipt-" + link->name();
      std::string content(AsText(kept[link->name()]));
      absl::Status written =
          co_await WriteSmallFileDurably(io_, std::move(path), std::move(content));
      if (!written.ok()) log_->Warn("keeping a receipt: " + std::string(written.message()));
    }
    if (stopping_) co_return;
    Op sleep = io_->Sleep(kReceiptInterval);
    receipts_sleep_ = &sleep;
    const int32_t slept = co_await sleep;
    receipts_sleep_ = nullptr;
    (void)slept;
  }
}

void AgentDaemon::Stop() {
  stopping_ = true;
  if (log_sleep_ != nullptr) io_->Cancel(log_sleep_);
  if (receipts_sleep_ != nullptr) io_->Cancel(receipts_sleep_);
  if (socket_ != nullptr) socket_->Stop();
  reporter_->Stop();
  rates_->Stop();
  reload_.WakeAll();
  agent_->Stop();
}

}  // namespace tidemark
