#include "agent/status_pages.h"

#include "agent/report/dashboard.h"
#include "agent/report/json_fields.h"
#include "agent/report/metrics_text.h"
#include "agent/report/push_service.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";

HttpAnswer JsonAnswer(int code, const Json& json) {
  return {code, "application/json", Dump(json) + "\n"};
}

HttpAnswer Health(absl::Duration age) {
  const bool alive = age <= kSnapshotAgeMax;
  return JsonAnswer(alive ? 200 : 503, {{"status", alive ? "ok" : "stalled"},
                                        {"snapshot_age_seconds", absl::ToDoubleSeconds(age)}});
}

HttpAnswer Readiness(const StatusReport& report, absl::Duration age) {
  std::vector<std::string> reasons = NotReadyReasons(report);
  if (age > kSnapshotAgeMax) reasons.push_back("STALLED: the agent's loop stands still");
  return JsonAnswer(reasons.empty() ? 200 : 503,
                    {{"ready", reasons.empty()}, {"reasons", reasons}});
}

HttpAnswer Metrics(const StatusSnapshot& snapshot, absl::Duration age) {
  MetricsText text;
  AddStatus(snapshot.report, age, &text);
  return {200, kPrometheusText, text.Take() + snapshot.more_metrics};
}

Json Rounded(const std::optional<float>& value) {
  if (!value.has_value()) return nullptr;
  const double number = *value;  // four digits are plenty for a line
  const double scale = number < 0.1 ? 1e6 : number < 100 ? 1e3 : 1;
  return static_cast<double>(static_cast<int64_t>(number * scale + 0.5)) / scale;
}

Json SeriesFields(const History::Series& series) {
  Json sites = Json::array();
  for (const auto& [name, steps] : series.sites) {
    Json points = Json::array();
    for (const History::Step& step : steps) {
      points.push_back({Rounded(step.lag), Rounded(step.rpo), Rounded(step.ack_p99),
                        Rounded(step.write_iops), Rounded(step.read_iops), Rounded(step.bytes_in),
                        Rounded(step.bytes_out)});
    }
    sites.push_back({{"name", name}, {"points", points}});
  }
  return {{"step_seconds", absl::ToDoubleSeconds(series.step)},
          {"steps", History::kSteps},
          {"newest", TimeOrNull(series.newest)},
          {"point",
           {"replication_lag_seconds", "rpo_actual_seconds", "ack_p99_seconds", "write_iops",
            "read_iops", "write_bytes_per_second", "read_bytes_per_second"}},
          {"sites", sites}};
}

HttpAnswer HistoryAnswer(const StatusSnapshot& snapshot) {
  if (snapshot.history == nullptr) return JsonAnswer(200, {{"fine", nullptr}, {"coarse", nullptr}});
  return JsonAnswer(200, {{"fine", SeriesFields(snapshot.history->fine())},
                          {"coarse", SeriesFields(snapshot.history->coarse())}});
}

}  // namespace

HttpAnswer AnswerPage(const StatusSnapshot& snapshot, const std::string& path, absl::Duration age) {
  if (path == "/") return {200, kHtml, kDashboardPage};
  if (path == "/healthz") return Health(age);
  if (path == "/readyz") return Readiness(snapshot.report, age);
  if (path == "/metrics") return Metrics(snapshot, age);
  if (path == "/status")
    return {200, "application/json", ToJson(Aged(snapshot.report, age)) + "\n"};
  if (path == "/history") return HistoryAnswer(snapshot);
  if (path == "/version") {
    return JsonAnswer(200,
                      {{"software", snapshot.report.software}, {"agent", snapshot.report.agent}});
  }
  if (snapshot.reports != nullptr && path == "/report/daily")
    return {200, kHtml, snapshot.reports->daily};
  if (snapshot.reports != nullptr && path == "/report/monthly")
    return {200, kHtml, snapshot.reports->monthly};
  if (path == "/network-metrics" && !snapshot.network_metrics.empty())
    return {200, "application/json", snapshot.network_metrics + "\n"};
  return JsonAnswer(404, {{"error",
                           {{"code", "not_found"},
                            {"message",
                             "pages: / /healthz /readyz /metrics /network-metrics "
                             "/status /history /report/daily /report/monthly /version"}}}});
}

}  // namespace tidemark
