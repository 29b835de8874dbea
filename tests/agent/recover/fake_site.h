// A small site over loopback: says hello, answers reads from a log in memory, and misbehaves on
// demand.
#ifndef TIDEMARK_TESTS_AGENT_RECOVER_FAKE_SITE_H_
#define TIDEMARK_TESTS_AGENT_RECOVER_FAKE_SITE_H_

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "agent/io/transfer.h"
#include "agent/link/data_connection.h"
#include "tests/agent/recover/test_vault.h"

namespace tidemark {

class FakeSite {
 public:
  FakeSite(Io* io, ChannelFactory* channels, const TestVault* vault)
      : io_(io), channels_(channels), vault_(vault), tasks_(io) {}
  Io* io() const { return io_; }

  // Listens; then serves until Stop.
  Task<> Start();
  Task<> Stop();
  std::string address() const { return "127.0.0.1:" + std::to_string(io_->BoundPort(control_)); }

  bool refuse_hello = false;
  bool silent = false;                              // takes reads and never answers
  int reads_until_drop = -1;                        // then every connection is cut
  bool drops_in_noise = false;                      // behind a frame that the network spoiled
  std::set<std::pair<uint64_t, uint32_t>> damaged;  // told as such
  std::set<std::pair<uint64_t, uint32_t>> lies;     // sent with a changed byte
  std::set<uint64_t> other_head;                    // sends a made-up head
  int sessions = 0;

 private:
  Task<> AcceptLoop();
  Task<> ServeSession(Fd fd);
  Task<> ServeRequests(ControlConnection* control, DataConnection* data);
  Task<> Answer(ControlConnection* control, DataConnection* data, wire::ReadBlocks read);

  Io* io_;
  ChannelFactory* channels_;
  const TestVault* vault_;
  Fd control_ = -1, data_ = -1;
  Op* accepting_ = nullptr;
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_RECOVER_FAKE_SITE_H_
