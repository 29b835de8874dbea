// What writing and reading JSON needs. Only .cc files include it.
#ifndef TIDEMARK_AGENT_REPORT_JSON_FIELDS_H_
#define TIDEMARK_AGENT_REPORT_JSON_FIELDS_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/report/times.h"

namespace tidemark {

using Json = nlohmann::ordered_json;

// A message may hold bytes that are not UTF-8 (a path): they become U+FFFD.
inline std::string Dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

template <class T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}
inline Json TimeOrNull(absl::Time time) {
  return time == absl::UnixEpoch() || time == absl::InfinitePast() ? Json(nullptr)
                                                                   : Json(FormatRfc3339(time));
}
inline Json TextOrNull(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
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
  void Texts(const char* key, std::vector<std::string>* texts) {
    for (const Json* entry : Entries(key)) {
      ok_ = ok_ && entry->is_string();
      if (entry->is_string()) texts->push_back(entry->get<std::string>());
    }
  }
  // A field that older files lack.
  bool Has(const char* key) const { return json_->is_object() && json_->contains(key); }
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

inline Json ParseOrNull(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_discarded() ? Json(nullptr) : json;
}

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_JSON_FIELDS_H_
