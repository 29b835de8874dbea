#include "agent/config_section.h"

#include <filesystem>

#include "absl/strings/str_join.h"

namespace tidemark {

void Section::OctalMode(const std::string& key, uint32_t* value) {
  std::string text;
  Text(key, &text);
  if (text.empty()) return;
  if (text.size() > 4 || text.find_first_not_of("01234567") != std::string::npos)
    return Wrong(key, *Find(key, false), "an octal mode in quotes, such as \"0660\"");
  *value = static_cast<uint32_t>(std::stoul(text, nullptr, 8)) & 0777u;
}

void Section::Level(const std::string& key, LogLevel* value) {
  std::string word;
  Text(key, &word);
  if (word.empty()) return;
  const absl::StatusOr<LogLevel> level = ParseLogLevel(word);
  if (!level.ok()) return Wrong(key, *Find(key, false), "error, warn, info or debug");
  *value = *level;
}

void Section::IsPrimary(const std::string& key, bool* value) {
  std::string word;
  Text(key, &word, true);
  if (word.empty()) return;
  if (word != "primary" && word != "witness")
    return Wrong(key, *Find(key, false), "\"primary\" or \"witness\"");
  *value = word == "primary";
}

void Section::Address(const std::string& key, std::string* value, bool may_be_any, bool required) {
  Text(key, value, required);
  if (value->empty()) return;
  const size_t colon = value->rfind(':');
  const std::string port = colon == std::string::npos ? "" : value->substr(colon + 1);
  const bool is_number = !port.empty() && port.size() <= 5 &&
                         port.find_first_not_of("0123456789") == std::string::npos;
  if (colon == 0 || !is_number || std::stoul(port) > 65535 ||
      (!may_be_any && std::stoul(port) == 0)) {
    Wrong(key, *Find(key, false), "\"host:port\", an IPv6 host in brackets");
  }
}

void Section::Hex(const std::string& key, MutableByteSpan value, bool required) {
  std::string text;
  Text(key, &text, required);
  if (!text.empty() && !FromHex(text, value)) {
    Wrong(key, *Find(key, false), absl::StrFormat("%d hex digits", 2 * value.size()));
  }
}

Section Section::Table(const std::string& key) {
  static const toml::table kEmpty;
  const toml::node* node = Find(key, false);
  if (node != nullptr && !node->is_table()) Wrong(key, *node, "a table: [" + key + "]");
  const bool is_table = node != nullptr && node->is_table();
  return Section(is_table ? node->as_table() : &kEmpty, "[" + key + "]", path_, failure_);
}

std::vector<Section> Section::Tables(const std::string& key, bool required) {
  std::vector<Section> made;
  const toml::node* node = Find(key, required);
  if (node == nullptr) return made;
  if (!node->is_array_of_tables()) {
    Wrong(key, *node, "tables: [[" + key + "]]");
    return made;
  }
  for (const toml::node& entry : *node->as_array())
    made.push_back(Section(entry.as_table(), "[[" + key + "]]", path_, failure_));
  return made;
}

void Section::Rates(RateSchedule* rate) {
  std::string limit;
  Text("rate_limit", &limit);
  if (!limit.empty()) {
    const absl::StatusOr<uint64_t> parsed = ParseRate(limit);
    if (!parsed.ok())
      return Wrong("rate_limit", *Find("rate_limit", false),
                   std::string(parsed.status().message()));
    rate->bytes_per_second = *parsed;
  }
  Text("rate_zone", &rate->zone);
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(rate->zone, &zone))
    return Wrong("rate_zone", *Find("rate_zone", false), "a time zone such as \"Europe/Paris\"");
  const toml::node* node = Find("rate_schedule", false);
  if (node == nullptr) return;
  const toml::array* windows = node->as_array();
  if (windows == nullptr) return Wrong("rate_schedule", *node, "a list of texts");
  for (const toml::node& entry : *windows) {
    const absl::StatusOr<RateWindow> window =
        ParseRateWindow(entry.is_string() ? **entry.as_string() : std::string());
    if (!window.ok())
      return Wrong("rate_schedule", entry, "a list of " + std::string(window.status().message()));
    rate->windows.push_back(*window);
  }
}

void Section::Finish() {
  for (const auto& [key, node] : *table_) {
    const std::string name(key.str());
    if (allowed_.contains(name)) continue;
    Refuse(node.source().begin.line, absl::StrFormat("unknown key '%s' %s; allowed here: %s", name,
                                                     Where(), absl::StrJoin(allowed_, ", ")));
  }
}

void Section::OneOf(const std::string& key, std::string* value,
                    const std::vector<std::string>& words) {
  Text(key, value);
  if (std::find(words.begin(), words.end(), *value) != words.end()) return;
  Wrong(key, *Find(key, false), "one of: \"" + absl::StrJoin(words, "\", \"") + "\"");
}

void Section::Path(const std::string& key, std::string* value, bool required) {
  Text(key, value, required);
  if (value->empty()) return;
  const std::filesystem::path directory = std::filesystem::path(path_).parent_path();
  *value = (directory / *value).lexically_normal().string();
}

void Section::Flag(const std::string& key, bool* value) {
  const toml::node* node = Find(key, false);
  if (node == nullptr) return;
  if (!node->is_boolean()) return Wrong(key, *node, "true or false");
  *value = **node->as_boolean();
}

void Section::Text(const std::string& key, std::string* value, bool required) {
  const toml::node* node = Find(key, required);
  if (node == nullptr) return;
  if (!node->is_string()) return Wrong(key, *node, "a string in quotes");
  *value = **node->as_string();
  if (required && value->empty()) Wrong(key, *node, "a string that is not empty");
}

void Section::Amount(const std::string& key, double* value) {
  const toml::node* node = Find(key, false);
  if (node == nullptr) return;
  const std::optional<double> found = node->value<double>();
  if (!found.has_value() || !(*found >= 0)) return Wrong(key, *node, "a number, 0 or more");
  *value = *found;
}

void Section::Format(const std::string& key, LogFormat* value) {
  std::string word = LogFormatName(*value);
  OneOf(key, &word, {"text", "logfmt", "json", "journald"});
  const absl::StatusOr<LogFormat> format = ParseLogFormat(word);
  if (format.ok()) *value = *format;
}

}  // namespace tidemark
