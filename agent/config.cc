#include "agent/config.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "agent/config_alerts.h"
#include "agent/link/data_connection.h"
#include "agent/report/status_port.h"

namespace tidemark {
namespace {

constexpr uint64_t kMiB = 1ull << 20;

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
  section.Count("connections", &site.connections, 1, kAppendConnectionsMax);
  section.Rates(&site.rate);
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
  section.OneOf("class", &vault.data_class, {"general", "database", "media", "wal"});
  vault.cut = CutLimitsOfClass(vault.data_class);
  constexpr uint64_t kAny = std::numeric_limits<uint32_t>::max();
  section.Count("chunk_bytes_min", &vault.cut.bytes_min, 1, kAny);
  section.Count("chunk_bytes_average", &vault.cut.bytes_average, 1, kAny);
  section.Count("chunk_bytes_max", &vault.cut.bytes_max, 1, kAny);
  vault.rpo_target_seconds = RpoTargetOfClass(vault.data_class);
  section.Count("rpo_target_seconds", &vault.rpo_target_seconds, 1, 366ull * 86400);
  section.OneOf("rpo_policy", &vault.rpo_policy, {"alert", "throttle", "refuse"});
  section.OneOf("tier", &vault.tier, {"", "S1", "S2", "S3"});
  section.Flag("tier_enforced", &vault.tier_enforced);
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

void ReadStatusPort(Section section, StatusPortConfig* status) {
  section.Address("listen", &status->listen, true, false);
  section.Path("token_file", &status->token_file);
  section.Path("certificate", &status->certificate);
  section.Path("private_key", &status->private_key);
  section.Path("client_authority", &status->client_authority);
  section.Finish();
  const std::string host = status->listen.substr(0, status->listen.rfind(':'));
  if (!status->listen.empty() && !IsLoopback(host) && status->token_file.empty() &&
      status->client_authority.empty()) {
    section.Refuse(section.line(),
                   "'listen' in [status] is not on loopback: set token_file, or "
                   "client_authority with certificate and private_key");
  }
  if (status->certificate.empty() != status->private_key.empty() ||
      (!status->client_authority.empty() && status->certificate.empty())) {
    section.Refuse(section.line(),
                   "[status] needs certificate and private_key together, and for client_authority");
  }
}

void CheckAgent(const AgentConfig& config, Section* top) {
  const auto is_primary = [](const AgentSite& site) { return site.is_primary; };
  const auto primaries = std::count_if(config.sites.begin(), config.sites.end(), is_primary);
  if (config.sites.size() != 3 || primaries != 2) {
    top->Refuse(top->line(), absl::StrFormat("two primaries and one witness are needed; there are "
                                             "%d [[sites]], %d of them primary",
                                             config.sites.size(), primaries));
  }
  // Each holds a record while it sends it, also towards a site that has stopped reading.
  uint32_t connections = 0;
  for (const AgentSite& site : config.sites) connections += site.connections;
  if (connections > config.record_buffers / 2) {
    top->Refuse(top->line(), absl::StrFormat("%d connections to sites need at least %d "
                                             "record_buffers in [memory]; there are %d",
                                             connections, 2 * connections, config.record_buffers));
  }
  if (config.vaults.empty()) top->Refuse(top->line(), "at least one [[vaults]] is needed");
  if (config.socket.size() > kSocketPathBytesMax) {
    top->Refuse(top->line(), absl::StrFormat("'socket' is %d bytes long; a unix socket's path has "
                                             "at most %d",
                                             config.socket.size(), kSocketPathBytesMax));
  }
}

}  // namespace

// A dump changes by a few rows here and there: each costs the chunks around it. Smaller ones cost
// index and manifest in turn, which pays where versions resemble each other.
CutLimits CutLimitsOfClass(const std::string& data_class) {
  return data_class == "database" ? CutLimits{4 * 1024, 16 * 1024, 64 * 1024} : CutLimits();
}

uint64_t RpoTargetOfClass(const std::string& data_class) {
  return data_class == "media" ? 3600 : data_class == "wal" ? 60 : 900;
}

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
  Section limits = top.Table("limits");
  limits.Count("workers", &config.workers, 0, 1024);
  limits.Count("cpu_percent", &config.cpu_percent, 1, 100);
  limits.Count("memory_percent", &config.memory_percent, 1, 100);
  limits.Finish();
  ReadStatusPort(top.Table("status"), &config.status);
  ReadSlaConfig(&top, &config.sla);
  Section proof = top.Table("proof");
  proof.Count("keep_days", &config.proof_keep_days, 1, 3660);
  proof.Count("bytes_max", &config.proof_bytes_max, 256 * kMiB, kMiB * kMiB);
  proof.Finish();
  Section log = top.Table("log");
  log.Level("level", &config.log_level);
  log.Format("format", &config.log_format);
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
  log.Format("format", &config.log_format);
  log.Finish();
  top.Finish();
  return failure.ok() ? absl::StatusOr<SiteConfig>(std::move(config)) : failure;
}

bool LooksLikeSiteConfig(const std::string& text) {
  const toml::parse_result parsed = toml::parse(text);
  return parsed && parsed.table().contains("store");
}

}  // namespace tidemark
