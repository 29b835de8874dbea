// The agent as a daemon: configuration, keys, TLS, RocksDB, control socket around an Agent.
#ifndef TIDEMARK_AGENT_DAEMON_H_
#define TIDEMARK_AGENT_DAEMON_H_

#include <map>
#include <memory>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/control_socket.h"
#include "agent/io/uring_io.h"
#include "agent/rate_keeper.h"
#include "agent/reporter.h"
#include "crypto/channel.h"

namespace tidemark {

class AgentDaemon {
 public:
  // Locks the state directory, reads keys, checks the local keyrings, opens the indexes, binds the
  // socket. kAlreadyExists: another agent uses the state or the socket; kPermissionDenied: wrong
  // passphrase; kDataLoss: damaged keyring or key file; kNotFound: no key file.
  static Task<absl::StatusOr<std::unique_ptr<AgentDaemon>>> Start(UringIo* io,
                                                                  const AgentConfig* config,
                                                                  std::string passphrase,
                                                                  Logger* log);
  AgentDaemon(UringIo* io, const AgentConfig* config, Logger* log);
  Io* io() const { return io_; }
  // Until Stop, then ended in order.
  Task<absl::Status> Run();
  void Stop();
  // Reads the configuration's rates again. One that is wrong is logged and changes nothing.
  void Reload();

 private:
  Task<absl::Status> LockState();
  Task<absl::Status> ReadKeys(std::string passphrase);
  Task<absl::Status> CheckKeyrings();
  Task<absl::Status> OpenIndexes();
  Task<> ServeSocket();
  Task<> LogChanges();
  void Tell(const std::string& what, const std::string& state, const std::string& why,
            LogFields fields);
  void TellChunks(const Vault& vault);
  Task<> ReloadLoop();
  Task<> LoadReceipts();
  Task<> KeepReceipts();
  void MakeAgent();

  UringIo* io_;
  const AgentConfig* config_;
  Logger* log_;
  Fd lock_ = -1;
  std::optional<KeyEncryptionKey> kek_;
  std::optional<SigningKey> identity_;
  std::string certificates_pem_;
  std::unique_ptr<ChannelFactory> channels_;
  std::map<std::string, std::unique_ptr<ChunkIndex>> indexes_;
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<RateKeeper> rates_;
  std::unique_ptr<Reporter> reporter_;
  std::unique_ptr<ControlSocket> socket_;
  bool stopping_ = false, reload_wanted_ = false;
  Event reload_;
  Op* log_sleep_ = nullptr;
  Op* receipts_sleep_ = nullptr;
  struct Told {
    std::string state, why;
    absl::Duration at = -absl::InfiniteDuration();
  };
  std::map<std::string, Told> told_;  // what the log said last of a site or vault
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_DAEMON_H_
