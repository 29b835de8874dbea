// Configuration as text: what `setup` writes and `config show` prints.
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "agent/config.h"

namespace tidemark {
namespace {

// A TOML basic string.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += std::string("\\") + c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += absl::StrFormat("\\u%04x", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string Line(const std::string& key, const std::string& text) {
  return absl::StrFormat("%s = %s\n", key, Quoted(text));
}
std::string Line(const std::string& key, uint64_t number) {
  return absl::StrFormat("%s = %d\n", key, number);
}
std::string Flag(const std::string& key, bool value) {
  return absl::StrFormat("%s = %s\n", key, value ? "true" : "false");
}
std::string RoleLine(bool is_primary) { return Line("role", is_primary ? "primary" : "witness"); }

std::string Identity(const CredentialPaths& paths) {
  return Line("authority", paths.authority) + Line("certificate", paths.certificate) +
         Line("private_key", paths.private_key);
}
// Limits that are the class's own are comments: who changes the class of a vault that is not made
// yet changes them with it.
std::string ClassLines(const VaultConfig& vault) {
  const bool of_class = vault.cut == CutLimitsOfClass(vault.data_class);
  const std::string lead = of_class ? "# by class: " : "";
  return Line("class", vault.data_class) + lead + Line("chunk_bytes_min", vault.cut.bytes_min) +
         lead + Line("chunk_bytes_average", vault.cut.bytes_average) + lead +
         Line("chunk_bytes_max", vault.cut.bytes_max);
}
std::string RateLines(const RateSchedule& rate) {
  std::string text = Line("rate_limit", FormatRate(rate.bytes_per_second));
  if (rate.windows.empty()) return text;
  const auto append = [](std::string* out, const RateWindow& window) {
    out->append(Quoted(FormatRateWindow(window)));
  };
  return text + "rate_schedule = [" + absl::StrJoin(rate.windows, ", ", append) + "]\n" +
         Line("rate_zone", rate.zone);
}
std::string Log(LogLevel level, LogFormat format) {
  return "\n[log]\n" + Line("level", LogLevelName(level)) + Line("format", LogFormatName(format));
}

}  // namespace

std::string WriteConfig(const AgentConfig& config) {
  std::string text = Line("name", config.name) + Line("state", config.state) +
                     Line("socket", config.socket) +
                     Line("socket_mode", absl::StrFormat("%04o", config.socket_mode)) +
                     Line("key_file", config.key_file);
  if (!config.key_passphrase_file.empty())
    text += Line("key_passphrase_file", config.key_passphrase_file);
  text += Identity(config.identity);
  if (!config.reader.certificate.empty()) {
    text += Line("reader_certificate", config.reader.certificate) +
            Line("reader_private_key", config.reader.private_key);
  }
  text += Flag("allow_same_host", config.allow_same_host);
  text += "\n[memory]\n" + Line("record_buffers", config.record_buffers) +
          Line("span_buffers", config.span_buffers) +
          Line("index_cache_bytes", config.index_cache_bytes);
  text += "\n[limits]\n" + Line("workers", config.workers) +
          Line("cpu_percent", config.cpu_percent) + Line("memory_percent", config.memory_percent);
  text += "\n[status]\n" + Line("listen", config.status.listen);
  for (const auto& [key, path] : {std::pair("token_file", &config.status.token_file),
                                  {"certificate", &config.status.certificate},
                                  {"private_key", &config.status.private_key},
                                  {"client_authority", &config.status.client_authority}}) {
    if (!path->empty()) text += Line(key, *path);
  }
  text += "\n[proof]\n" + Line("keep_days", config.proof_keep_days) +
          Line("bytes_max", config.proof_bytes_max);
  text += Log(config.log_level, config.log_format);
  for (const AgentSite& site : config.sites) {
    text += "\n[[sites]]\n" + Line("name", site.name) + RoleLine(site.is_primary) +
            Line("address", site.address);
    if (!site.key.empty()) text += Line("key", site.key);
    text += Line("connections", site.connections) + RateLines(site.rate);
  }
  for (const VaultConfig& vault : config.vaults) {
    text += "\n[[vaults]]\n" + Line("name", vault.name) + Line("id", vault.id.hex()) +
            Flag("compression", vault.compression) + Line("ack", vault.ack) +
            Line("quorum_after_seconds", vault.quorum_after_seconds) +
            Line("segment_bytes", vault.segment_bytes) + ClassLines(vault) +
            Line("rpo_target_seconds", vault.rpo_target_seconds) +
            Line("rpo_policy", vault.rpo_policy);
    if (!vault.tier.empty())
      text += Line("tier", vault.tier) + Flag("tier_enforced", vault.tier_enforced);
  }
  return text;
}

std::string WriteConfig(const SiteConfig& config) {
  const SiteOptions& options = config.options;
  std::string text = Line("name", options.name) + RoleLine(options.is_primary) +
                     Line("store", options.store_path) + Line("listen", options.listen) +
                     Line("data_listen", options.data_listen) + Identity(config.identity) +
                     "\n[limits]\n" + Line("record_buffers", options.record_buffers) +
                     Line("sessions_max", options.sessions_max) +
                     Line("log_file_bytes_min", options.log_file_bytes_min) +
                     Line("log_file_bytes_max", options.log_file_bytes_max) +
                     Line("reserve_bytes", options.reserve_bytes);
  text += "\n[scrub]\n" + Line("period_seconds", options.scrub_period_seconds) +
          Line("bytes_per_second_min", options.scrub_bytes_per_second_min) +
          Line("bytes_per_second_max", options.scrub_bytes_per_second_max);
  return text + Log(config.log_level, config.log_format);
}

}  // namespace tidemark
