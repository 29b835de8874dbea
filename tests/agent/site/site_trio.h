// Three real sites in the simulator, with the same log, for tests of healing.
#ifndef TIDEMARK_TESTS_AGENT_SITE_SITE_TRIO_H_
#define TIDEMARK_TESTS_AGENT_SITE_SITE_TRIO_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/site/site_server.h"
#include "gtest/gtest.h"
#include "tests/agent/site/test_agent.h"
#include "tests/sim/sim_world.h"

namespace tidemark {

class SiteTrio {
 public:
  static constexpr int kSites = 3;
  static constexpr const char* kNames[kSites] = {"a", "b", "w"};

  explicit SiteTrio(uint64_t seed)
      : world(seed), entropy_(seed), agent_key_(SigningKey::Generate(&entropy_)) {
    for (int i = 0; i < kSites; ++i) {
      nodes_[i] = world.AddNode(kNames[i]);
      keys_.push_back(SigningKey::Generate(&entropy_));
      world.disk(nodes_[i])->MakeDirectories("/store");
    }
    agent_node_ = world.AddNode("agent");
    PartyName name = NameOf(Role::kAgent, "agent", agent_key_);
    agent_channels_ = MakeNullFactory(name, io());
  }
  ~SiteTrio() {
    for (int i = 0; i < kSites; ++i) Stop(i);
  }
  SimIo* io() { return world.io(agent_node_); }
  SimDisk* disk(int site) { return world.disk(nodes_[site]); }
  SiteServer* server(int site) { return servers_[site].get(); }
  const SigningKey& agent_key() const { return agent_key_; }
  SimIo* site_io(int site) { return world.io(nodes_[site]); }

  SiteOptions Options(int site) const;
  void Start(int site);
  // kill -9, or a power loss.
  void Stop(int site, bool power = false);
  void StartAll() {
    for (int i = 0; i < kSites; ++i) Start(i);
  }
  // Runs a story of the agent's machine to its end.
  void Run(Task<> story) {
    story.Start();
    const bool done = world.Run([&] { return story.done(); }, absl::Hours(10));
    ASSERT_TRUE(done);
  }

  // An agent that is connected.
  Task<std::unique_ptr<TestAgent>> Greet(int site);
  // An agent that has the site's promise, and has told it where the others are.
  Task<std::unique_ptr<TestAgent>> Connect(int site);
  // As Connect; the log is acked then.
  Task<std::unique_ptr<TestAgent>> Append(int site, const std::vector<TestRecord>* log);
  // The same, and the agent goes again.
  Task<> AppendAll(int site, const std::vector<TestRecord>* log);
  // Expects that an agent can read the first `count` records there.
  Task<> ReadFirst(int site, size_t count);
  // The same log at every site, also where it holds the beginning; and a's receipt for it.
  Task<> Fill(const std::vector<TestRecord>* log, std::string* receipt = nullptr);
  // What the site says of its scrub.
  Task<wire::ScrubState> Scrub(int site);
  // What verify --deep orders: re-read all, heal.
  Task<wire::VerifyReport> Verify(int site);
  static std::string LogPath() {
    return absl::StrCat("/store/vaults/", TestVault().hex(), "/log-00000001");
  }

  SimWorld world;
  std::function<void(SiteOptions*)> tweak;  // of every site that starts

 private:
  static PartyName NameOf(Role role, std::string name, const SigningKey& key);
  static Task<> Serve(Io* io, SiteTrio* trio, int site);

  SeededEntropy entropy_;
  SigningKey agent_key_;
  std::vector<SigningKey> keys_;
  int nodes_[kSites] = {}, agent_node_ = 0;
  std::unique_ptr<ChannelFactory> agent_channels_, channels_[kSites];
  std::unique_ptr<SiteServer> servers_[kSites];
  std::unique_ptr<Task<>> serving_[kSites];
};

// A log of `count` records with payloads of that size.
inline std::vector<TestRecord> MakeTestLog(int count, size_t payload_bytes) {
  std::vector<TestRecord> log;
  Position before;
  for (int i = 0; i < count; ++i) {
    log.push_back(MakeTestRecord(TestVault(), before, 1, payload_bytes, static_cast<uint64_t>(i)));
    before = log.back().header.position();
  }
  return log;
}
// Where a record of such a log stands in its file.
inline uint64_t HeadOffset(const std::vector<TestRecord>& log, size_t index) {
  uint64_t offset = kRecordHeaderBytes;
  for (size_t i = 0; i < index; ++i) offset += kRecordHeaderBytes + log[i].payload.size();
  return offset;
}

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_SITE_SITE_TRIO_H_
