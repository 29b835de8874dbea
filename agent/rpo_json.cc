#include "agent/rpo_json.h"

#include "agent/failure.h"
#include "agent/report/json_fields.h"

namespace tidemark {
namespace {

const char* KindName(LedgerInterval::Kind kind) {
  constexpr const char* kNames[] = {"", "breach", "unknown", "absent", "quorum"};
  return kNames[static_cast<size_t>(kind)];
}

LedgerInterval::Kind KindOf(const std::string& name) {
  for (uint8_t kind = 1; kind <= 4; ++kind) {
    if (name == KindName(static_cast<LedgerInterval::Kind>(kind)))
      return static_cast<LedgerInterval::Kind>(kind);
  }
  return LedgerInterval::Kind::kUnknown;
}

Json FiguresFields(const LagFigures& figures) {
  return {{"worst_nanos", figures.worst},
          {"p50_nanos", figures.p50},
          {"p90_nanos", figures.p90},
          {"p99_nanos", figures.p99},
          {"p999_nanos", figures.p999}};
}

Json IntervalFields(const LedgerInterval& interval) {
  return {{"kind", KindName(interval.kind)},
          {"from_nanos", interval.from},
          {"to_nanos", interval.to},
          {"worst_nanos", interval.worst}};
}

Json SiteFields(const SiteLedger& site) {
  Json intervals = Json::array();
  for (const LedgerInterval& interval : site.intervals)
    intervals.push_back(IntervalFields(interval));
  return {{"site", site.site},
          {"replication_lag", FiguresFields(site.lag)},
          {"rpo", FiguresFields(site.rpo)},
          {"known_nanos", site.known},
          {"unknown_nanos", site.unknown},
          {"above_target_nanos", site.above},
          {"minutes_missed", site.minutes_missed},
          {"bytes", site.bytes},
          {"bytes_within_target", site.bytes_within},
          {"intervals", intervals},
          {"intervals_left_out", site.intervals_left_out}};
}

Json VaultFields(const VaultLedger& vault) {
  Json sites = Json::array(), modes = Json::array(), epochs = Json::array();
  Json quorum = Json::array();
  for (const SiteLedger& site : vault.sites) sites.push_back(SiteFields(site));
  for (const ModeFact& mode : vault.modes) {
    modes.push_back({{"at_nanos", mode.at},
                     {"mode", mode.is_quorum ? "quorum" : "strict"},
                     {"reason", mode.reason}});
  }
  for (const EpochFact& epoch : vault.epochs)
    epochs.push_back({{"at_nanos", epoch.at}, {"epoch", epoch.epoch}});
  for (const LedgerInterval& interval : vault.quorum) quorum.push_back(IntervalFields(interval));
  return {{"vault", vault.name},
          {"id", vault.vault.hex()},
          {"target_nanos", vault.target},
          {"checkpoints", vault.checkpoints},
          {"sites", sites},
          {"mode_changes", modes},
          {"epochs", epochs},
          {"quorum_intervals", quorum}};
}

Json LedgerFields(const LedgerReport& ledger) {
  Json vaults = Json::array();
  for (const VaultLedger& vault : ledger.vaults) vaults.push_back(VaultFields(vault));
  return {{"since_nanos", ledger.since},
          {"until_nanos", ledger.until},
          {"proved", "which records each site held, in which order, between which checkpoints"},
          {"agents_word", "when data was captured; bounded above by the sites' clocks"},
          {"vaults", vaults}};
}

Json FigureRow(const RpoFigures& row) {
  return {{"vault", row.vault},
          {"class", row.data_class},
          {"site", row.site},
          {"role", row.is_primary ? "primary" : "witness"},
          {"rpo_target_seconds", row.target_seconds},
          {"replication_lag_seconds", OrNull(row.lag_seconds)},
          {"rpo_actual_seconds", OrNull(row.rpo_seconds)},
          {"proved_lag_seconds", OrNull(row.proved_lag_seconds)},
          {"proved_rpo_seconds", OrNull(row.proved_rpo_seconds)},
          {"minutes_met_30d", row.minutes_met},
          {"minutes_missed_30d", row.minutes_missed},
          {"minutes_unknown_30d", row.minutes_unknown},
          {"share_within_target", OrNull(row.share_within_target)},
          {"breach_in_seconds", OrNull(row.breach_in_seconds)}};
}

void ReadFigures(const Json* json, LagFigures* figures, bool* sound) {
  Fields fields(json);
  fields.Count("worst_nanos", &figures->worst);
  fields.Count("p50_nanos", &figures->p50);
  fields.Count("p90_nanos", &figures->p90);
  fields.Count("p99_nanos", &figures->p99);
  fields.Count("p999_nanos", &figures->p999);
  *sound &= fields.ok();
}

LedgerInterval ReadInterval(const Json* json, bool* sound) {
  LedgerInterval interval;
  std::string kind;
  Fields fields(json);
  fields.Text("kind", &kind);
  fields.Count("from_nanos", &interval.from);
  fields.Count("to_nanos", &interval.to);
  fields.Count("worst_nanos", &interval.worst);
  interval.kind = KindOf(kind);
  *sound &= fields.ok();
  return interval;
}

SiteLedger ReadSite(const Json* json, bool* sound) {
  SiteLedger site;
  Fields fields(json);
  fields.Text("site", &site.site);
  fields.Count("known_nanos", &site.known);
  fields.Count("unknown_nanos", &site.unknown);
  fields.Count("above_target_nanos", &site.above);
  fields.Count("minutes_missed", &site.minutes_missed);
  fields.Count("bytes", &site.bytes);
  fields.Count("bytes_within_target", &site.bytes_within);
  fields.Count("intervals_left_out", &site.intervals_left_out);
  for (const Json* interval : fields.Entries("intervals"))
    site.intervals.push_back(ReadInterval(interval, sound));
  *sound &= fields.ok();
  if (!*sound) return site;
  ReadFigures(&json->at("replication_lag"), &site.lag, sound);
  ReadFigures(&json->at("rpo"), &site.rpo, sound);
  return site;
}

VaultLedger ReadVault(const Json* json, bool* sound) {
  VaultLedger vault;
  std::string id;
  Fields fields(json);
  fields.Text("vault", &vault.name);
  fields.Text("id", &id);
  fields.Count("target_nanos", &vault.target);
  fields.Count("checkpoints", &vault.checkpoints);
  for (const Json* site : fields.Entries("sites")) vault.sites.push_back(ReadSite(site, sound));
  for (const Json* entry : fields.Entries("mode_changes")) {
    ModeFact mode;
    std::string word;
    Fields one(entry);
    one.Count("at_nanos", &mode.at);
    one.Text("mode", &word);
    one.Text("reason", &mode.reason);
    mode.is_quorum = word == "quorum";
    *sound &= one.ok();
    vault.modes.push_back(std::move(mode));
  }
  for (const Json* entry : fields.Entries("epochs")) {
    EpochFact epoch;
    Fields one(entry);
    one.Count("at_nanos", &epoch.at);
    one.Count("epoch", &epoch.epoch);
    *sound &= one.ok();
    vault.epochs.push_back(epoch);
  }
  for (const Json* entry : fields.Entries("quorum_intervals"))
    vault.quorum.push_back(ReadInterval(entry, sound));
  *sound &= fields.ok() && FromHex(id, vault.vault.bytes);
  return vault;
}

RpoFigures ReadRow(const Json* json, bool* sound) {
  RpoFigures row;
  std::string role;
  std::optional<double> target;
  Fields fields(json);
  fields.Text("vault", &row.vault);
  fields.Text("class", &row.data_class);
  fields.Text("site", &row.site);
  fields.Text("role", &role);
  fields.Optional("rpo_target_seconds", &target);
  fields.Optional("replication_lag_seconds", &row.lag_seconds);
  fields.Optional("rpo_actual_seconds", &row.rpo_seconds);
  fields.Optional("proved_lag_seconds", &row.proved_lag_seconds);
  fields.Optional("proved_rpo_seconds", &row.proved_rpo_seconds);
  fields.Count("minutes_met_30d", &row.minutes_met);
  fields.Count("minutes_missed_30d", &row.minutes_missed);
  fields.Count("minutes_unknown_30d", &row.minutes_unknown);
  fields.Optional("share_within_target", &row.share_within_target);
  fields.Optional("breach_in_seconds", &row.breach_in_seconds);
  row.is_primary = role == "primary";
  row.target_seconds = target.value_or(0);
  *sound &= fields.ok();
  return row;
}

absl::Status NotUnderstood() {
  return WithHint(absl::InternalError("the agent's answer is no report of `rpo`"),
                  "agent and command line must be of the same version: compare `tidemark version` "
                  "and restart the agent");
}

}  // namespace

std::string ToJson(const LedgerReport& ledger) { return Dump(LedgerFields(ledger)); }

// The manifest is bytes: all files travel in hex.
std::string ToJson(const RpoReport& report) {
  Json json = {{"at", FormatRfc3339(report.at)}, {"ledger", LedgerFields(report.ledger)}};
  Json figures = Json::array(), files = Json::object();
  for (const RpoFigures& row : report.figures) figures.push_back(FigureRow(row));
  for (const auto& [name, content] : report.files) files[name] = ToHex(AsBytes(content));
  json["now"] = figures;
  json["facts"] = report.facts;
  json["receipts"] = report.receipts;
  json["checkpoints"] = report.checkpoints;
  json["records"] = report.records;
  json["evidence_bytes"] = report.evidence_bytes;
  if (!report.files.empty()) json["files"] = files;
  return Dump(json);
}

absl::StatusOr<RpoReport> ParseRpoReport(const std::string& text) {
  const Json json = ParseOrNull(text);
  RpoReport report;
  bool sound = json.is_object() && json.contains("ledger");
  Fields fields(&json);
  fields.Time("at", &report.at);
  for (const Json* row : fields.Entries("now")) report.figures.push_back(ReadRow(row, &sound));
  fields.Texts("facts", &report.facts);
  fields.Count("receipts", &report.receipts);
  fields.Count("checkpoints", &report.checkpoints);
  fields.Count("records", &report.records);
  fields.Count("evidence_bytes", &report.evidence_bytes);
  if (!sound || !fields.ok()) return NotUnderstood();
  Fields ledger(&json.at("ledger"));
  ledger.Count("since_nanos", &report.ledger.since);
  ledger.Count("until_nanos", &report.ledger.until);
  for (const Json* vault : ledger.Entries("vaults"))
    report.ledger.vaults.push_back(ReadVault(vault, &sound));
  if (json.contains("files")) {
    for (const auto& [name, hex] : json.at("files").items()) {
      std::string content(hex.is_string() ? hex.get<std::string>().size() / 2 : 0, '\0');
      sound &=
          hex.is_string() &&
          FromHex(hex.get<std::string>(),
                  MutableByteSpan(reinterpret_cast<std::byte*>(content.data()), content.size()));
      report.files.emplace_back(name, std::move(content));
    }
  }
  if (!sound || !ledger.ok()) return NotUnderstood();
  return report;
}

}  // namespace tidemark
