// The command line, parsed. CLI11 stays in arguments.cc.
#ifndef TIDEMARK_AGENT_CLI_ARGUMENTS_H_
#define TIDEMARK_AGENT_CLI_ARGUMENTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tidemark {

struct Arguments {
  std::string verb;  // "push", "setup ca", "keys kit"; what main.cc dispatches on

  // Every verb.
  bool json = false;
  std::string vault = "default";
  std::string socket;  // flag, TIDEMARK_SOCKET, or the default
  std::string config;  // flag only: makes restore, list and verify work without the agent
  std::string config_or_default;  // flag, TIDEMARK_CONFIG, or the default
  std::string kit, store;         // restores without the agent
  bool allow_older = false;

  // push, restore, list
  std::string path;  // "-": standard input or output
  std::string name;  // with "@VERSION" where a version may be given
  absl::Duration timeout = absl::Minutes(10);
  bool wait_all = false;
  bool compress = true;
  bool resume = true;
  std::string idempotency_key;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  std::string from;
  std::optional<absl::Time> before;
  bool overwrite = false;

  std::string period = "daily";  // report
  bool html = false;
  bool watch = false, check = false;  // status
  bool deep = false;                  // verify
  bool vault_given = false;           // rpo: else all
  std::optional<absl::Time> since, until;
  std::string keys;          // rpo-verify: file of pinned keys
  bool full = false;         // rpo-verify: every signature
  bool acknowledge = false;  // keys kit --ack

  // bench
  bool stages = false, floors = false;
  std::string bench_directory, bench_input;
  uint64_t bench_bytes = 512u << 20;

  // setup
  std::string authority_directory, out_directory, state_directory;
  std::string role, listen, data_listen, setup_store, setup_socket, passphrase_file;
  std::vector<std::string> sites;  // "a=primary=host:port"
  bool allow_same_host = false;
  std::string socket_mode = "0660", status_listen = "127.0.0.1:9740";
};

// Fills `arguments`. A value: the process is done with that exit code (help, version, usage).
std::optional<int> ParseArguments(int argc, const char* const* argv, Arguments* arguments);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_ARGUMENTS_H_
