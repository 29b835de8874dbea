#include "tests/sim/cluster.h"

#include <cstring>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "tests/sim/quorum_ledger.h"
#include "tests/sim/rare_paths.h"

namespace tidemark {
namespace {

constexpr const char* kSiteNames[] = {"a", "b", "w"};
constexpr const char* kAgentNames[] = {"agent", "agent2"};
// Of one phase. A cluster that does so much and does not come to its end runs in a circle.
constexpr uint64_t kEventsMax = 10000000;

// Both halves are digests: cheap, the same for everybody, and worth nothing.
Signature StandIn(const PublicKey& key, ByteSpan signed_bytes) {
  Signature made;
  const Digest digest = KeyedHash(key.bytes, signed_bytes);
  std::memcpy(made.bytes.data(), digest.bytes.data(), digest.bytes.size());
  std::memcpy(made.bytes.data() + 32, digest.bytes.data(), digest.bytes.size());
  return made;
}

}  // namespace

Cluster::Cluster(const ClusterOptions& options)
    : options_(options),
      random_(MixSeeds(options.seed, HashText("chaos"))),
      seals_(&findings_),
      canaries_(&findings_),
      lag_(&findings_),
      world_(options.seed, options.faults),
      lies_(MixSeeds(options.seed, HashText("lies"))) {
  SetSignatureStandIn(options_.real_signatures != 0 ? nullptr : &StandIn);
  struct Entropy : EntropySource {
    explicit Entropy(SimRandom* from) : random(from) {}
    void Fill(MutableByteSpan out) override { random->Fill(out); }
    SimRandom* random;
  } entropy(&random_);
  vault_ = VaultId::Random(&entropy);
  kek_ = KeyEncryptionKey::Generate(&entropy);
  agent_key_ = std::make_unique<SigningKey>(SigningKey::Generate(&entropy));
  std::vector<LogLedger::SiteView> views;
  for (int i = 0; i < kSites; ++i) {
    SiteNode& site = sites_[i];
    site.name = kSiteNames[i];
    site.node = world_.AddNode(site.name);
    if (options_.site_capacity_bytes != 0) {
      world_.disk(site.node)->set_capacity(options_.site_capacity_bytes);
    }
    site.key = std::make_unique<SigningKey>(SigningKey::Generate(&entropy));
    views.push_back({site.name, world_.disk(site.node), i < 2, site.key->public_key()});
    shared_.sites.push_back({{site.name, site.name + ":7000"}, i < 2, options.connections});
  }
  if (options_.real_tls != 0) MakeIdentities(&entropy);
  if (options_.quorum != 0) {
    ledger_ = std::make_unique<QuorumLedger>(std::move(views), kSimStorePath, vault_, &findings_);
  } else {
    ledger_ = std::make_unique<LogLedger>(std::move(views), kSimStorePath, vault_, &findings_);
  }
  workload_ = std::make_unique<Workload>(options_, ledger_.get(), &findings_);
  for (int i = 0; i < kAgents; ++i) {
    AgentNode& agent = agents_[i];
    agent.node = world_.AddNode(kAgentNames[i]);
    agent.index = std::make_unique<FakeIndex>(ledger_.get(), &findings_);
    SimDisk* disk = world_.disk(agent.node);
    if (i == 0 || options_.weight(Act::kTakeOver) > 0) workload_->WriteSources(disk);
    for (const char* directory : {"/state", "/restored"}) disk->MakeDirectories(directory);
    if (options_.agent_entropy_cloned != 0)
      world_.SetEntropy(agent.node, SimWorld::Entropy::kCloned);
  }
  shared_.options = &options_;
  shared_.workload = workload_.get();
  shared_.findings = &findings_;
  shared_.lag = &lag_;
  shared_.world = &world_;
  shared_.evidence_losses_before = EvidenceLosses();
  shared_.key = agent_key_.get();
  shared_.kek = &kek_;
  shared_.vault = vault_;
  shared_.liars.resize(kSites);
  world_.Observe(this);
}

// Valid for all that the clocks of simulated machines may say.
void Cluster::MakeIdentities(EntropySource* entropy) {
  const absl::Time from = world_.io(sites_[0].node)->Now() - absl::Hours(24 * 365);
  const absl::Duration lifetime = absl::Hours(24 * 365 * 5);
  const absl::StatusOr<Credential> authority =
      CreateAuthority("simulated", from, lifetime, entropy);
  const auto identify = [&](Role role, const std::string& name, const SigningKey& key) {
    const absl::StatusOr<Credential> own =
        IssueCertificate(*authority, role, name, key, from, lifetime, entropy);
    return ChannelIdentity{authority->certificate_pem, *own};
  };
  for (SiteNode& site : sites_) site.identity = identify(Role::kSite, site.name, *site.key);
  agent_identity_ = identify(Role::kAgent, "agent", *agent_key_);
}

Cluster::~Cluster() {
  world_.Observe(nullptr);
  // Every object of a node dies behind its node and before the world.
  for (AgentNode& agent : agents_) {
    if (agent.process != nullptr) world_.Kill(agent.node);
    agent.process.reset();
  }
  for (SiteNode& site : sites_) {
    if (site.process != nullptr) world_.Kill(site.node);
    site.process.reset();
  }
  SetSignatureStandIn(nullptr);
}

void Cluster::TraceTo(std::ostream* out) {
  text_ = out;
  world_.TraceTo(out);
}

void Cluster::Say(const std::string& what) {
  if (text_ != nullptr)
    *text_ << absl::ToInt64Microseconds(world_.time()) << "us -- " << what << "\n";
}

std::unique_ptr<ChannelFactory> Cluster::Channels(int node, const PartyName& own,
                                                  const ChannelIdentity& identity) {
  std::unique_ptr<ChannelFactory> inner;
  if (options_.real_tls != 0) {
    absl::StatusOr<std::unique_ptr<ChannelFactory>> tls = MakeTlsFactory(identity);
    if (!tls.ok()) findings_.Add(Invariant::kLiveness, std::string(tls.status().message()));
    if (tls.ok()) inner = std::move(*tls);
  }
  if (inner == nullptr) inner = MakeNullFactory(own, world_.io(node));
  return Tapped(std::move(inner), node, own.role == Role::kAgent, &connections_, this);
}

bool Cluster::RunUntil(const std::function<bool()>& done, absl::Duration at_most) {
  const absl::Duration limit = world_.time() + at_most;
  const uint64_t last_event = world_.events() + kEventsMax;
  while (findings_.ok() && world_.time() < limit && world_.events() < last_event) {
    if (done()) return true;
    // Looking is dear, and nothing converges within a few events.
    for (int i = 0; i < 16 && findings_.ok(); ++i) {
      if (!world_.Step()) {
        SweepEnded();
        if (done()) return true;
        findings_.Add(Invariant::kLiveness, "nothing is left to happen");
        return false;
      }
    }
    SweepEnded();
    if (world_.events() >= next_look_) Look();
  }
  return findings_.ok() && done();  // the last steps may have jumped far past it
}

SeedRecord Cluster::Play() {
  for (int i = 0; i < kSites; ++i) StartSite(i);
  StartAgent(0);
  Chaos();
  if (findings_.ok()) Heal();
  const bool whole = findings_.ok() && Converge();
  if (whole) RotAndHeal();
  if (whole && findings_.ok()) Audit();
  if (findings_.ok()) StopAll();
  if (whole && findings_.ok()) ledger_->CheckAllEqual();
  SeedRecord record;
  record.seed = options_.seed;
  record.finding = findings_.first();
  record.trace = world_.trace();
  record.events = world_.events();
  record.io_events = world_.io_events();
  record.commits = ledger_->commits();
  record.faults = acts_ + world_.failures();
  record.records = ledger_->committed();
  record.starts = starts_;
  record.restored = restored_;
  record.resumed = workload_->resumed();
  record.simulated_ms = absl::ToInt64Milliseconds(world_.time());
  record.looks = lag_.looks();
  record.over = lag_.over();
  record.real_signatures = options_.real_signatures != 0;
  record.real_tls = options_.real_tls != 0;
  return record;
}

void Cluster::Chaos() {
  const absl::Duration end = world_.time() + absl::Milliseconds(options_.chaos_ms);
  uint64_t next_act = world_.events() + random_.Below(options_.events_between_acts + 1);
  while (findings_.ok() && world_.time() < end) {
    if (!world_.Step()) return findings_.Add(Invariant::kLiveness, "nothing is left to happen");
    SweepEnded();
    if (world_.events() >= next_look_) Look();
    if (world_.events() < next_act) continue;
    next_act = world_.events() + random_.Below(options_.events_between_acts + 1);
    DoAct();
  }
}

}  // namespace tidemark
