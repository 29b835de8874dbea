#include "agent/report_json.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "agent/failure.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;

// A message may hold bytes that are not UTF-8 (a path): they become U+FFFD.
std::string Dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

template <class T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}
Json TimeOrNull(absl::Time time) {
  return time == absl::UnixEpoch() || time == absl::InfinitePast() ? Json(nullptr)
                                                                   : Json(FormatRfc3339(time));
}
Json TextOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

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

Json SiteFields(const SiteStatus& site) {
  return {{"name", site.name},
          {"role", site.role},
          {"state", site.state},
          {"durable_sequence", OrNull(site.durable_sequence)},
          {"replication_lag_seconds", OrNull(site.replication_lag_seconds)},
          {"rpo_actual_seconds", OrNull(site.rpo_actual_seconds)},
          {"rpo_target_seconds", OrNull(site.rpo_target_seconds)},
          {"pending_bytes", site.pending_bytes},
          {"iops", OrNull(site.iops)},
          {"commits_per_second", OrNull(site.commits_per_second)},
          {"bytes_per_second", OrNull(site.bytes_per_second)},
          {"ack_p50_seconds", OrNull(site.ack_p50_seconds)},
          {"ack_p99_seconds", OrNull(site.ack_p99_seconds)},
          {"clock_skew_seconds", OrNull(site.clock_skew_seconds)},
          {"last_error", TextOrNull(site.last_error)}};
}

// Reads fields and remembers whether all were there and of the right type.
class Fields {
 public:
  explicit Fields(const Json* json) : json_(json) {}
  void Text(const char* key, std::string* value) {
    const Json* found = Find(key);
    if (found == nullptr || found->is_null()) return;
    if (found->is_string()) *value = found->get<std::string>();
    ok_ = ok_ && found->is_string();
  }
  template <class Number>
  void Count(const char* key, Number* value) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    const bool is_number = found->is_number_integer();
    if (is_number) *value = found->get<Number>();
    ok_ = ok_ && is_number;
  }
  template <class T>
  void Optional(const char* key, std::optional<T>* value) {
    const Json* found = Find(key);
    if (found == nullptr || found->is_null()) return;
    if (found->is_number()) *value = found->get<T>();
    ok_ = ok_ && found->is_number();
  }
  void Flag(const char* key, bool* value) {
    const Json* found = Find(key);
    if (found == nullptr) return;
    if (found->is_boolean()) *value = found->get<bool>();
    ok_ = ok_ && found->is_boolean();
  }
  void Time(const char* key, absl::Time* value) {
    std::string text;
    Text(key, &text);
    if (text.empty()) return;
    const absl::StatusOr<absl::Time> time = ParseRfc3339(text);
    ok_ = ok_ && time.ok();
    if (time.ok()) *value = *time;
  }
  // The entries of an array; none when it is not one.
  std::vector<const Json*> Entries(const char* key) {
    std::vector<const Json*> entries;
    const Json* found = Find(key);
    if (found == nullptr) return entries;
    ok_ = ok_ && found->is_array();
    if (!found->is_array()) return entries;
    for (const Json& entry : *found) entries.push_back(&entry);
    return entries;
  }
  bool ok() const { return ok_; }

 private:
  const Json* Find(const char* key) {
    if (!json_->is_object() || !json_->contains(key)) {
      ok_ = false;
      return nullptr;
    }
    return &json_->at(key);
  }
  const Json* json_;
  bool ok_ = true;
};

absl::Status NotUnderstood(const char* what) {
  return WithHint(absl::InternalError(absl::StrFormat("the agent's answer is no %s", what)),
                  "agent and command line must be of the same version: compare `tidemark version` "
                  "and restart the agent");
}

