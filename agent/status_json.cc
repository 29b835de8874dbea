// The status report as JSON, and back.
#include "agent/failure.h"
#include "agent/report/json_fields.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

Json ScrubFields(const std::optional<ScrubStatus>& scrub) {
  if (!scrub.has_value()) return nullptr;
  const std::optional<absl::Time>& last = scrub->last_full_pass;
  return {{"covered_share", scrub->covered_share},
          {"last_full_pass", last.has_value() ? TimeOrNull(*last) : Json(nullptr)},
          {"passes", scrub->passes},
          {"period_seconds", scrub->period_seconds},
          {"bytes_per_second", scrub->bytes_per_second},
          {"blocks_bad", scrub->bad},
          {"blocks_healed", scrub->healed},
          {"blocks_found", scrub->found},
          {"worst", TextOrNull(scrub->worst)}};
}

Json RateFields(const IoRates& rates) {
  return {{"write_iops", OrNull(rates.write_iops)},
          {"read_iops", OrNull(rates.read_iops)},
          {"write_bytes_per_second", OrNull(rates.write_bytes_per_second)},
          {"read_bytes_per_second", OrNull(rates.read_bytes_per_second)}};
}

Json SiteFields(const SiteStatus& site) {
  return {{"name", site.name},
          {"role", site.role},
          {"state", site.state},
          {"connected", site.connected},
          {"durable_sequence", OrNull(site.durable_sequence)},
          {"replication_lag_seconds", OrNull(site.replication_lag_seconds)},
          {"rpo_actual_seconds", OrNull(site.rpo_actual_seconds)},
          {"rpo_target_seconds", OrNull(site.rpo_target_seconds)},
          {"breach_in_seconds", OrNull(site.breach_in_seconds)},
          {"pending_bytes", site.pending_bytes},
          {"iops", OrNull(site.iops)},
          {"commits_per_second", OrNull(site.commits_per_second)},
          {"bytes_per_second", OrNull(site.bytes_per_second)},
          {"rates", RateFields(site.rates)},
          {"ack_p50_seconds", OrNull(site.ack_p50_seconds)},
          {"ack_p99_seconds", OrNull(site.ack_p99_seconds)},
          {"clock_skew_seconds", OrNull(site.clock_skew_seconds)},
          {"store_bytes", OrNull(site.store_bytes)},
          {"store_free_bytes", OrNull(site.store_free_bytes)},
          {"store_disk_bytes", OrNull(site.store_disk_bytes)},
          {"store_full_in_seconds", OrNull(site.store_full_in_seconds)},
          {"rate_limit_bytes_per_second", OrNull(site.rate_limit_bytes_per_second)},
          {"shares_host_with", site.shares_host_with},
          {"scrub", ScrubFields(site.scrub)},
          {"last_error", TextOrNull(site.last_error)}};
}

Json VaultFields(const VaultStatus& vault) {
  Json sites = Json::array();
  for (const VaultSiteStatus& site : vault.sites) {
    sites.push_back({{"name", site.name},
                     {"state", site.state},
                     {"replication_lag_seconds", OrNull(site.replication_lag_seconds)},
                     {"rpo_actual_seconds", OrNull(site.rpo_actual_seconds)},
                     {"breach_in_seconds", OrNull(site.breach_in_seconds)},
                     {"pending_bytes", site.pending_bytes},
                     {"minutes_missed_30d", OrNull(site.minutes_missed)},
                     {"minutes_unknown_30d", OrNull(site.minutes_unknown)},
                     {"share_within_target_30d", OrNull(site.share_within_target)},
                     {"rates", RateFields(site.rates)}});
  }
  return {{"name", vault.name},
          {"state", vault.state},
          {"trouble", TextOrNull(vault.trouble)},
          {"index_trouble", TextOrNull(vault.index_trouble)},
          {"class", vault.data_class},
          {"chunk_bytes_min", OrNull(vault.chunk_bytes_min)},
          {"chunk_bytes_average", OrNull(vault.chunk_bytes_average)},
          {"chunk_bytes_max", OrNull(vault.chunk_bytes_max)},
          {"rpo_target_seconds", OrNull(vault.rpo_target_seconds)},
          {"rpo_policy", vault.rpo_policy},
          {"admission", vault.admission},
          {"tier", TextOrNull(vault.tier)},
          {"tier_enforced", vault.tier_enforced},
          {"copies_available", vault.copies_available},
          {"copies_expected", vault.copies_expected},
          {"committed_sequence", vault.committed_sequence},
          {"source_bytes", vault.source_bytes},
          {"stored_bytes", vault.stored_bytes},
          {"dedup_ratio", OrNull(vault.dedup_ratio)},
          {"restored_bytes", vault.restored_bytes},
          {"restores_running", vault.restores_running},
          {"archives", vault.archives},
          {"epoch", vault.epoch},
          {"ack_mode", vault.ack_mode},
          {"commit_p50_seconds", OrNull(vault.commit_p50_seconds)},
          {"commit_p99_seconds", OrNull(vault.commit_p99_seconds)},
          {"sites", sites}};
}

