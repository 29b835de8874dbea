// tidemark doctor: what this machine offers and what would keep an agent from working here.
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "agent/cli/client.h"
#include "agent/cli/files.h"
#include "agent/cli/load.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/io/uring_io.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

constexpr uint64_t kDescriptorsWanted = 4096;
constexpr uint64_t kLockedWanted = 256ull << 20;
constexpr uint64_t kFreeWanted = 1ull << 30;

struct Finding {
  std::string what;
  std::string state;  // ok | warn | error
  std::string text;
};
using Findings = std::vector<Finding>;

void LookAtKernel(Findings* findings) {
  const absl::StatusOr<std::unique_ptr<UringIo>> io = UringIo::Create(UringOptions{});
  if (io.ok()) {
    findings->push_back({"io_uring", "ok", (*io)->Describe()});
  } else {
    findings->push_back({"io_uring", "error", std::string(io.status().message())});
  }
}

void LookAtLimit(const char* what, int resource, uint64_t wanted, Findings* findings) {
  rlimit limit{};
  getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  const bool unlimited = limit.rlim_cur == RLIM_INFINITY;
  const bool enough = unlimited || limit.rlim_cur >= wanted;
  const std::string has = unlimited ? "unlimited" : std::to_string(limit.rlim_cur);
  findings->push_back({what, enough ? "ok" : "warn",
                       enough ? has : absl::StrFormat("%s; %d would be better", has, wanted)});
}

void LookAtClock(Findings* findings) {
  timex clock{};
  const int state = adjtimex(&clock);
  const bool synchronised = state >= 0 && state != TIME_ERROR;
  findings->push_back({"clock", synchronised ? "ok" : "warn",
                       synchronised ? "synchronised"
                                    : "not known to be synchronised: receipts state its time; run "
                                      "an NTP client"});
}

void LookAtSecret(const std::string& path, Findings* findings) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) {
    findings->push_back({path, "error", "cannot be looked at"});
  } else if ((found.st_mode & 077) != 0) {
    findings->push_back({path, "warn", "others may read it: chmod 600"});
  } else {
    findings->push_back({path, "ok", "readable by its owner only"});
  }
}

void LookAtConfig(const Arguments& arguments, Findings* findings) {
  if (arguments.config.empty() && !Exists(arguments.config_or_default)) {
    findings->push_back({"configuration", "warn", arguments.config_or_default + " is not there"});
    return;
  }
  const absl::StatusOr<AgentConfig> config = LoadAgentConfig(arguments.config_or_default);
  if (!config.ok()) {
    findings->push_back({"configuration", "error", std::string(config.status().message())});
    return;
  }
  findings->push_back({"configuration", "ok", config->path});
  LookAtSecret(config->key_file, findings);
  LookAtSecret(config->identity.private_key, findings);
  struct statvfs disk;
  if (statvfs(config->state.c_str(), &disk) == 0) {
    const uint64_t free_bytes = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
    findings->push_back(
        {"state", free_bytes >= kFreeWanted ? "ok" : "warn",
         config->state + ": " + FormatBytes(static_cast<double>(free_bytes)) + " free"});
  } else {
    findings->push_back({"state", "warn", config->state + " is not there yet"});
  }
}

void LookAtAgent(const Arguments& arguments, Findings* findings) {
  const Interrupt interrupt;
  const absl::StatusOr<std::string> answer =
      CallAgent(arguments.socket, StatusCall{}, -1, interrupt, CallListener{});
  if (!answer.ok()) {
    findings->push_back({"agent", "warn", std::string(answer.status().message())});
    return;
  }
  const absl::StatusOr<StatusReport> report = ParseStatusReport(*answer);
  if (!report.ok()) {
    findings->push_back({"agent", "error", std::string(report.status().message())});
    return;
  }
  findings->push_back({"agent", report->status, arguments.socket + " answers"});
  for (const HealthCode& code : report->codes)
    findings->push_back({code.code, code.severity, code.message});
}

}  // namespace

int RunDoctor(const Arguments& arguments) {
  Findings findings;
  LookAtKernel(&findings);
  LookAtLimit("descriptors", RLIMIT_NOFILE, kDescriptorsWanted, &findings);
  LookAtLimit("locked memory", RLIMIT_MEMLOCK, kLockedWanted, &findings);
  LookAtClock(&findings);
  LookAtConfig(arguments, &findings);
  LookAtAgent(arguments, &findings);
  bool wrong = false;
  std::vector<std::vector<std::string>> rows;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Finding& finding : findings) {
    wrong = wrong || finding.state == "error";
    rows.push_back({finding.state, finding.what, finding.text});
    json.push_back({{"what", finding.what}, {"state", finding.state}, {"text", finding.text}});
  }
  const int printed =
      arguments.json
          ? PrintJson(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
          : PrintText(Columns(rows));
  return wrong ? kExitConfig : printed;
}

}  // namespace tidemark