Json ParseOrNull(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(nullptr) : json;
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

bool ReadSite(const Json* json, SiteStatus* site) {
  Fields fields(json);
  fields.Text("name", &site->name);
  fields.Text("role", &site->role);
  fields.Text("state", &site->state);
  fields.Optional("durable_sequence", &site->durable_sequence);
  fields.Optional("replication_lag_seconds", &site->replication_lag_seconds);
  fields.Optional("rpo_actual_seconds", &site->rpo_actual_seconds);
  fields.Optional("rpo_target_seconds", &site->rpo_target_seconds);
  fields.Count("pending_bytes", &site->pending_bytes);
  fields.Optional("iops", &site->iops);
  fields.Optional("commits_per_second", &site->commits_per_second);
  fields.Optional("bytes_per_second", &site->bytes_per_second);
  fields.Optional("ack_p50_seconds", &site->ack_p50_seconds);
  fields.Optional("ack_p99_seconds", &site->ack_p99_seconds);
  fields.Optional("clock_skew_seconds", &site->clock_skew_seconds);
  fields.Text("last_error", &site->last_error);
  return fields.ok();
}

bool ReadVault(const Json* json, VaultStatus* vault) {
  Fields fields(json);
  fields.Text("name", &vault->name);
  fields.Text("state", &vault->state);
  fields.Count("committed_sequence", &vault->committed_sequence);
  fields.Count("source_bytes", &vault->source_bytes);
  fields.Count("stored_bytes", &vault->stored_bytes);
  fields.Optional("dedup_ratio", &vault->dedup_ratio);
  fields.Count("archives", &vault->archives);
  fields.Count("epoch", &vault->epoch);
  return fields.ok();
}

bool ReadHealthCode(const Json* json, HealthCode* code) {
  Fields fields(json);
  fields.Text("code", &code->code);
  fields.Text("severity", &code->severity);
  fields.Text("message", &code->message);
  fields.Text("hint", &code->hint);
  return fields.ok();
}

bool ReadHealth(const Json& json, StatusReport* report) {
  if (!json.is_object() || !json.contains("health")) return false;
  Fields health(&json.at("health"));
  health.Text("status", &report->status);
  for (const Json* entry : health.Entries("codes")) {
    if (!ReadHealthCode(entry, &report->codes.emplace_back())) return false;
  }
  return health.ok();
}

bool ReadVerifiedSite(const Json* json, VerifyReport::Site* site) {
  Fields fields(json);
  fields.Text("name", &site->name);
  fields.Text("state", &site->state);
  fields.Count("records", &site->records);
  fields.Count("blocks", &site->blocks);
  for (const Json* bad : fields.Entries("bad")) {
    if (!bad->is_string()) return false;
    site->bad.push_back(bad->get<std::string>());
  }
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

std::string ToJson(const StatusReport& report) {
  Json codes = Json::array(), sites = Json::array(), vaults = Json::array();
  for (const HealthCode& code : report.codes) {
    codes.push_back({{"code", code.code},
                     {"severity", code.severity},
                     {"message", code.message},
                     {"hint", TextOrNull(code.hint)}});
  }
  for (const SiteStatus& site : report.sites) sites.push_back(SiteFields(site));
  for (const VaultStatus& vault : report.vaults) {
    vaults.push_back({{"name", vault.name},
                      {"state", vault.state},
                      {"committed_sequence", vault.committed_sequence},
                      {"source_bytes", vault.source_bytes},
                      {"stored_bytes", vault.stored_bytes},
                      {"dedup_ratio", OrNull(vault.dedup_ratio)},
                      {"archives", vault.archives},
                      {"epoch", vault.epoch}});
  }
  return Dump({{"health", {{"status", report.status}, {"codes", codes}}},
               {"sites", sites},
               {"vaults", vaults},
               {"agent", report.agent},
               {"software", report.software},
               {"at", TimeOrNull(report.at)},
               {"pushes_running", report.pushes_running},
               {"loop_stalls", report.loop_stalls},
               {"longest_stall_seconds", report.longest_stall_seconds}});
}

std::string ToJson(const VerifyReport& report) {
  Json sites = Json::array();
  for (const VerifyReport::Site& site : report.sites) {
    sites.push_back({{"name", site.name},
                     {"state", site.state},
                     {"records", site.records},
                     {"blocks", site.blocks},
                     {"bad", site.bad}});
  }
  return Dump({{"sites", sites}, {"versions_checked", report.versions_checked}});
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

absl::StatusOr<StatusReport> ParseStatusReport(const std::string& text) {
  const Json json = ParseOrNull(text);
  StatusReport report;
  bool ok = ReadHealth(json, &report);
  Fields fields(&json);
  for (const Json* site : fields.Entries("sites"))
    ok = ok && ReadSite(site, &report.sites.emplace_back());
  for (const Json* vault : fields.Entries("vaults"))
    ok = ok && ReadVault(vault, &report.vaults.emplace_back());
  fields.Text("agent", &report.agent);
  fields.Text("software", &report.software);
  fields.Time("at", &report.at);
  fields.Count("pushes_running", &report.pushes_running);
  fields.Count("loop_stalls", &report.loop_stalls);
  std::optional<double> longest_stall;
  fields.Optional("longest_stall_seconds", &longest_stall);
  report.longest_stall_seconds = longest_stall.value_or(0);
  if (!ok || !fields.ok()) return NotUnderstood("status");
  return report;
}

absl::StatusOr<VerifyReport> ParseVerifyReport(const std::string& text) {
  const Json json = ParseOrNull(text);
  VerifyReport report;
  bool ok = true;
  Fields fields(&json);
  for (const Json* site : fields.Entries("sites"))
    ok = ok && ReadVerifiedSite(site, &report.sites.emplace_back());
  fields.Count("versions_checked", &report.versions_checked);
  if (!ok || !fields.ok()) return NotUnderstood("verify report");
  return report;
}

std::string Indented(const std::string& json) {
  const Json parsed = Json::parse(json, nullptr, false);
  return parsed.is_discarded() ? json : Dump(parsed, 2);
}

std::string FormatRfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

absl::StatusOr<absl::Time> ParseRfc3339(const std::string& text) {
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
  return absl::InvalidArgumentError(absl::StrFormat(
      "'%s' is no RFC 3339 time: write 2026-11-21T07:30:00Z or 2026-11-21T08:30:00+01:00", text));
}

}  // namespace tidemark
