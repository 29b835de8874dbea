// The usage, incident and day books as they are kept on disk.
#include "agent/report/day_book.h"
#include "agent/report/incident_book.h"
#include "agent/report/json_fields.h"
#include "agent/report/usage_book.h"

namespace tidemark {
namespace {

const absl::Status kDamaged = absl::DataLossError("not what was written");

double Number(Fields* fields, const char* key) {
  std::optional<double> value;
  fields->Optional(key, &value);
  return value.value_or(0);
}

absl::Time Instant(Fields* fields, const char* key) {
  int64_t millis = 0;
  fields->Count(key, &millis);
  return absl::FromUnixMillis(millis);
}

absl::Time InstantOrNever(Fields* fields, const char* key) {
  const absl::Time instant = Instant(fields, key);
  return instant == absl::UnixEpoch() ? absl::InfinitePast() : instant;
}

// Never is 0.
int64_t Millis(absl::Time time) {
  return time == absl::InfinitePast() ? 0 : absl::ToUnixMillis(time);
}

Json SpanFields(const TimeSpans& spans) {
  Json json = Json::array();
  for (const TimeSpan& span : spans)
    json.push_back({{"from", Millis(span.from)}, {"to", Millis(span.to)}});
  return json;
}

bool ReadSpans(Fields* fields, const char* key, TimeSpans* spans) {
  bool ok = true;
  for (const Json* entry : fields->Entries(key)) {
    Fields each(entry);
    const absl::Time from = Instant(&each, "from");
    spans->push_back({from, Instant(&each, "to")});
    ok = ok && each.ok();
  }
  *spans = United(std::move(*spans));
  return ok;
}

Json PastFields(const UsageStatement& made) {
  return {{"vault", made.vault},
          {"tier", made.tier},
          {"month", made.month},
          {"stored_bytes", made.stored_bytes},
          {"logical_bytes", made.logical_bytes},
          {"egress_bytes", made.egress_bytes},
          {"stored_byte_hours", made.stored_byte_hours},
          {"overage_gb_months", made.overage_gb_months},
          {"overage_cost", made.overage_cost},
          {"egress_cost", made.egress_cost}};
}

bool ReadPast(const Json* json, UsageStatement* made) {
  Fields fields(json);
  fields.Text("vault", &made->vault);
  fields.Text("tier", &made->tier);
  fields.Text("month", &made->month);
  made->stored_bytes = Number(&fields, "stored_bytes");
  made->logical_bytes = Number(&fields, "logical_bytes");
  made->egress_bytes = Number(&fields, "egress_bytes");
  made->stored_byte_hours = Number(&fields, "stored_byte_hours");
  made->overage_gb_months = Number(&fields, "overage_gb_months");
  made->overage_cost = Number(&fields, "overage_cost");
  made->egress_cost = Number(&fields, "egress_cost");
  return fields.ok();
}

}  // namespace

std::string UsageBook::Save() const {
  Json meters = Json::array(), past = Json::array();
  for (const auto& [vault, meter] : meters_) {
    Json hourly = Json::array();
    for (const auto& [at, stored] : meter.hourly)
      hourly.push_back({{"at", absl::ToUnixMillis(at)}, {"stored", stored}});
    meters.push_back({{"vault", vault},
                      {"tier", meter.tier},
                      {"since", absl::ToUnixMillis(meter.since)},
                      {"stored", meter.stored},
                      {"logical", meter.logical},
                      {"egress", meter.egress},
                      {"byte_seconds", meter.byte_seconds},
                      {"overage_byte_seconds", meter.overage_byte_seconds},
                      {"hourly", hourly}});
  }
  for (const UsageStatement& made : past_) past.push_back(PastFields(made));
  return Dump({{"version", 1},
               {"now", Millis(now_)},
               {"month_begins", absl::ToUnixMillis(month_begins_)},
               {"month_ends", absl::ToUnixMillis(month_ends_)},
               {"meters", meters},
               {"past", past}});
}

absl::Status UsageBook::Load(const std::string& saved) {
  const Json json = ParseOrNull(saved);
  Fields fields(&json);
  UsageBook read(prices_);
  const absl::Time now = Instant(&fields, "now");
  if (now != absl::UnixEpoch()) read.now_ = now;
  read.month_begins_ = Instant(&fields, "month_begins");
  read.month_ends_ = Instant(&fields, "month_ends");
  bool ok = true;
  for (const Json* entry : fields.Entries("meters")) {
    Fields each(entry);
    std::string vault;
    Meter meter;
    each.Text("vault", &vault);
    each.Text("tier", &meter.tier);
    meter.since = Instant(&each, "since");
    meter.stored = Number(&each, "stored");
    meter.logical = Number(&each, "logical");
    meter.egress = Number(&each, "egress");
    meter.byte_seconds = Number(&each, "byte_seconds");
    meter.overage_byte_seconds = Number(&each, "overage_byte_seconds");
    for (const Json* sample : each.Entries("hourly")) {
      Fields hour(sample);
      const absl::Time at = Instant(&hour, "at");
      meter.hourly.emplace_back(at, Number(&hour, "stored"));
      ok = ok && hour.ok();
    }
    ok = ok && each.ok();
    read.meters_[vault] = std::move(meter);
  }
  for (const Json* entry : fields.Entries("past"))
    ok = ReadPast(entry, &read.past_.emplace_back()) && ok;
  if (!ok || !fields.ok()) return kDamaged;
  *this = std::move(read);
  return absl::OkStatus();
}

std::string IncidentBook::Save() const {
  Json incidents = Json::array();
  for (const Incident& incident : incidents_) {
    incidents.push_back({{"alert", incident.subject.alert},
                         {"vault", incident.subject.vault},
                         {"site", incident.subject.site},
                         {"began", absl::ToUnixMillis(incident.began)},
                         {"ended", absl::ToUnixMillis(incident.ended)},
                         {"open", incident.is_open},
                         {"planned", incident.is_planned},
                         {"planned_parts", SpanFields(incident.planned)},
                         {"summary", incident.summary}});
  }
  return Dump({{"version", 1}, {"incidents", incidents}});
}

absl::Status IncidentBook::Load(const std::string& saved) {
  const Json json = ParseOrNull(saved);
  Fields fields(&json);
  std::deque<Incident> read;
  bool ok = true;
  for (const Json* entry : fields.Entries("incidents")) {
    Fields each(entry);
    Incident& incident = read.emplace_back();
    each.Text("alert", &incident.subject.alert);
    each.Text("vault", &incident.subject.vault);
    each.Text("site", &incident.subject.site);
    incident.began = Instant(&each, "began");
    incident.ended = Instant(&each, "ended");
    each.Flag("open", &incident.is_open);
    each.Flag("planned", &incident.is_planned);
    if (each.Has("planned_parts")) {
      ok = ReadSpans(&each, "planned_parts", &incident.planned) && ok;
    } else if (incident.is_planned) {  // as older agents kept it
      incident.planned = United({{incident.began, incident.ended}});
    }
    each.Text("summary", &incident.summary);
    ok = ok && each.ok();
  }
  if (!ok || !fields.ok()) return kDamaged;
  incidents_ = std::move(read);
  return absl::OkStatus();
}

std::string DayBook::Save() const {
  Json rows = Json::array();
  for (const auto& [key, row] : rows_) {
    Json lag = Json::array();
    for (const double seconds : row.lag) lag.push_back({{"seconds", seconds}});
    rows.push_back({{"vault", key.first},
                    {"day", key.second},
                    {"watched", row.watched},
                    {"writable", row.writable},
                    {"planned", row.planned},
                    {"planned_writable", row.planned_writable},
                    {"rpo_met", row.rpo_met},
                    {"rpo_missed", row.rpo_missed},
                    {"lag", lag}});
  }
  Json vaults = Json::array();
  for (const auto& [name, seen] : seen_) {
    vaults.push_back(
        {{"vault", name}, {"since", Millis(seen.since)}, {"until", Millis(seen.until)}});
  }
  return Dump({{"version", 1},
               {"noted", Millis(noted_)},
               {"covered", SpanFields(covered_)},
               {"vaults", vaults},
               {"rows", rows}});
}

absl::Status DayBook::Load(const std::string& saved) {
  const Json json = ParseOrNull(saved);
  Fields fields(&json);
  DayBook read;
  bool ok = true;
  for (const Json* entry : fields.Entries("rows")) {
    Fields each(entry);
    std::string vault, day;
    DayRow row;
    each.Text("vault", &vault);
    each.Text("day", &day);
    row.watched = Number(&each, "watched");
    row.writable = Number(&each, "writable");
    row.planned = Number(&each, "planned");
    // Older agents did not say: the least that may then count as available.
    row.planned_writable = each.Has("planned_writable") ? Number(&each, "planned_writable")
                                                        : std::min(row.planned, row.writable);
    row.rpo_met = Number(&each, "rpo_met");
    row.rpo_missed = Number(&each, "rpo_missed");
    const std::vector<const Json*> lag = each.Entries("lag");
    ok = ok && each.ok() && lag.size() == DayRow::kBuckets;
    for (size_t i = 0; ok && i < DayRow::kBuckets; ++i) {
      Fields bucket(lag[i]);
      row.lag[i] = Number(&bucket, "seconds");
    }
    read.rows_[{vault, day}] = row;
  }
  if (fields.Has("vaults")) {
    ok = read.LoadSeen(&fields) && ok;
  } else {
    read.GuessSeen();
  }
  if (!ok || !fields.ok()) return kDamaged;
  *this = std::move(read);
  return absl::OkStatus();
}

bool DayBook::LoadSeen(Fields* fields) {
  bool ok = ReadSpans(fields, "covered", &covered_);
  noted_ = InstantOrNever(fields, "noted");
  for (const Json* entry : fields->Entries("vaults")) {
    Fields each(entry);
    std::string vault;
    each.Text("vault", &vault);
    const absl::Time since = InstantOrNever(&each, "since");
    seen_[vault] = {since, InstantOrNever(&each, "until")};
    ok = ok && each.ok();
  }
  return ok;
}

// Older agents kept rows only: the first may have begun so late that the rest of it was watched.
void DayBook::GuessSeen() {
  for (const auto& [key, row] : rows_) {
    absl::CivilDay day;
    if (!absl::ParseCivilTime(key.second, &day)) continue;
    const absl::Time since =
        absl::FromCivil(day + 1, absl::UTCTimeZone()) - absl::Seconds(row.watched);
    const auto [seen, is_new] = seen_.try_emplace(key.first, Seen{since, absl::InfinitePast()});
    if (!is_new) seen->second.since = std::min(seen->second.since, since);
  }
}

}  // namespace tidemark
