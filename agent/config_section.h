// One table of a configuration being read: the two files that include this are the door of toml++.
#ifndef TIDEMARK_AGENT_CONFIG_SECTION_H_
#define TIDEMARK_AGENT_CONFIG_SECTION_H_

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "agent/config.h"

namespace tidemark {

// One [table] being read: each getter names a key that is allowed; Finish refuses the rest. The
// first error stays.
class Section {
 public:
  Section(const toml::table* table, std::string title, const std::string& path,
          absl::Status* failure)
      : table_(table), title_(std::move(title)), path_(path), failure_(failure) {}

  void Text(const std::string& key, std::string* value, bool required = false);
  void OneOf(const std::string& key, std::string* value, const std::vector<std::string>& words);
  void Path(const std::string& key, std::string* value, bool required = false);
  void Flag(const std::string& key, bool* value);
  template <class Number>
  void Count(const std::string& key, Number* value, uint64_t at_least, uint64_t at_most) {
    const toml::node* node = Find(key, false);
    if (node == nullptr) return;
    const std::string range = absl::StrFormat("a whole number from %d to %d", at_least, at_most);
    if (!node->is_integer()) return Wrong(key, *node, range);
    const int64_t found = **node->as_integer();
    if (found < 0 || static_cast<uint64_t>(found) < at_least ||
        static_cast<uint64_t>(found) > at_most) {
      return Wrong(key, *node, range);
    }
    *value = static_cast<Number>(found);
  }
  void OctalMode(const std::string& key, uint32_t* value);
  void Level(const std::string& key, LogLevel* value);
  void Format(const std::string& key, LogFormat* value);
  void IsPrimary(const std::string& key, bool* value);
  // "host:port"; port 0 only where `may_be_any`.
  void Address(const std::string& key, std::string* value, bool may_be_any, bool required = true);
  void Hex(const std::string& key, MutableByteSpan value, bool required);
  void Credentials(CredentialPaths* paths) {
    Path("authority", &paths->authority, true);
    Path("certificate", &paths->certificate, true);
    Path("private_key", &paths->private_key, true);
  }
  Section Table(const std::string& key);
  std::vector<Section> Tables(const std::string& key, bool required = true);
  // rate_limit, rate_schedule, rate_zone.
  void Rates(RateSchedule* rate);
  void Amount(const std::string& key, double* value);  // not negative

  void Finish();
  void Refuse(uint32_t line, const std::string& text) {
    if (!failure_->ok()) return;
    *failure_ = absl::FailedPreconditionError(absl::StrFormat("%s:%d: %s", path_, line, text));
  }
  uint32_t line() const { return std::max(1u, table_->source().begin.line); }

 private:
  const toml::node* Find(const std::string& key, bool required) {
    allowed_.insert(key);
    const toml::node* node = table_->get(key);
    if (node == nullptr && required)
      Refuse(line(), absl::StrFormat("'%s' is missing %s", key, Where()));
    return node;
  }
  void Wrong(const std::string& key, const toml::node& node, const std::string& wanted) {
    Refuse(node.source().begin.line, absl::StrFormat("'%s' %s must be %s", key, Where(), wanted));
  }
  std::string Where() const { return title_.empty() ? "at the top level" : "in " + title_; }

  const toml::table* table_;
  std::string title_, path_;
  absl::Status* failure_;
  std::set<std::string> allowed_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CONFIG_SECTION_H_
