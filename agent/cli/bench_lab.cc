#include "agent/cli/bench_lab.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "agent/cli/client.h"
#include "agent/failure.h"
#include "agent/io/transfer.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

constexpr const char* kSites[] = {"a", "b", "w"};
constexpr char kSelf[] = "/proc/self/exe";
const absl::Duration kReadyLimit = absl::Seconds(30);

// Free now; that somebody else takes it meanwhile is told by the site.
int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* where = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, where, length) == 0) getsockname(fd, where, &length);
  close(fd);
  return ntohs(address.sin_port);
}

absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& words, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  // A signal is for this process; it ends the others itself, in order.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, kSelf, &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return ErrnoStatus(-error, "starting " + words[1]);
  return pid;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BenchLab>> BenchLab::Start(const std::string& directory,
                                                          const Interrupt& interrupt) {
  std::string own = directory + "/tidemark-bench-XXXXXX";
  if (mkdtemp(own.data()) == nullptr) return ErrnoStatus(-errno, "making a directory " + own);
  std::unique_ptr<BenchLab> lab(new BenchLab(own));
  absl::Status ready = lab->SetUp();
  if (ready.ok()) ready = lab->WaitReady(interrupt);
  if (!ready.ok()) return ready;
  return lab;
}

BenchLab::~BenchLab() {
  // The agent first: it ends its links in order.
  for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
    kill(*child, SIGTERM);
    waitpid(*child, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

absl::Status BenchLab::RunToEnd(const std::vector<std::string>& words) {
  const std::string log = directory_ + "/setup.log";
  const absl::StatusOr<pid_t> pid = Spawn(words, log);
  if (!pid.ok()) return pid.status();
  int state = 0;
  waitpid(*pid, &state, 0);
  if (WIFEXITED(state) && WEXITSTATUS(state) == 0) return absl::OkStatus();
  std::ifstream file(log);
  std::stringstream said;
  said << file.rdbuf();
  return absl::InternalError("setting the lab up: " + said.str());
}

absl::Status BenchLab::Launch(const std::vector<std::string>& words, const std::string& log) {
  const absl::StatusOr<pid_t> pid = Spawn(words, log);
  if (!pid.ok()) return pid.status();
  children_.push_back(*pid);
  return absl::OkStatus();
}

absl::Status BenchLab::SetUp() {
  const std::string authority = directory_ + "/ca";
  absl::Status done = RunToEnd({"tidemark", "setup", "ca", authority});
  std::vector<std::string> agent = {"tidemark",
                                    "setup",
                                    "agent",
                                    "--ca",
                                    authority,
                                    "--name",
                                    "agent",
                                    "--state",
                                    directory_ + "/agent",
                                    "--out",
                                    directory_ + "/agent",
                                    "--socket",
                                    socket(),
                                    "--allow-same-host"};
  for (const std::string site : kSites) {
    const std::string role = site == "w" ? "witness" : "primary";
    const std::string out = directory_ + "/" + site;
    const std::string control = absl::StrFormat("127.0.0.1:%d", FreePort());
    const std::string data = absl::StrFormat("127.0.0.1:%d", FreePort());
    if (done.ok()) {
      done = RunToEnd({"tidemark", "setup", "site", "--ca", authority, "--name", site, "--role",
                       role, "--out", out, "--store", out + "/store", "--listen", control,
                       "--data-listen", data});
    }
    if (done.ok())
      done = Launch({"tidemark", "site", "run", "--config", out + "/site.toml"}, out + "/log");
    agent.push_back("--site");
    agent.push_back(absl::StrFormat("%s=%s=%s", site, role, control));
  }
  if (done.ok()) done = RunToEnd(agent);
  if (!done.ok()) return done;
  const std::string config = directory_ + "/agent/agent.toml";
  return Launch({"tidemark", "agent", "run", "--config", config}, directory_ + "/agent/log");
}

absl::Status BenchLab::WaitReady(const Interrupt& interrupt) {
  const absl::Time until = absl::Now() + kReadyLimit;
  absl::Status why = absl::UnavailableError("the lab does not serve");
  while (absl::Now() < until) {
    const absl::StatusOr<std::string> answer =
        CallAgent(socket(), StatusCall{}, -1, interrupt, CallListener{});
    if (absl::IsCancelled(answer.status())) return answer.status();
    if (answer.ok()) {
      const absl::StatusOr<StatusReport> status = ParseStatusReport(*answer);
      if (!status.ok()) return status.status();
      bool ready = !status->vaults.empty() && status->vaults[0].state == "open";
      for (const SiteStatus& site : status->sites)
        ready = ready && site.state == "streaming" && site.durable_sequence.has_value();
      if (ready) return absl::OkStatus();
    } else {
      why = answer.status();
    }
    absl::SleepFor(absl::Milliseconds(50));
  }
  return why;
}

double BenchLab::CpuSeconds() const {
  double ticks = 0;
  for (const int child : children_) {
    std::ifstream file(absl::StrFormat("/proc/%d/stat", child));
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    ticks += user + system;
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace tidemark
