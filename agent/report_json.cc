#include "agent/report_json.h"

#include "absl/strings/str_format.h"
#include "agent/failure.h"
#include "agent/report/json_fields.h"

namespace tidemark {
namespace {

Json PushFields(const PushReport& report) {
  return {{"archive", report.archive},
          {"version", report.version},
          {"vault", report.vault},
          {"sequence", report.sequence},
          {"committed_at", TimeOrNull(report.committed_at)},
          {"ack_mode", report.ack_mode},
          {"source_bytes", report.source_bytes},
          {"data_bytes", report.data_bytes},
          {"new_bytes", report.new_bytes},
          {"stored_bytes", report.stored_bytes},
          {"chunks", report.chunks},
          {"new_chunks", report.new_chunks},
          {"segments", report.segments},
          {"resumed_at_bytes", report.resumed_at_bytes},
          {"complete", report.complete}};
}

Json ErrorFields(const absl::Status& status) {
  const int exit = ExitOf(status);
  return {{"code", CodeWord(exit)},
          {"exit", exit},
          {"message", std::string(status.message())},
          {"hint", TextOrNull(HintOf(status))}};
}

bool ReadVersion(const Json* json, ListedVersion* version) {
  Fields fields(json);
  fields.Text("archive", &version->archive);
  fields.Count("version", &version->version);
  fields.Text("vault", &version->vault);
  fields.Time("committed_at", &version->committed_at);
  fields.Time("captured_at", &version->captured_at);
  fields.Count("source_bytes", &version->source_bytes);
  fields.Flag("complete", &version->complete);
  fields.Count("sequence", &version->sequence);
  return fields.ok();
}

bool ReadVerifiedSite(const Json* json, VerifyReport::Site* site) {
  Fields fields(json);
  fields.Text("name", &site->name);
  fields.Text("state", &site->state);
  fields.Count("records", &site->records);
  fields.Count("blocks", &site->blocks);
  fields.Count("found", &site->found);
  fields.Count("healed", &site->healed);
  fields.Texts("bad", &site->bad);
  fields.Texts("healed_places", &site->healed_places);
  return fields.ok();
}

}  // namespace

std::string ToJson(const PushReport& report) { return Dump(PushFields(report)); }

std::string ToJson(const PushReport& report, const absl::Status& failure) {
  Json json = PushFields(report);
  json["error"] = ErrorFields(failure);
  return Dump(json);
}

std::string ErrorJson(const absl::Status& status) {
  return Dump(Json{{"error", ErrorFields(status)}});
}

std::string ToJson(const RestoreReport& report) {
  const bool has_mtime = report.mtime_nanos != 0;
  return Dump({{"archive", report.archive},
               {"version", report.version},
               {"restored_bytes", report.restored_bytes},
               {"data_bytes", report.data_bytes},
               {"mode", report.mode},
               {"mtime_nanos", has_mtime ? Json(report.mtime_nanos) : Json(nullptr)},
               {"complete", report.complete}});
}

std::string ToJson(const std::vector<ListedVersion>& versions) {
  Json json = Json::array();
  for (const ListedVersion& version : versions) {
    json.push_back({{"archive", version.archive},
                    {"version", version.version},
                    {"vault", version.vault},
                    {"committed_at", TimeOrNull(version.committed_at)},
                    {"captured_at", TimeOrNull(version.captured_at)},
                    {"source_bytes", version.source_bytes},
                    {"complete", version.complete},
                    {"sequence", version.sequence}});
  }
  return Dump(json);
}

std::string ToJson(const VerifyReport& report) {
  Json sites = Json::array();
  for (const VerifyReport::Site& site : report.sites) {
    sites.push_back({{"name", site.name},
                     {"state", site.state},
                     {"records", site.records},
                     {"blocks", site.blocks},
                     {"found", site.found},
                     {"healed", site.healed},
                     {"bad", site.bad},
                     {"healed_places", site.healed_places}});
  }
  return Dump(
      {{"sites", sites}, {"versions_checked", report.versions_checked}, {"bad", report.bad}});
}

std::string ToJson(const ReplaceReport& report) {
  return Dump(
      {{"site", report.site}, {"lost_store", report.lost_store}, {"new_store", report.new_store}});
}

absl::StatusOr<ReplaceReport> ParseReplaceReport(const std::string& text) {
  const Json json = ParseOrNull(text);
  ReplaceReport report;
  Fields fields(&json);
  fields.Text("site", &report.site);
  fields.Text("lost_store", &report.lost_store);
  fields.Text("new_store", &report.new_store);
  if (!fields.ok()) return NotUnderstood("replace report");
  return report;
}

absl::StatusOr<PushReport> ParsePushReport(const std::string& text) {
  const Json json = ParseOrNull(text);
  PushReport report;
  Fields fields(&json);
  fields.Text("archive", &report.archive);
  fields.Count("version", &report.version);
  fields.Text("vault", &report.vault);
  fields.Count("sequence", &report.sequence);
  fields.Time("committed_at", &report.committed_at);
  fields.Text("ack_mode", &report.ack_mode);
  fields.Count("source_bytes", &report.source_bytes);
  fields.Count("data_bytes", &report.data_bytes);
  fields.Count("new_bytes", &report.new_bytes);
  fields.Count("stored_bytes", &report.stored_bytes);
  fields.Count("chunks", &report.chunks);
  fields.Count("new_chunks", &report.new_chunks);
  fields.Count("segments", &report.segments);
  fields.Count("resumed_at_bytes", &report.resumed_at_bytes);
  fields.Flag("complete", &report.complete);
  if (!fields.ok()) return NotUnderstood("push report");
  return report;
}

absl::StatusOr<RestoreReport> ParseRestoreReport(const std::string& text) {
  const Json json = ParseOrNull(text);
  RestoreReport report;
  Fields fields(&json);
  std::optional<int64_t> mtime_nanos;
  fields.Text("archive", &report.archive);
  fields.Count("version", &report.version);
  fields.Count("restored_bytes", &report.restored_bytes);
  fields.Count("data_bytes", &report.data_bytes);
  fields.Count("mode", &report.mode);
  fields.Optional("mtime_nanos", &mtime_nanos);
  fields.Flag("complete", &report.complete);
  report.mtime_nanos = mtime_nanos.value_or(0);
  if (!fields.ok()) return NotUnderstood("restore report");
  return report;
}

absl::StatusOr<std::vector<ListedVersion>> ParseVersions(const std::string& text) {
  const Json json = ParseOrNull(text);
  std::vector<ListedVersion> versions;
  bool ok = json.is_array();
  for (size_t i = 0; ok && i < json.size(); ++i)
    ok = ReadVersion(&json[i], &versions.emplace_back());
  if (!ok) return NotUnderstood("list");
  return versions;
}

absl::StatusOr<VerifyReport> ParseVerifyReport(const std::string& text) {
  const Json json = ParseOrNull(text);
  VerifyReport report;
  bool ok = true;
  Fields fields(&json);
  for (const Json* site : fields.Entries("sites"))
    ok = ok && ReadVerifiedSite(site, &report.sites.emplace_back());
  fields.Count("versions_checked", &report.versions_checked);
  fields.Texts("bad", &report.bad);
  if (!ok || !fields.ok()) return NotUnderstood("verify report");
  return report;
}

std::string Indented(const std::string& json) {
  const Json parsed = Json::parse(json, nullptr, false);
  return parsed.is_discarded() ? json : Dump(parsed, 2);
}

}  // namespace tidemark
