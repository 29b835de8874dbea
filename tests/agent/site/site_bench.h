// Whole sites over loopback with real TLS, in one process and one loop.
#ifndef TIDEMARK_TESTS_AGENT_SITE_SITE_BENCH_H_
#define TIDEMARK_TESTS_AGENT_SITE_SITE_BENCH_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/io/uring_io.h"
#include "agent/site/site_server.h"
#include "gtest/gtest.h"
#include "tests/agent/site/test_agent.h"

namespace tidemark {

// Who somebody is: a key, a certificate, channels made with them.
struct Party {
  std::string name;
  SigningKey key;
  std::unique_ptr<ChannelFactory> channels;
};

inline SessionId TestNonce(uint8_t number) {
  SessionId nonce;
  nonce.bytes.fill(std::byte{number});
  return nonce;
}

// A site and the task that serves it.
struct RunningSite {
  Party* party = nullptr;
  std::unique_ptr<SiteServer> server;
  std::unique_ptr<Task<absl::Status>> serving;
  std::string address() const { return absl::StrCat("127.0.0.1:", server->control_port()); }
};

// Fixture. Stories are member coroutines, started with Run.
class SiteBench : public ::testing::Test {
 public:
  Io* io() const { return io_.get(); }

 protected:
  void SetUp() override;
  void TearDown() override;

  Party MakeParty(Role role, std::string name);
  std::string StorePath(const std::string& name) const { return (directory_ / name).string(); }
  SiteOptions Options(const std::string& name) const;
  // Runs a story to its end, with everything else.
  void Run(Task<> story);

  // With Options(party->name).
  Task<> Start(Party* party, RunningSite* site);
  Task<absl::Status> StartSite(Party* party, SiteOptions options, RunningSite* site);
  Task<> StopSite(RunningSite* site);
  // Connected; with a promise unless epoch is 0.
  Task<std::unique_ptr<TestAgent>> Agent(Party* party, std::string address, uint64_t epoch,
                                         uint8_t nonce, std::string receipt);
  // The agent party's, with nonce 1 and no receipt to show.
  Task<std::unique_ptr<TestAgent>> UsualAgent(RunningSite* site, uint64_t epoch);
  // Appends `count` records behind the log and waits for the ack of the last.
  Task<absl::Status> AppendRun(TestAgent* agent, uint64_t epoch, int count, size_t bytes,
                               std::vector<TestRecord>* log);
  // All records of the log are there, byte for byte, and no more.
  Task<> ExpectLog(TestAgent* agent, const std::vector<TestRecord>* log);

  std::unique_ptr<UringIo> io_;
  std::filesystem::path directory_;
  Credential authority_;
  std::unique_ptr<Party> site_a_, site_b_, agent_;

 private:
  Task<> StopAfter(Task<>* story);
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_SITE_SITE_BENCH_H_