bool ReadScrub(const Json* json, std::optional<ScrubStatus>* scrub) {
  if (json->is_null()) return true;
  Fields fields(json);
  ScrubStatus read;
  std::optional<double> share;
  absl::Time last = absl::InfinitePast();
  fields.Optional("covered_share", &share);
  fields.Time("last_full_pass", &last);
  fields.Count("passes", &read.passes);
  fields.Count("period_seconds", &read.period_seconds);
  fields.Count("bytes_per_second", &read.bytes_per_second);
  fields.Count("blocks_bad", &read.bad);
  fields.Count("blocks_healed", &read.healed);
  fields.Count("blocks_found", &read.found);
  fields.Text("worst", &read.worst);
  read.covered_share = share.value_or(0);
  if (last != absl::InfinitePast()) read.last_full_pass = last;
  *scrub = std::move(read);
  return fields.ok();
}

bool ReadRates(const Json* json, IoRates* rates) {
  if (!json->is_object() || !json->contains("rates")) return false;
  Fields fields(&json->at("rates"));
  fields.Optional("write_iops", &rates->write_iops);
  fields.Optional("read_iops", &rates->read_iops);
  fields.Optional("write_bytes_per_second", &rates->write_bytes_per_second);
  fields.Optional("read_bytes_per_second", &rates->read_bytes_per_second);
  return fields.ok();
}

bool ReadSite(const Json* json, SiteStatus* site) {
  Fields fields(json);
  fields.Text("name", &site->name);
  fields.Text("role", &site->role);
  fields.Text("state", &site->state);
  fields.Flag("connected", &site->connected);
  fields.Optional("durable_sequence", &site->durable_sequence);
  fields.Optional("replication_lag_seconds", &site->replication_lag_seconds);
  fields.Optional("rpo_actual_seconds", &site->rpo_actual_seconds);
  fields.Optional("rpo_target_seconds", &site->rpo_target_seconds);
  fields.Optional("breach_in_seconds", &site->breach_in_seconds);
  fields.Count("pending_bytes", &site->pending_bytes);
  fields.Optional("iops", &site->iops);
  fields.Optional("commits_per_second", &site->commits_per_second);
  fields.Optional("bytes_per_second", &site->bytes_per_second);
  fields.Optional("ack_p50_seconds", &site->ack_p50_seconds);
  fields.Optional("ack_p99_seconds", &site->ack_p99_seconds);
  fields.Optional("clock_skew_seconds", &site->clock_skew_seconds);
  fields.Optional("store_bytes", &site->store_bytes);
  fields.Optional("store_free_bytes", &site->store_free_bytes);
  fields.Optional("store_disk_bytes", &site->store_disk_bytes);
  fields.Optional("store_full_in_seconds", &site->store_full_in_seconds);
  fields.Optional("rate_limit_bytes_per_second", &site->rate_limit_bytes_per_second);
  fields.Texts("shares_host_with", &site->shares_host_with);
  fields.Text("last_error", &site->last_error);
  return fields.ok() && ReadRates(json, &site->rates) && json->contains("scrub") &&
         ReadScrub(&json->at("scrub"), &site->scrub);
}

bool ReadVaultSite(const Json* json, VaultSiteStatus* site) {
  Fields fields(json);
  fields.Text("name", &site->name);
  if (fields.Has("state")) fields.Text("state", &site->state);  // older agents do not say it
  fields.Optional("replication_lag_seconds", &site->replication_lag_seconds);
  fields.Optional("rpo_actual_seconds", &site->rpo_actual_seconds);
  fields.Optional("breach_in_seconds", &site->breach_in_seconds);
  fields.Count("pending_bytes", &site->pending_bytes);
  fields.Optional("minutes_missed_30d", &site->minutes_missed);
  fields.Optional("minutes_unknown_30d", &site->minutes_unknown);
  fields.Optional("share_within_target_30d", &site->share_within_target);
  return fields.ok() && ReadRates(json, &site->rates);
}

