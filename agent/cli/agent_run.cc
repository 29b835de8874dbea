// tidemark agent run: the agent's process.
#include <memory>

#include "absl/time/clock.h"
#include "agent/cli/daemon_process.h"
#include "agent/cli/load.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/daemon.h"
#include "agent/failure.h"

namespace tidemark {
namespace {

struct AgentProcess {
  UringIo* io = nullptr;
  const AgentConfig* config = nullptr;
  std::string passphrase;
  Logger* log = nullptr;
  std::unique_ptr<AgentDaemon> daemon;
  OnSignals on;
};

Task<absl::Status> ServeAgent(Io*, AgentProcess* process) {
  absl::StatusOr<std::unique_ptr<AgentDaemon>> daemon = co_await AgentDaemon::Start(
      process->io, process->config, std::move(process->passphrase), process->log);
  if (!daemon.ok()) co_return daemon.status();
  process->daemon = *std::move(daemon);
  AgentDaemon* running = process->daemon.get();
  process->on = {[running] { running->Stop(); }, [running] { running->Reload(); }};
  process->log->Info("agent " + process->config->name + " serving socket " +
                     process->config->socket);
  absl::Status served = co_await running->Run();
  co_return served;
}

}  // namespace

int RunAgent(const Arguments& arguments) {
  KeepHeapsFew();
  const absl::StatusOr<AgentConfig> config = LoadAgentConfig(arguments.config);
  if (!config.ok()) return Fail(arguments, config.status());
  // Says precisely what does not fit before anything is opened.
  const absl::StatusOr<LoadedIdentity> identity =
      LoadIdentity(config->identity, Role::kAgent, config->name);
  if (!identity.ok()) return Fail(arguments, identity.status());
  absl::StatusOr<std::string> passphrase = ReadPassphrase(*config);
  if (!passphrase.ok()) return Fail(arguments, passphrase.status());
  UringOptions options;
  options.workers = config->workers;
  const absl::StatusOr<std::unique_ptr<UringIo>> io = UringIo::Create(options);
  if (!io.ok()) return Fail(arguments, io.status());
  UringIo* world = io->get();
  Logger log = Logger::ToStderr(config->log_level, [] { return absl::Now(); }, config->log_format);
  world->SignalDescriptor();  // before RocksDB starts threads
  AgentProcess process;
  process.io = world;
  process.config = &*config;
  process.passphrase = *std::move(passphrase);
  process.log = &log;
  const absl::Status ended = RunUntilSignal(world, ServeAgent(world, &process), &process.on, &log);
  if (!ended.ok()) return Fail(arguments, ended);
  log.Info("ended");
  return kExitOk;
}

}  // namespace tidemark
