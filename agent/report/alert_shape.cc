#include "agent/report/alert_shape.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "agent/report/json_fields.h"
#include "crypto/message_signature.h"

namespace tidemark {
namespace {

constexpr const char* kNever = "0001-01-01T00:00:00Z";
constexpr size_t kTitleBytesMax = 250, kTextBytesMax = 3000;  // below the limits of all of them
constexpr size_t kDiscordFieldsMax = 25;  // with more of them Discord refuses the message
constexpr absl::Duration kStandsAtMost = absl::Hours(24 * 365);

bool IsOver(const Alert& alert) { return alert.level == SlaLevel::kInfo; }

std::string Title(const Alert& alert, const std::string& agent) {
  const std::string what = alert.subject.alert + (alert.subject.vault.empty() ? "" : " vault ") +
                           alert.subject.vault + (alert.subject.site.empty() ? "" : " site ") +
                           alert.subject.site;
  return absl::StrFormat("[%s] %s on %s", IsOver(alert) ? "resolved" : SlaLevelName(alert.level),
                         what, agent)
      .substr(0, kTitleBytesMax);
}

std::string Text(const Alert& alert) {
  const std::string text = absl::StrFormat("%s (%s -> %s)", alert.summary,
                                           SlaLevelName(alert.before), SlaLevelName(alert.level));
  return text.substr(0, kTextBytesMax);
}

Json Labels(const Alert& alert, const std::string& agent) {
  // An alert that is over must carry the labels that it was raised with, severity apart.
  Json labels = {{"alertname", alert.subject.alert}, {"agent", agent}};
  if (!alert.subject.vault.empty()) labels["vault"] = alert.subject.vault;
  if (!alert.subject.site.empty()) labels["site"] = alert.subject.site;
  return labels;
}

const char* PrometheusSeverity(SlaLevel level) {
  return level == SlaLevel::kDanger ? "critical" : SlaLevelName(level);
}

// As Prometheus' label names are: vaults may be called anything.
std::string LabelName(std::string fact) {
  for (char& c : fact) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return fact;
}

Json Annotations(const Alert& alert) {
  Json annotations = {{"summary", alert.summary}, {"description", Text(alert)}};
  for (const auto& [name, value] : alert.facts) annotations[LabelName(name)] = value;
  return annotations;
}

// What Alertmanager sends to a webhook, version 4, and our own fields beside it.
Json Generic(const Alert& alert, const std::string& agent, const std::string& page,
             const std::string& event) {
  Json labels = Labels(alert, agent);
  labels["severity"] = PrometheusSeverity(IsOver(alert) ? alert.before : alert.level);
  const Json annotations = Annotations(alert);
  const char* status = IsOver(alert) ? "resolved" : "firing";
  Json facts = Json::object();
  for (const auto& [name, value] : alert.facts) facts[LabelName(name)] = value;
  const Json entry = {{"status", status},
                      {"labels", labels},
                      {"annotations", annotations},
                      {"startsAt", FormatRfc3339(IsOver(alert) ? alert.since : alert.raised)},
                      {"endsAt", IsOver(alert) ? FormatRfc3339(alert.told_at) : kNever},
                      {"generatorURL", page},
                      {"fingerprint", Fingerprint(alert.subject, agent)}};
  return {{"version", "4"},
          {"groupKey", "{}:{alertname=\"" + alert.subject.alert + "\"}"},
          {"truncatedAlerts", 0},
          {"status", status},
          {"receiver", "tidemark"},
          {"groupLabels", {{"alertname", alert.subject.alert}}},
          {"commonLabels", labels},
          {"commonAnnotations", annotations},
          {"externalURL", page},
          {"alerts", Json::array({entry})},
          {"event", event},
          {"sequence", alert.sequence},
          {"state", SlaLevelName(alert.level)},
          {"state_before", SlaLevelName(alert.before)},
          {"facts", facts}};
}

// For POST /api/v2/alerts. The severity is no label here: it would make another alert of each
// level.
Json Alertmanager(const Alert& alert, const std::string& agent, const std::string& page) {
  Json annotations = Annotations(alert);
  annotations["severity"] = PrometheusSeverity(alert.level);
  Json entry = {{"labels", Labels(alert, agent)},
                {"annotations", annotations},
                {"startsAt", FormatRfc3339(IsOver(alert) ? alert.since : alert.raised)},
                {"generatorURL", page}};
  // Without an end Alertmanager would call it resolved after five minutes.
  entry["endsAt"] = FormatRfc3339(IsOver(alert) ? alert.told_at : alert.told_at + kStandsAtMost);
  return Json::array({entry});
}

std::string SlackEscaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

const char* SlackColour(const Alert& alert) {
  return IsOver(alert) ? "good" : alert.level == SlaLevel::kDanger ? "danger" : "warning";
}

Json Slack(const Alert& alert, const std::string& agent, const std::string& page) {
  Json fields = Json::array();
  for (const auto& [name, value] : alert.facts)
    fields.push_back({{"title", name}, {"value", SlackEscaped(value)}, {"short", true}});
  const std::string title = SlackEscaped(Title(alert, agent));
  return {{"text", title},
          {"attachments", Json::array({{{"color", SlackColour(alert)},
                                        {"title", title},
                                        {"title_link", page},
                                        {"text", SlackEscaped(Text(alert))},
                                        {"fields", fields},
                                        {"ts", absl::ToUnixSeconds(alert.told_at)},
                                        {"mrkdwn_in", Json::array({"text"})}}})}};
}

Json Discord(const Alert& alert, const std::string& agent) {
  Json fields = Json::array();
  for (const auto& [name, value] : alert.facts) {
    if (fields.size() == kDiscordFieldsMax) break;
    fields.push_back({{"name", name}, {"value", value}, {"inline", true}});
  }
  const int colour = IsOver(alert)                      ? 0x1a7f4b
                     : alert.level == SlaLevel::kDanger ? 0xb3261e
                                                        : 0xd98a00;
  return {{"username", "tidemark"},
          {"content", ""},
          {"embeds", Json::array({{{"title", Title(alert, agent)},
                                   {"description", Text(alert)},
                                   {"color", colour},
                                   {"timestamp", FormatRfc3339(alert.told_at)},
                                   {"fields", fields}}})},
          {"allowed_mentions", {{"parse", Json::array()}}}};
}

Json Teams(const Alert& alert, const std::string& agent) {
  Json facts = Json::array();
  for (const auto& [name, value] : alert.facts)
    facts.push_back({{"title", name}, {"value", value}});
  const char* colour = IsOver(alert)                      ? "Good"
                       : alert.level == SlaLevel::kDanger ? "Attention"
                                                          : "Warning";
  const Json title = {{"type", "TextBlock"}, {"size", "Large"}, {"weight", "Bolder"},
                      {"color", colour},     {"wrap", true},    {"text", Title(alert, agent)}};
  const Json text = {{"type", "TextBlock"}, {"wrap", true}, {"text", Text(alert)}};
  const Json card = {{"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"},
                     {"type", "AdaptiveCard"},
                     {"version", "1.4"},
                     {"msteams", {{"width", "Full"}}},
                     {"body", Json::array({title, text, {{"type", "FactSet"}, {"facts", facts}}})}};
  return {{"type", "message"},
          {"attachments", Json::array({{{"contentType", "application/vnd.microsoft.card.adaptive"},
                                        {"contentUrl", nullptr},
                                        {"content", card}}})}};
}

Json PagerDuty(const Alert& alert, const std::string& agent, const std::string& page,
               const std::string& routing_key) {
  Json details = Json::object();
  for (const auto& [name, value] : alert.facts) details[name] = value;
  Json event = {{"routing_key", routing_key},
                {"event_action", IsOver(alert) ? "resolve" : "trigger"},
                {"dedup_key", Fingerprint(alert.subject, agent)},
                {"client", "tidemark"},
                {"client_url", page}};
  event["payload"] = {{"summary", Title(alert, agent) + ": " + Text(alert)},
                      {"source", agent},
                      {"severity", PrometheusSeverity(alert.level)},
                      {"custom_details", details}};
  return event;
}

// A header line may hold no line break: what comes from elsewhere becomes one line.
std::string OneLine(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\r", " "}, {"\n", " "}});
}

std::string Mail(const AlertChannel& channel, const Alert& alert, const std::string& agent,
                 const std::string& page) {
  std::string text = absl::StrFormat(
      "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s.%d@tidemark>\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
      OneLine(channel.from), OneLine(channel.to), OneLine(Title(alert, agent)),
      absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", alert.told_at, absl::UTCTimeZone()),
      Fingerprint(alert.subject, agent), alert.sequence);
  text += OneLine(Text(alert)) + "\r\n\r\n";
  for (const auto& [name, value] : alert.facts)
    text += absl::StrFormat("%s: %s\r\n", OneLine(name), OneLine(value));
  if (!page.empty()) text += "\r\n" + page + "\r\n";
  return text;
}

}  // namespace

std::string Fingerprint(const SlaSubject& subject, const std::string& agent) {
  return MessageDigest(agent + "\n" + subject.alert + "\n" + subject.vault + "\n" + subject.site)
      .substr(0, 16);
}

AlertMessage ShapeAlert(const AlertChannel& channel, const AlertSecrets& secrets,
                        const Alert& alert, const std::string& agent, const std::string& page) {
  AlertMessage message;
  message.url = secrets.url;
  if (channel.type == "email") {
    message.mail_from = channel.from;
    message.mail_to = channel.to;
    message.body = Mail(channel, alert, agent, page);
    return message;
  }
  Json json;
  if (channel.type == "alertmanager") json = Alertmanager(alert, agent, page);
  if (channel.type == "slack") json = Slack(alert, agent, page);
  if (channel.type == "discord") json = Discord(alert, agent);
  if (channel.type == "teams") json = Teams(alert, agent);
  if (channel.type == "pagerduty") json = PagerDuty(alert, agent, page, secrets.routing_key);
  if (channel.type == "generic") json = Generic(alert, agent, page, channel.event);
  message.body = Dump(json);
  message.headers = {{"Content-Type", "application/json"},
                     {"X-Tidemark-Sequence", std::to_string(alert.sequence)}};
  if (!secrets.signing_key.empty()) {
    message.headers.emplace_back("X-Tidemark-Signature",
                                 "sha256=" + MessageSignature(secrets.signing_key, message.body));
  }
  return message;
}

}  // namespace tidemark