bool ReadVault(const Json* json, VaultStatus* vault) {
  Fields fields(json);
  fields.Text("name", &vault->name);
  fields.Text("state", &vault->state);
  fields.Text("trouble", &vault->trouble);
  fields.Text("index_trouble", &vault->index_trouble);
  fields.Text("class", &vault->data_class);
  fields.Optional("chunk_bytes_min", &vault->chunk_bytes_min);
  fields.Optional("chunk_bytes_average", &vault->chunk_bytes_average);
  fields.Optional("chunk_bytes_max", &vault->chunk_bytes_max);
  fields.Optional("rpo_target_seconds", &vault->rpo_target_seconds);
  fields.Text("rpo_policy", &vault->rpo_policy);
  fields.Text("admission", &vault->admission);
  fields.Text("tier", &vault->tier);
  fields.Flag("tier_enforced", &vault->tier_enforced);
  fields.Count("copies_available", &vault->copies_available);
  fields.Count("copies_expected", &vault->copies_expected);
  fields.Count("committed_sequence", &vault->committed_sequence);
  fields.Count("source_bytes", &vault->source_bytes);
  fields.Count("stored_bytes", &vault->stored_bytes);
  fields.Optional("dedup_ratio", &vault->dedup_ratio);
  fields.Count("restored_bytes", &vault->restored_bytes);
  fields.Count("restores_running", &vault->restores_running);
  fields.Count("archives", &vault->archives);
  fields.Count("epoch", &vault->epoch);
  fields.Text("ack_mode", &vault->ack_mode);
  fields.Optional("commit_p50_seconds", &vault->commit_p50_seconds);
  fields.Optional("commit_p99_seconds", &vault->commit_p99_seconds);
  bool ok = true;
  for (const Json* site : fields.Entries("sites"))
    ok = ReadVaultSite(site, &vault->sites.emplace_back()) && ok;
  return ok && fields.ok();
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

}  // namespace

std::string ToJson(const StatusReport& report) {
  Json codes = Json::array(), sites = Json::array(), vaults = Json::array();
  Json events = Json::array();
  for (const HealthCode& code : report.codes) {
    codes.push_back({{"code", code.code},
                     {"severity", code.severity},
                     {"message", code.message},
                     {"hint", TextOrNull(code.hint)}});
  }
  for (const SiteStatus& site : report.sites) sites.push_back(SiteFields(site));
  for (const VaultStatus& vault : report.vaults) vaults.push_back(VaultFields(vault));
  for (const StatusEvent& event : report.events)
    events.push_back({{"at", TimeOrNull(event.at)}, {"what", event.what}, {"text", event.text}});
  return Dump({{"health", {{"status", report.status}, {"codes", codes}}},
               {"sites", sites},
               {"vaults", vaults},
               {"events", events},
               {"agent", report.agent},
               {"software", report.software},
               {"at", TimeOrNull(report.at)},
               {"status_url", TextOrNull(report.status_url)},
               {"status_trouble", TextOrNull(report.status_trouble)},
               {"same_host_allowed", report.same_host_allowed},
               {"cpu_share", OrNull(report.load.cpu_share)},
               {"memory_share", OrNull(report.load.memory_share)},
               {"resident_bytes", OrNull(report.load.resident_bytes)},
               {"cpu_percent_max", report.load.cpu_percent_max},
               {"memory_percent_max", report.load.memory_percent_max},
               {"pushes_running", report.pushes_running},
               {"loop_stalls", report.loop_stalls},
               {"longest_stall_seconds", report.longest_stall_seconds}});
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
  for (const Json* entry : fields.Entries("events")) {
    Fields event(entry);
    StatusEvent& read = report.events.emplace_back();
    event.Time("at", &read.at);
    event.Text("what", &read.what);
    event.Text("text", &read.text);
    ok = ok && event.ok();
  }
  fields.Text("status_url", &report.status_url);
  fields.Text("status_trouble", &report.status_trouble);
  fields.Flag("same_host_allowed", &report.same_host_allowed);
  fields.Text("agent", &report.agent);
  fields.Text("software", &report.software);
  fields.Time("at", &report.at);
  fields.Optional("cpu_share", &report.load.cpu_share);
  fields.Optional("memory_share", &report.load.memory_share);
  fields.Optional("resident_bytes", &report.load.resident_bytes);
  fields.Count("cpu_percent_max", &report.load.cpu_percent_max);
  fields.Count("memory_percent_max", &report.load.memory_percent_max);
  fields.Count("pushes_running", &report.pushes_running);
  fields.Count("loop_stalls", &report.loop_stalls);
  std::optional<double> longest_stall;
  fields.Optional("longest_stall_seconds", &longest_stall);
  report.longest_stall_seconds = longest_stall.value_or(0);
  if (!ok || !fields.ok()) return NotUnderstood("status");
  return report;
}

}  // namespace tidemark
