// The only file that knows toml++.
#define TOML_EXCEPTIONS 0
#include "agent/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace tidemark {
namespace {

constexpr uint64_t kMiB = 1ull << 20;

// One [table] being read: each getter names a key that is allowed; Finish refuses the rest. The
// first error stays.
class Section {
 public:
  Section(const toml::table* table, std::string title, const std::string& path,
          absl::Status* failure)
      : table_(table), title_(std::move(title)), path_(path), failure_(failure) {}

  void Text(const std::string& key, std::string* value, bool required = false) {
    const toml::node* node = Find(key, required);
    if (node == nullptr) return;
    if (!node->is_string()) return Wrong(key, *node, "a string in quotes");
    *value = **node->as_string();
    if (required && value->empty()) Wrong(key, *node, "a string that is not empty");
  }
  void Path(const std::string& key, std::string* value, bool required = false) {
    Text(key, value, required);
    if (value->empty()) return;
    const std::filesystem::path directory = std::filesystem::path(path_).parent_path();
    *value = (directory / *value).lexically_normal().string();
  }
  void Flag(const std::string& key, bool* value) {
    const toml::node* node = Find(key, false);
    if (node == nullptr) return;
    if (!node->is_boolean()) return Wrong(key, *node, "true or false");
    *value = **node->as_boolean();
  }
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
  void OctalMode(const std::string& key, uint32_t* value) {
    std::string text;
    Text(key, &text);
    if (text.empty()) return;
    if (text.size() > 4 || text.find_first_not_of("01234567") != std::string::npos)
      return Wrong(key, *Find(key, false), "an octal mode in quotes, such as \"0660\"");
    *value = static_cast<uint32_t>(std::stoul(text, nullptr, 8)) & 0777u;
  }
  void Level(const std::string& key, LogLevel* value) {
    std::string word;
    Text(key, &word);
    if (word.empty()) return;
    const absl::StatusOr<LogLevel> level = ParseLogLevel(word);
    if (!level.ok()) return Wrong(key, *Find(key, false), "error, warn, info or debug");
    *value = *level;
  }
  void IsPrimary(const std::string& key, bool* value) {
    std::string word;
    Text(key, &word, true);
    if (word.empty()) return;
    if (word != "primary" && word != "witness")
      return Wrong(key, *Find(key, false), "\"primary\" or \"witness\"");
    *value = word == "primary";
  }
  // "host:port"; port 0 only where `may_be_any`.
  void Address(const std::string& key, std::string* value, bool may_be_any) {
    Text(key, value, true);
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
  void Hex(const std::string& key, MutableByteSpan value, bool required) {
    std::string text;
    Text(key, &text, required);
    if (!text.empty() && !FromHex(text, value)) {
      Wrong(key, *Find(key, false), absl::StrFormat("%d hex digits", 2 * value.size()));
    }
  }
  void Credentials(CredentialPaths* paths) {
    Path("authority", &paths->authority, true);
    Path("certificate", &paths->certificate, true);
    Path("private_key", &paths->private_key, true);
  }
  Section Table(const std::string& key) {
    static const toml::table kEmpty;
    const toml::node* node = Find(key, false);
    if (node != nullptr && !node->is_table()) Wrong(key, *node, "a table: [" + key + "]");
    const bool is_table = node != nullptr && node->is_table();
    return Section(is_table ? node->as_table() : &kEmpty, "[" + key + "]", path_, failure_);
  }
  std::vector<Section> Tables(const std::string& key) {
    std::vector<Section> made;
    const toml::node* node = Find(key, true);
    if (node == nullptr) return made;
    if (!node->is_array_of_tables()) {
      Wrong(key, *node, "tables: [[" + key + "]]");
      return made;
    }
    for (const toml::node& entry : *node->as_array())
      made.push_back(Section(entry.as_table(), "[[" + key + "]]", path_, failure_));
    return made;
  }

  void Finish() {
    for (const auto& [key, node] : *table_) {
      const std::string name(key.str());
      if (allowed_.contains(name)) continue;
      Refuse(node.source().begin.line,
             absl::StrFormat("unknown key '%s' %s; allowed here: %s", name, Where(),
                             absl::StrJoin(allowed_, ", ")));
    }
  }
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

absl::StatusOr<toml::table> ParseToml(const std::string& text, const std::string& path) {
  toml::parse_result parsed = toml::parse(text);
  if (parsed) return std::move(parsed).table();
  return absl::FailedPreconditionError(absl::StrFormat("%s:%d: not TOML: %s", path,
                                                       parsed.error().source().begin.line,
                                                       std::string(parsed.error().description())));
}

void ReadSite(Section section, std::vector<AgentSite>* sites) {
  AgentSite site;
  section.Text("name", &site.name, true);
  section.IsPrimary("role", &site.is_primary);
  section.Address("address", &site.address, false);
  std::array<std::byte, 32> key;
  section.Hex("key", key, false);
  section.Text("key", &site.key);
  section.Finish();
  for (const AgentSite& other : *sites) {
    if (other.name == site.name)
      section.Refuse(section.line(), absl::StrFormat("two sites are named '%s'", site.name));
    if (other.address == site.address) {
      section.Refuse(section.line(), absl::StrFormat("sites '%s' and '%s' have the same address",
                                                     other.name, site.name));
    }
  }
  sites->push_back(std::move(site));
}

void ReadVault(Section section, std::vector<VaultConfig>* vaults) {
  VaultConfig vault;
  section.Text("name", &vault.name, true);
  section.Hex("id", vault.id.bytes, true);
  section.Flag("compression", &vault.compression);
  section.Text("ack", &vault.ack);
  section.Count("quorum_after_seconds", &vault.quorum_after_seconds, 1, 86400);
  section.Count("segment_bytes", &vault.segment_bytes, kMiB, kSegmentBytesMax);
  constexpr uint64_t kAny = std::numeric_limits<uint32_t>::max();
  section.Count("chunk_bytes_min", &vault.cut.bytes_min, 1, kAny);
  section.Count("chunk_bytes_average", &vault.cut.bytes_average, 1, kAny);
  section.Count("chunk_bytes_max", &vault.cut.bytes_max, 1, kAny);
  section.Count("rpo_target_seconds", &vault.rpo_target_seconds, 1, 366ull * 86400);
  section.Finish();
  if (vault.ack != "strict" && vault.ack != "quorum") {
    section.Refuse(section.line(), "'ack' in [[vaults]] must be \"strict\" or \"quorum\"");
  }
  const absl::Status cut = CheckCutLimits(vault.cut);
  if (!cut.ok()) section.Refuse(section.line(), std::string(cut.message()));
  for (const VaultConfig& other : *vaults) {
    if (other.name == vault.name || other.id == vault.id)
      section.Refuse(section.line(), absl::StrFormat("vault '%s' has the name or id of vault '%s'",
                                                     vault.name, other.name));
  }
  vaults->push_back(std::move(vault));
}

void CheckAgent(const AgentConfig& config, Section* top) {
  const auto is_primary = [](const AgentSite& site) { return site.is_primary; };
  const auto primaries = std::count_if(config.sites.begin(), config.sites.end(), is_primary);
  if (config.sites.size() != 3 || primaries != 2) {
    top->Refuse(top->line(), absl::StrFormat("two primaries and one witness are needed; there are "
                                             "%d [[sites]], %d of them primary",
                                             config.sites.size(), primaries));
  }
  if (config.vaults.empty()) top->Refuse(top->line(), "at least one [[vaults]] is needed");
  if (config.socket.size() > kSocketPathBytesMax) {
    top->Refuse(top->line(), absl::StrFormat("'socket' is %d bytes long; a unix socket's path has "
                                             "at most %d",
                                             config.socket.size(), kSocketPathBytesMax));
  }
}

}  // namespace

absl::StatusOr<AgentConfig> ParseAgentConfig(const std::string& text, const std::string& path) {
  absl::StatusOr<toml::table> table = ParseToml(text, path);
  if (!table.ok()) return table.status();
  absl::Status failure;
  AgentConfig config;
  config.path = path;
  Section top(&*table, "", path, &failure);
  top.Text("name", &config.name);
  top.Path("state", &config.state, true);
  top.Path("socket", &config.socket, true);
  top.OctalMode("socket_mode", &config.socket_mode);
  top.Path("key_file", &config.key_file, true);
  top.Path("key_passphrase_file", &config.key_passphrase_file);
  top.Credentials(&config.identity);
  top.Path("reader_certificate", &config.reader.certificate);
  top.Path("reader_private_key", &config.reader.private_key);
  config.reader.authority = config.identity.authority;
  top.Flag("allow_same_host", &config.allow_same_host);
  Section memory = top.Table("memory");
  memory.Count("record_buffers", &config.record_buffers, 8, 4096);
  memory.Count("span_buffers", &config.span_buffers, 4, 4096);
  memory.Count("index_cache_bytes", &config.index_cache_bytes, kMiB, uint64_t{1} << 40);
  memory.Finish();
  Section log = top.Table("log");
  log.Level("level", &config.log_level);
  log.Finish();
  for (Section& section : top.Tables("sites")) ReadSite(section, &config.sites);
  for (Section& section : top.Tables("vaults")) ReadVault(section, &config.vaults);
  top.Finish();
  CheckAgent(config, &top);
  return failure.ok() ? absl::StatusOr<AgentConfig>(std::move(config)) : failure;
}

absl::StatusOr<SiteConfig> ParseSiteConfig(const std::string& text, const std::string& path) {
  absl::StatusOr<toml::table> table = ParseToml(text, path);
  if (!table.ok()) return table.status();
  absl::Status failure;
  SiteConfig config;
  config.path = path;
  SiteOptions* options = &config.options;
  Section top(&*table, "", path, &failure);
  top.Text("name", &options->name, true);
  top.IsPrimary("role", &options->is_primary);
  top.Path("store", &options->store_path, true);
  top.Address("listen", &options->listen, true);
  top.Address("data_listen", &options->data_listen, true);
  top.Credentials(&config.identity);
  Section limits = top.Table("limits");
  limits.Count("record_buffers", &options->record_buffers, 8, 4096);
  limits.Count("sessions_max", &options->sessions_max, 4, 65536);
  limits.Count("log_file_bytes_min", &options->log_file_bytes_min, 16 * kMiB, kMiB * kMiB);
  limits.Count("log_file_bytes_max", &options->log_file_bytes_max, 16 * kMiB, uint64_t{1} << 40);
  limits.Count("reserve_bytes", &options->reserve_bytes, 0, uint64_t{1} << 50);
  limits.Finish();
  Section scrub = top.Table("scrub");
  scrub.Count("period_seconds", &options->scrub_period_seconds, 1, 366ull * 86400);
  scrub.Count("bytes_per_second_min", &options->scrub_bytes_per_second_min, 0, kMiB * kMiB);
  scrub.Count("bytes_per_second_max", &options->scrub_bytes_per_second_max, 4096, kMiB * kMiB);
  scrub.Finish();
  if (options->log_file_bytes_min > options->log_file_bytes_max)
    limits.Refuse(limits.line(), "log_file_bytes_min is larger than log_file_bytes_max");
  Section log = top.Table("log");
  log.Level("level", &config.log_level);
  log.Finish();
  top.Finish();
  return failure.ok() ? absl::StatusOr<SiteConfig>(std::move(config)) : failure;
}

bool LooksLikeSiteConfig(const std::string& text) {
  const toml::parse_result parsed = toml::parse(text);
  return parsed && parsed.table().contains("store");
}

}  // namespace tidemark
