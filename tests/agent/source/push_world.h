// Three real sites and a real agent on simulated machines, without faults: what a test of the push
// needs. The agent can be killed and started again; its index survives as a file would.
#ifndef TIDEMARK_TESTS_AGENT_SOURCE_PUSH_WORLD_H_
#define TIDEMARK_TESTS_AGENT_SOURCE_PUSH_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "tests/sim/cluster_nodes.h"
#include "tests/sim/sim_world.h"

namespace tidemark {

class KeptIndex : public ChunkIndex {
 public:
  absl::StatusOr<std::optional<IndexCoverage>> Coverage() override { return coverage_; }
  absl::Status Put(const std::vector<ChunkRow>& rows, const IndexCoverage& coverage) override;
  absl::Status Get(const std::vector<ChunkId>& ids,
                   std::vector<std::optional<ChunkRow>>* found) override;
  absl::Status Clear() override;
  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  std::map<ChunkId, ChunkRow> rows_;
  std::optional<IndexCoverage> coverage_;
};

// One push, from its call to its report.
struct TestCall : Call {
  void Note(const std::string& line) override { notes.push_back(line); }
  void Progress(uint64_t done_bytes, uint64_t) override { read_bytes = done_bytes; }
  bool Heard(const std::string& part) const;
  std::vector<std::string> notes;
  uint64_t read_bytes = 0;
  std::optional<absl::StatusOr<PushReport>> report;
};

class PushWorld {
 public:
  static constexpr absl::Duration kPatience = absl::Minutes(10);
  explicit PushWorld(uint64_t seed);
  ~PushWorld();

  // Before StartAgent.
  uint64_t segment_bytes = kSegmentBytesMax;
  uint32_t connections = 1;  // to each site
  CutLimits cut = {4096, 16384, 32768};
  uint64_t versions_per_keyring = 64;
  uint64_t window_bytes = 64 * 1024 * 1024;
  std::string idempotency_key;                      // of the pushes that are started from now on
  absl::Duration push_timeout = absl::Minutes(10);  // without progress
  bool may_use_quorum = false;
  bool with_media = false;  // a second vault, "media", with an RPO target of an hour

  void StartAgent(bool opens = true);  // until its vault is open
  void KillAgent();                    // kill -9: with all that it was doing
  void StartSite(int site);
  void KillSite(int site);
  SimDisk* SiteDisk(int site) { return world_.disk(site_nodes_[site]); }
  absl::Duration Clock() { return world_.io(agent_node_)->Monotonic(); }
  void BlockSite(int site) { world_.Block(agent_node_, site_nodes_[site]); }
  void HealSites() { world_.HealAll(); }
  // How long TCP tries, from now on.
  void GiveUpAfter(absl::Duration silence) {
    FaultOptions faults = world_.faults();
    faults.silence_timeout_us = static_cast<uint64_t>(absl::ToInt64Microseconds(silence));
    world_.set_faults(faults);
  }

  static std::string Noise(size_t bytes, uint64_t seed);
  void WriteSource(const std::string& path, const std::string& content);
  void PunchSource(const std::string& path, uint64_t offset, uint64_t bytes);
  // Reading any of it fails from now on. Its identity stays.
  void MakeUnreadable(const std::string& path, uint64_t offset, uint64_t bytes);

  TestCall* StartPush(const std::string& name, const std::string& path, bool resume = true,
                      const std::string& vault = "default");
  PushReport FinishPush(TestCall* call);
  PushReport PushAll(const std::string& name, const std::string& path,
                     const std::string& vault = "default");
  bool RunUntilRead(TestCall* call, uint64_t bytes);
  void RunFor(absl::Duration duration) { world_.RunFor(duration); }
  bool RunUntil(const std::function<bool()>& done) { return world_.Run(done, absl::Minutes(10)); }
  void SlowReads(absl::Duration each);
  // What name@version gives back, from a site, or from any ("").
  std::string Restored(const std::string& name, uint64_t version, const std::string& from = "");
  std::vector<ListedVersion> Listed(const std::string& name);
  VerifyReport VerifyDeep();
  SiteLink* link(int site) { return agent_->links()[static_cast<size_t>(site)].get(); }
  LagBook::Lag LagOf(int site);
  // Orders a site to fetch what is committed from another; how that ended.
  absl::Status FetchTo(int site, int from);
  Vault* vault(const std::string& name = "default") {
    for (const std::unique_ptr<Vault>& each : agent_->vaults()) {
      if (each->options().name == name) return each.get();
    }
    return nullptr;
  }
  ResumeBook* book() { return vault()->resume_book(); }
  uint64_t committed() { return vault()->log()->committed_sequence(); }
  uint64_t durable_at(SiteIndex site, const std::string& name = "default") {
    return vault(name)->log()->window().durable(site).sequence;
  }
  bool RunUntilLevel(SiteIndex site, const std::string& name) {  // it holds what is committed
    return RunUntil([this, site, name] {
      return durable_at(site, name) >= vault(name)->log()->committed_sequence();
    });
  }
  const CutLimits& cut_limits() { return vault()->cut_limits(); }
  SiteLink::View ViewOf(int site) { return link(site)->view(vault_); }
  void SetEntropy(SimWorld::Entropy entropy) { world_.SetEntropy(agent_node_, entropy); }
  std::optional<LinkedVault::Wanted> wanted() { return vault()->WantedPromise(); }
  uint64_t operations() const { return world_.io_events(); }
  KeptIndex* index() { return &index_; }
  // What the agent has kept as its newest checkpoint.
  absl::StatusOr<SignedCheckpoint> KeptCheckpoint();

 private:
  SimWorld world_;
  SimRandom random_;
  std::unique_ptr<SigningKey> agent_key_;
  KeyEncryptionKey kek_;
  VaultId vault_, media_;
  std::vector<int> site_nodes_;
  std::vector<std::unique_ptr<SigningKey>> site_keys_;
  std::vector<std::unique_ptr<SiteProcess>> sites_;
  int agent_node_ = 0;
  KeptIndex index_, media_index_;
  std::vector<std::unique_ptr<TestCall>> calls_;
  std::unique_ptr<ChannelFactory> channels_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<Task<>> run_;
  std::unique_ptr<TaskGroup> stories_;  // their frames use all of the above
  std::vector<std::byte> receipts_[3];  // as an agent keeps them in a file
  uint64_t outputs_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_SOURCE_PUSH_WORLD_H_
