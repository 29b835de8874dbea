// The desk as it is kept on disk.
#include <algorithm>

#include "agent/report/alert_desk.h"
#include "agent/report/json_fields.h"

namespace tidemark {
namespace {

Json SubjectFields(const SlaSubject& subject) {
  return {{"alert", subject.alert}, {"vault", subject.vault}, {"site", subject.site}};
}

bool ReadSubject(const Json* json, SlaSubject* subject) {
  Fields fields(json);
  fields.Text("alert", &subject->alert);
  fields.Text("vault", &subject->vault);
  fields.Text("site", &subject->site);
  return fields.ok();
}

bool ReadLevel(Fields* fields, const char* key, SlaLevel* level) {
  uint32_t number = 0;
  fields->Count(key, &number);
  if (number > 2) return false;
  *level = static_cast<SlaLevel>(number);
  return true;
}

bool ReadState(const Json* json, SlaState* state) {
  Fields fields(json);
  int64_t since = 0, raised = 0;
  fields.Count("since", &since);
  fields.Count("raised", &raised);
  fields.Text("summary", &state->summary);
  state->since = absl::FromUnixMillis(since);
  state->raised = absl::FromUnixMillis(raised);
  return ReadLevel(&fields, "level", &state->level) && fields.ok();
}

Json DeliveryFields(const Delivery& delivery) {
  const Alert& alert = delivery.alert;
  Json facts = Json::array();
  for (const auto& [name, value] : alert.facts) facts.push_back({{"name", name}, {"value", value}});
  Json json = SubjectFields(alert.subject);
  json.update({{"id", delivery.id},
               {"channel", delivery.channel},
               {"sequence", alert.sequence},
               {"before", static_cast<int>(alert.before)},
               {"level", static_cast<int>(alert.level)},
               {"since", absl::ToUnixMillis(alert.since)},
               {"raised", absl::ToUnixMillis(alert.raised)},
               {"told_at", absl::ToUnixMillis(alert.told_at)},
               {"summary", alert.summary},
               {"facts", facts},
               {"attempts", delivery.attempts},
               {"next_try", absl::ToUnixMillis(delivery.next_try)}});
  return json;
}

bool ReadDelivery(const Json* json, Delivery* delivery) {
  Fields fields(json);
  Alert* alert = &delivery->alert;
  int64_t since = 0, raised = 0, told_at = 0, next_try = 0;
  fields.Count("id", &delivery->id);
  fields.Text("channel", &delivery->channel);
  fields.Count("sequence", &alert->sequence);
  fields.Count("since", &since);
  fields.Count("raised", &raised);
  fields.Count("told_at", &told_at);
  fields.Count("next_try", &next_try);
  fields.Count("attempts", &delivery->attempts);
  fields.Text("summary", &alert->summary);
  alert->since = absl::FromUnixMillis(since);
  alert->raised = absl::FromUnixMillis(raised);
  alert->told_at = absl::FromUnixMillis(told_at);
  delivery->next_try = absl::FromUnixMillis(next_try);
  bool ok = ReadLevel(&fields, "before", &alert->before) &&
            ReadLevel(&fields, "level", &alert->level) && ReadSubject(json, &alert->subject);
  for (const Json* entry : fields.Entries("facts")) {
    Fields fact(entry);
    auto& [name, value] = alert->facts.emplace_back();
    fact.Text("name", &name);
    fact.Text("value", &value);
    ok = ok && fact.ok();
  }
  return ok && fields.ok();
}

}  // namespace

std::string AlertDesk::Save(const SlaBook& book) const {
  Json told = Json::array(), queue = Json::array(), sequences = Json::array();
  Json states = Json::array();
  for (const auto& [subject, state] : book.states()) {
    Json entry = SubjectFields(subject);
    entry.update({{"level", static_cast<int>(state.level)},
                  {"since", absl::ToUnixMillis(state.since)},
                  {"raised", absl::ToUnixMillis(state.raised)},
                  {"summary", state.summary}});
    states.push_back(std::move(entry));
  }
  for (const auto& [key, level] : told_) {
    if (level == SlaLevel::kInfo) continue;
    Json entry = SubjectFields(key.second);
    entry.update({{"channel", key.first}, {"level", static_cast<int>(level)}});
    told.push_back(std::move(entry));
  }
  for (const auto& [channel, sequence] : sequences_)
    sequences.push_back({{"channel", channel}, {"sequence", sequence}});
  for (const Delivery& delivery : queue_) queue.push_back(DeliveryFields(delivery));
  return Dump({{"version", 1},
               {"next_id", next_id_},
               {"states", states},
               {"told", told},
               {"sequences", sequences},
               {"queue", queue},
               {"dropped", dropped_}},
              1);
}

absl::Status AlertDesk::Load(const std::string& saved, SlaBook* book) {
  const Json json = ParseOrNull(saved);
  Fields fields(&json);
  AlertDesk read(channels_, maintenance_);
  bool ok = true;
  std::vector<std::pair<SlaSubject, SlaState>> states;
  for (const Json* entry : fields.Entries("states")) {
    auto& [subject, state] = states.emplace_back();
    ok = ReadSubject(entry, &subject) && ReadState(entry, &state) && ok;
  }
  fields.Count("next_id", &read.next_id_);
  fields.Count("dropped", &read.dropped_);
  for (const Json* entry : fields.Entries("told")) {
    Fields told(entry);
    SlaSubject subject;
    std::string channel;
    SlaLevel level = SlaLevel::kInfo;
    told.Text("channel", &channel);
    ok = ReadSubject(entry, &subject) && ReadLevel(&told, "level", &level) && told.ok() && ok;
    read.told_[{channel, subject}] = level;
  }
  for (const Json* entry : fields.Entries("sequences")) {
    Fields sequence(entry);
    std::string channel;
    uint64_t number = 0;
    sequence.Text("channel", &channel);
    sequence.Count("sequence", &number);
    ok = ok && sequence.ok();
    read.sequences_[channel] = number;
  }
  for (const Json* entry : fields.Entries("queue"))
    ok = ReadDelivery(entry, &read.queue_.emplace_back()) && ok;
  if (!ok || !fields.ok()) return absl::DataLossError("the list of alerts is not readable");
  // A channel that is no longer asked for gets nothing more.
  std::erase_if(read.queue_, [this](const Delivery& each) {
    return std::none_of(channels_.begin(), channels_.end(),
                        [&each](const auto& channel) { return channel.name == each.channel; });
  });
  for (const auto& [subject, state] : states) book->Restore(subject, state);
  *this = std::move(read);
  return absl::OkStatus();
}

}  // namespace tidemark
