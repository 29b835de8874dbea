#include "tests/agent/source/push_world.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "agent/source/lag_clock.h"

namespace tidemark {
namespace {

constexpr const char* kNames[] = {"a", "b", "w"};

struct Entropy : EntropySource {
  explicit Entropy(SimRandom* from) : random(from) {}
  void Fill(MutableByteSpan out) override { random->Fill(out); }
  SimRandom* random;
};

PartyName NameOf(Role role, std::string name, const SigningKey& key) {
  PartyName party;
  party.role = role;
  party.name = std::move(name);
  party.key = key.public_key();
  return party;
}

Task<> PushStory(Io* io, Agent* agent, TestCall* call, PushCall request, std::string path) {
  Op open = io->Open(path, kOpenRead);
  request.source = co_await open;
  const Fd fd = request.source;
  absl::StatusOr<PushReport> report = co_await agent->Push(std::move(request), call);
  call->report = std::move(report);
  Op close = io->Close(fd);
  co_await close;
}

}  // namespace

absl::Status KeptIndex::Put(const std::vector<ChunkRow>& rows, const IndexCoverage& coverage) {
  for (const ChunkRow& row : rows) rows_[row.id] = row;
  coverage_ = coverage;
  return absl::OkStatus();
}

absl::Status KeptIndex::Get(const std::vector<ChunkId>& ids,
                            std::vector<std::optional<ChunkRow>>* found) {
  found->assign(ids.size(), std::nullopt);
  for (size_t i = 0; i < ids.size(); ++i) {
    auto row = rows_.find(ids[i]);
    if (row != rows_.end()) (*found)[i] = row->second;
  }
  return absl::OkStatus();
}

absl::Status KeptIndex::Clear() {
  rows_.clear();
  coverage_.reset();
  return absl::OkStatus();
}

bool TestCall::Heard(const std::string& part) const {
  for (const std::string& note : notes) {
    if (note.find(part) != std::string::npos) return true;
  }
  return false;
}

PushWorld::PushWorld(uint64_t seed) : world_(seed), random_(seed) {
  Entropy entropy(&random_);
  vault_ = VaultId::Random(&entropy);
  kek_ = KeyEncryptionKey::Generate(&entropy);
  agent_key_ = std::make_unique<SigningKey>(SigningKey::Generate(&entropy));
  for (int i = 0; i < 3; ++i) {
    const int node = world_.AddNode(kNames[i]);
    site_nodes_.push_back(node);
    site_keys_.push_back(std::make_unique<SigningKey>(SigningKey::Generate(&entropy)));
    sites_.emplace_back();
    StartSite(i);
  }
  agent_node_ = world_.AddNode("agent");
  for (const char* directory : {"/state", "/restored", "/source"})
    world_.disk(agent_node_)->MakeDirectories(directory);
  media_ = VaultId::Random(&entropy);
}

void PushWorld::StartSite(int site) {
  const int node = site_nodes_[site];
  if (!world_.alive(node)) world_.Restart(node);
  SiteOptions options;
  options.name = kNames[site];
  options.is_primary = site < 2;
  options.store_path = kSimStorePath;
  options.listen = "0.0.0.0:7000";
  options.data_listen = "0.0.0.0:7001";
  options.host = HashBytes(AsBytes(options.name));
  options.software = "simulated";
  options.record_buffers = 6;
  options.reserve_bytes = 1 << 20;
  const PartyName name = NameOf(Role::kSite, kNames[site], *site_keys_[site]);
  sites_[site] =
      std::make_unique<SiteProcess>(world_.io(node), std::move(options),
                                    MakeNullFactory(name, world_.io(node)), site_keys_[site].get());
}

void PushWorld::KillSite(int site) {
  world_.Kill(site_nodes_[site]);
  sites_[site].reset();
}

void PushWorld::SlowReads(absl::Duration each) {
  FaultOptions faults = world_.faults();
  faults.read_us_min = faults.read_us_max = static_cast<uint64_t>(absl::ToInt64Microseconds(each));
  world_.set_faults(faults);
}

PushWorld::~PushWorld() {
  if (agent_ != nullptr) KillAgent();
  for (int i = 0; i < 3; ++i) {
    if (sites_[i] != nullptr) KillSite(i);
  }
}

void PushWorld::StartAgent(bool opens) {
  if (!world_.alive(agent_node_)) world_.Restart(agent_node_);
  SimIo* io = world_.io(agent_node_);
  Agent::Options options;
  options.name = "agent";
  options.software = "simulated";
  for (int i = 0; i < 3; ++i)
    options.sites.push_back({{kNames[i], absl::StrCat(kNames[i], ":7000")}, i < 2, connections});
  options.record_buffers = 12;
  options.span_buffers = 4;
  options.watch_interval = absl::Milliseconds(1);
  Agent::VaultSetup setup;
  setup.options.name = "default";
  setup.options.id = vault_;
  setup.options.state_path = "/state";
  setup.options.segment_bytes = segment_bytes;
  setup.options.cut = cut;
  setup.options.window.uncommitted_bytes_max = window_bytes;
  setup.options.window.may_use_quorum = may_use_quorum;
  setup.options.versions_per_keyring = versions_per_keyring;
  setup.options.resume.bytes_min = 1 << 20;
  setup.index = &index_;
  if (with_media) {
    Agent::VaultSetup media = setup;
    media.options.name = "media";
    media.options.id = media_;
    media.options.rpo_target = absl::Hours(1);
    media.index = &media_index_;
    options.vaults.push_back(media);  // first, so that its turn would be, too
  }
  options.vaults.push_back(setup);
  channels_ = MakeNullFactory(NameOf(Role::kAgent, "agent", *agent_key_), io);
  agent_ = std::make_unique<Agent>(io, options, channels_.get(), agent_key_.get(), &kek_);
  for (int i = 0; i < 3; ++i) {
    if (!receipts_[i].empty()) link(i)->RestoreNewestReceipt(receipts_[i]);
  }
  run_ = std::make_unique<Task<>>(agent_->Run());
  run_->Start();
  stories_ = std::make_unique<TaskGroup>(io);
  if (!opens) return;
  for (const std::unique_ptr<Vault>& vault : agent_->vaults()) {
    const auto is_open = [&vault] { return vault->phase() == Vault::Phase::kOpen; };
    ASSERT_TRUE(world_.Run(is_open, kPatience)) << vault->trouble();
  }
}

void PushWorld::KillAgent() {
  for (int i = 0; i < 3; ++i) receipts_[i] = link(i)->newest_receipt();
  world_.Kill(agent_node_);
  stories_.reset();
  run_.reset();
  agent_.reset();
  channels_.reset();
}

std::string PushWorld::Noise(size_t bytes, uint64_t seed) {
  SimRandom random(seed);
  std::string noise(bytes, '\0');
  random.Fill({reinterpret_cast<std::byte*>(noise.data()), noise.size()});
  return noise;
}

void PushWorld::WriteSource(const std::string& path, const std::string& content) {
  world_.disk(agent_node_)->WriteFile(path, content);
  world_.RunFor(absl::Seconds(1));  // no file that has just changed is resumed
}

void PushWorld::PunchSource(const std::string& path, uint64_t offset, uint64_t bytes) {
  SimDisk* disk = world_.disk(agent_node_);
  SimInodeRef inode;
  ASSERT_EQ(disk->Open(path, kOpenRead | kOpenWrite, &inode), 0);
  ASSERT_EQ(disk->Punch(inode.get(), offset, bytes), 0);
  disk->Close(inode.get());
  world_.RunFor(absl::Seconds(1));
}

void PushWorld::MakeUnreadable(const std::string& path, uint64_t offset, uint64_t bytes) {
  world_.disk(agent_node_)->MakeUnreadable(path, offset, bytes);
}

TestCall* PushWorld::StartPush(const std::string& name, const std::string& path, bool resume,
                               const std::string& vault) {
  calls_.push_back(std::make_unique<TestCall>());
  PushCall request;
  request.vault = vault;
  request.name = name;
  request.resume = resume;
  request.idempotency_key = idempotency_key;
  request.timeout = push_timeout;
  stories_->Spawn(PushStory(world_.io(agent_node_), agent_.get(), calls_.back().get(),
                            std::move(request), path));
  return calls_.back().get();
}

PushReport PushWorld::FinishPush(TestCall* call) {
  world_.Run([call] { return call->report.has_value(); }, kPatience);
  if (!call->report.has_value()) {
    ADD_FAILURE() << "a push does not end";
    return {};
  }
  EXPECT_TRUE(call->report->ok()) << call->report->status();
  return call->report->ok() ? **call->report : PushReport();
}

PushReport PushWorld::PushAll(const std::string& name, const std::string& path,
                              const std::string& vault) {
  return FinishPush(StartPush(name, path, true, vault));
}

bool PushWorld::RunUntilRead(TestCall* call, uint64_t bytes) {
  const bool read = world_.Run(
      [call, bytes] { return call->read_bytes >= bytes || call->report.has_value(); }, kPatience);
  return read && !call->report.has_value();
}

}  // namespace tidemark
