#include "tests/sim/cluster_nodes.h"

#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "tests/sim/export_judge.h"

namespace tidemark {
namespace {

constexpr int kAuditTries = 3;  // of each restore
// A connection that a fault from before the heal breaks only now is made again.
constexpr int kVerifyTries = 5;

Agent::Options AgentOptions(const AgentShared& shared, ChunkIndex* index) {
  const ClusterOptions& limits = *shared.options;
  Agent::Options options;
  options.name = "agent";
  options.software = "simulated";
  options.sites = shared.sites;
  options.record_buffers = limits.record_buffers;
  options.span_buffers = limits.span_buffers;
  options.proof.directory = "/proof";
  options.proof.segment_bytes_max = 64 << 10;  // many, so that each begins with anchors
  options.proof.waiting_bytes_max = 32 << 10;  // less than comes while a disk hangs
  Agent::VaultSetup setup;
  setup.options.name = "default";
  setup.options.id = shared.vault;
  setup.options.state_path = "/state";
  setup.options.segment_bytes = limits.segment_bytes;
  setup.options.cut = {4096, 16384, 32768};
  setup.options.resume.bytes_min = limits.resume_bytes;
  setup.options.window.uncommitted_bytes_max = limits.window_bytes;
  setup.options.window.may_use_quorum = limits.quorum != 0;
  setup.options.quorum_after = absl::Milliseconds(limits.quorum_after_ms);
  setup.options.versions_per_keyring = limits.versions_per_keyring;
  setup.index = index;
  options.vaults.push_back(setup);
  return options;
}

}  // namespace

SiteProcess::SiteProcess(SimIo* io, SiteOptions options, std::unique_ptr<ChannelFactory> channels,
                         const SigningKey* key)
    : io_(io),
      options_(std::move(options)),
      key_(key),
      channels_(std::move(channels)),
      run_(Run()) {
  run_.Start();
}

Task<> SiteProcess::Run() {
  SiteOptions options = options_;
  absl::StatusOr<std::unique_ptr<SiteServer>> opened =
      co_await SiteServer::Open(io_, std::move(options), channels_.get(), key_);
  if (!opened.ok()) {
    result_ = opened.status();
    co_return;
  }
  server_ = std::move(*opened);
  io_->Serves();
  result_ = co_await server_->Serve();
}

void SiteProcess::Stop() {
  if (server_ == nullptr) return;
  stopping_ = true;
  server_->Stop();
}

AgentProcess::AgentProcess(SimIo* io, SimDisk* disk, uint32_t number, uint64_t life,
                           const AgentShared* shared, std::unique_ptr<ChannelFactory> channels,
                           ChunkIndex* index)
    : io_(io),
      disk_(disk),
      number_(number),
      shared_(shared),
      channels_(std::move(channels)),
      agent_(std::make_unique<Agent>(io, AgentOptions(*shared, index), channels_.get(), shared->key,
                                     shared->kek)),
      run_(agent_->Run()),
      stories_(io) {
  run_.Start();
  for (uint32_t i = 0; i < shared->options->pushers; ++i) stories_.Spawn(PushLoop());
  for (uint32_t i = 0; i < shared->options->restorers; ++i) {
    stories_.Spawn(RestoreLoop(MixSeeds(MixSeeds(shared->options->seed, number), life * 8 + i)));
  }
}

void AgentProcess::Stop() {
  stopping_ = true;
  agent_->Stop();
}

bool AgentProcess::CancelOnePush(SimRandom* random) {
  if (pushing_.empty()) return false;
  (*std::next(pushing_.begin(), random->Below(pushing_.size())))->Cancel();
  return true;
}

Task<> AgentProcess::PushLoop() {
  while (!stopping_) {
    WorkItem* item = shared_->workload->Take(number_);
    if (item != nullptr) co_await PushOne(item);
    if (item != nullptr && item->ok) continue;
    Op sleep = io_->Sleep(absl::Milliseconds(100));
    const int32_t slept = co_await sleep;
    (void)slept;
  }
}

Task<> AgentProcess::PushOne(WorkItem* item) {
  Op open = io_->Open(item->path, kOpenRead);
  const Fd fd = co_await open;
  absl::StatusOr<PushReport> report = absl::UnknownError("the source could not be opened");
  if (fd >= 0) {
    PushCall call;
    call.name = item->name;
    call.source = fd;
    call.is_stream = item->is_stream;
    call.wait_all = item->wait_all;
    call.idempotency_key = item->idempotency_key;
    call.timeout = absl::Seconds(60);
    Caller caller;
    const auto place = pushing_.insert(pushing_.end(), &caller);
    const LogWriter* log = vault()->log();
    shared_->lag->OnPushOpened(number_, item->path, shared_->world->time(),
                               log->open() ? log->window().tail().sequence : 0);
    report = co_await agent_->Push(std::move(call), &caller);
    pushing_.erase(place);
    const bool all_new =
        report.ok() && report->data_bytes > 0 && report->new_bytes == report->data_bytes;
    shared_->lag->OnPushDone(number_, item->path, shared_->world->time(),
                             report.ok() ? report->sequence : 0, all_new);
    Op close = io_->Close(fd);
    const int32_t closed = co_await close;
    (void)closed;
  }
  shared_->workload->Done(number_, item, report);
}

Task<> AgentProcess::RestoreLoop(uint64_t seed) {
  SimRandom random(seed);
  while (!stopping_) {
    const WorkItem* item = shared_->workload->AnyCommitted(&random);
    if (item != nullptr) {
      std::string name = item->name;
      std::string from = random.Coin() ? "" : shared_->sites[random.Below(3)].address.name;
      const uint64_t version = item->version;
      absl::StatusOr<std::string> content = co_await RestoreOne(std::move(name), version, from);
      if (content.ok())
        shared_->workload->CheckRestored(item->name, version, *content, "the cluster");
    }
    Op sleep = io_->Sleep(absl::Milliseconds(random.Between(50, 1000)));
    const int32_t slept = co_await sleep;
    (void)slept;
  }
}

Task<absl::StatusOr<std::string>> AgentProcess::RestoreOne(std::string name, uint64_t version,
                                                           std::string from) {
  const std::string path = absl::StrCat("/restored/", ++outputs_);
  Op open = io_->Open(path, kOpenWrite | kOpenRead | kOpenCreate | kOpenTruncate);
  const Fd fd = co_await open;
  if (fd < 0) co_return absl::UnknownError("the output could not be opened");
  RestoreCall call;
  call.name = std::move(name);
  call.version = version;
  call.from = std::move(from);
  call.output = fd;
  Caller caller;
  absl::StatusOr<RestoreReport> report = co_await agent_->Restore(std::move(call), &caller);
  Op close = io_->Close(fd);
  const int32_t closed = co_await close;
  (void)closed;
  if (!report.ok()) co_return report.status();
  ++restored_;
  std::string content = disk_->ReadFile(path).value_or("");
  disk_->RemoveTree(path);
  co_return std::move(content);
}

void AgentProcess::StartVerify() {
  verify_ = std::make_unique<Task<>>(VerifyDeep());
  verify_->Start();
}

Task<> AgentProcess::VerifyDeep() {
  absl::StatusOr<VerifyReport> report = absl::UnknownError("not done");
  for (int tries = 0; tries < kVerifyTries; ++tries) {
    VerifyCall call;
    call.deep = true;
    Caller caller;
    report = co_await agent_->Verify(std::move(call), &caller);
    bool all_there = report.ok();
    for (size_t i = 0; all_there && i < report->sites.size(); ++i)
      all_there = report->sites[i].state != "unreachable";
    if (all_there) break;
    Op rest = io_->Sleep(absl::Seconds(5));
    const int32_t rested = co_await rest;
    (void)rested;
  }
  verified_ = std::move(report);
}

void AgentProcess::StartAudit() {
  audit_ = std::make_unique<Task<>>(Audit());
  audit_->Start();
}

Task<> AgentProcess::Audit() {
  absl::StatusOr<std::vector<ListedVersion>> listed = agent_->List("default", nullptr);
  if (!listed.ok()) {
    shared_->findings->Add(Invariant::kDurability,
                           "the list fails: " + std::string(listed.status().message()));
    co_return;
  }
  for (const auto& [version, item] : shared_->workload->committed()) {
    bool found = false;
    for (const ListedVersion& row : *listed) {
      found =
          found || (row.archive == version.first && row.version == version.second && row.complete);
    }
    if (!found) {
      shared_->findings->Add(
          Invariant::kDurability,
          absl::StrFormat("version %d of push %d is not listed", version.second, item->number));
    }
  }
  for (const ListedVersion& row : *listed) {
    if (!row.complete) continue;
    std::string name = row.archive;
    const uint32_t site = audited_versions_++ % static_cast<uint32_t>(shared_->sites.size());
    co_await AuditVersion(std::move(name), row.version, site);
  }
  co_await CheckProof();
}

// From one site each: all hold the same bytes, as is checked in the end.
Task<> AgentProcess::AuditVersion(std::string name, uint64_t version, uint32_t site) {
  const std::string from = shared_->sites[site].address.name;
  absl::StatusOr<std::string> content = absl::UnavailableError("");
  // A connection from before the site's restart is noticed by using it.
  for (int tries = 0; tries < kAuditTries && absl::IsUnavailable(content.status()); ++tries) {
    content = co_await RestoreOne(name, version, from);
  }
  const std::string where = "site " + from;
  if (content.ok()) {
    shared_->workload->CheckRestored(name, version, *content, where);
  } else {
    shared_->findings->Add(Invariant::kDurability,
                           absl::StrFormat("version %d cannot be restored from %s: %s", version,
                                           where, std::string(content.status().message())));
  }
}

// What this agent can show is found right by somebody who has nothing else, and proves the ledger
// that the agent itself tells.
Task<> AgentProcess::CheckProof() {
  const std::string path = "/export-" + std::to_string(io_->Monotonic() / absl::Nanoseconds(1));
  Op open = io_->Open(path, kOpenRead | kOpenWrite | kOpenCreate);
  const Fd fd = co_await open;
  if (fd < 0) co_return;
  RpoCall call;
  call.since = absl::UnixEpoch() + absl::Seconds(1);
  call.for_export = true;
  call.output = fd;
  Caller caller;
  absl::StatusOr<RpoReport> report = co_await agent_->Rpo(std::move(call), &caller);
  Op close = io_->Close(fd);
  co_await close;
  constexpr size_t kBytesMax = 64 << 20;
  std::string to_read = path;
  absl::StatusOr<std::string> evidence = co_await ReadSmallFile(io_, std::move(to_read), kBytesMax);
  if (report.ok() && evidence.ok()) JudgeProof(*report, *evidence, *shared_);
}

}  // namespace tidemark
