// tidemark site run: one site's process.
#include <fstream>
#include <memory>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "agent/cli/daemon_process.h"
#include "agent/cli/load.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/site/site_server.h"
#include "agent/version.h"

namespace tidemark {
namespace {

// A killed site's lock and ports may outlive it for a moment.
constexpr int kOpenTries = 20;
const absl::Duration kOpenPause = absl::Milliseconds(100);

// Names the machine, so that the agent can tell that sites share one: its id, or the running
// kernel's.
Digest HostDigest() {
  for (const char* path : {"/etc/machine-id", "/proc/sys/kernel/random/boot_id"}) {
    std::ifstream file(path);
    std::string id;
    if (std::getline(file, id) && !id.empty()) return HashBytes(AsBytes("tidemark-host/1 " + id));
  }
  return Digest{};
}

std::string HostOf(const std::string& address) { return address.substr(0, address.rfind(':')); }

struct SiteProcess {
  UringIo* io = nullptr;
  SiteOptions options;
  LoadedIdentity* identity = nullptr;
  Logger* log = nullptr;
  std::unique_ptr<SiteServer> server;
  OnSignals on;
};

Task<absl::Status> ServeSite(Io* io, SiteProcess* process) {
  for (int tries = 1; process->server == nullptr; ++tries) {
    SiteOptions options = process->options;
    absl::StatusOr<std::unique_ptr<SiteServer>> server = co_await SiteServer::Open(
        io, std::move(options), process->identity->factory.get(), &process->identity->key);
    if (server.ok()) {
      process->server = *std::move(server);
      break;
    }
    const bool may_pass = absl::IsAlreadyExists(server.status()) && tries < kOpenTries;
    if (!may_pass) co_return server.status();
    Op pause = io->Sleep(kOpenPause);
    co_await pause;
  }
  SiteServer* server = process->server.get();
  process->on.stop = [server] { server->Stop(); };
  process->log->Info(absl::StrFormat("site %s serving control %s:%d data %s:%d",
                                     process->options.name, HostOf(process->options.listen),
                                     server->control_port(), HostOf(process->options.data_listen),
                                     server->data_port()));
  absl::Status served = co_await server->Serve();
  co_return served;
}

}  // namespace

int RunSite(const Arguments& arguments) {
  KeepHeapsFew();
  absl::StatusOr<SiteConfig> config = LoadSiteConfig(arguments.config);
  if (!config.ok()) return Fail(arguments, config.status());
  absl::StatusOr<LoadedIdentity> identity =
      LoadIdentity(config->identity, Role::kSite, config->options.name);
  if (!identity.ok()) return Fail(arguments, identity.status());
  const absl::StatusOr<std::unique_ptr<UringIo>> io = UringIo::Create(UringOptions{});
  if (!io.ok()) return Fail(arguments, io.status());
  UringIo* world = io->get();
  Logger log = Logger::ToStderr(config->log_level, [] { return absl::Now(); }, config->log_format);
  SiteProcess process;
  process.io = world;
  process.options = config->options;
  process.options.host = HostDigest();
  process.options.software = kSoftwareVersion;
  process.options.log = [&log](const std::string& line) { log.Warn(line); };
  process.identity = &*identity;
  process.log = &log;
  const absl::Status ended = RunUntilSignal(world, ServeSite(world, &process), &process.on, &log);
  if (!ended.ok()) return Fail(arguments, ended);
  log.Info("ended");
  return kExitOk;
}

}  // namespace tidemark
