// tidemark report: a day or a month, from the books in the agent's state directory. The agent
// writes them each minute; it need not run.
#include "absl/time/clock.h"
#include "agent/cli/files.h"
#include "agent/cli/load.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/report/sla_report.h"

namespace tidemark {
namespace {

template <class Book>
absl::Status LoadBook(const std::string& path, Book* book) {
  const absl::StatusOr<std::string> text = ReadWholeFile(path);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();  // nothing was noted yet
  if (!text.ok()) return text.status();
  const absl::Status loaded = book->Load(*text);
  return loaded.ok() ? loaded : absl::DataLossError(path + ": " + std::string(loaded.message()));
}

std::string PeriodOf(const std::string& word, absl::Time now) {
  if (word == "daily") return absl::FormatTime("%Y-%m-%d", now, absl::UTCTimeZone());
  if (word == "monthly") return absl::FormatTime("%Y-%m", now, absl::UTCTimeZone());
  return word;
}

}  // namespace

int RunReport(const Arguments& arguments) {
  const absl::StatusOr<AgentConfig> config = LoadAgentConfig(arguments.config_or_default);
  if (!config.ok()) return Fail(arguments, config.status());
  UsageBook usage(config->sla.prices);
  IncidentBook incidents;
  DayBook days;
  absl::Status loaded = LoadBook(config->state + "/usage.json", &usage);
  if (loaded.ok()) loaded = LoadBook(config->state + "/incidents.json", &incidents);
  if (loaded.ok()) loaded = LoadBook(config->state + "/days.json", &days);
  if (!loaded.ok()) return Fail(arguments, loaded);
  const absl::Time now = absl::Now();
  const absl::StatusOr<SlaReport> report = MakeSlaReport(
      PeriodOf(arguments.period, now), config->name, now, days, incidents, usage, config->sla);
  if (!report.ok()) return Fail(arguments, report.status());
  if (arguments.json) return PrintJson(SlaReportJson(*report));
  return PrintText(arguments.html ? SlaReportPage(*report) : SlaReportText(*report));
}

}  // namespace tidemark
