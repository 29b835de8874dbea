// What the two daemons are told: agent.toml and site.toml.
//
// Strict: an unknown key, a wrong type or a value outside its limits is refused with file, line and
// what is allowed. Paths are relative to the file's directory. Nothing here touches the system:
// the text comes in, a checked struct goes out.
#ifndef TIDEMARK_AGENT_CONFIG_H_
#define TIDEMARK_AGENT_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/log.h"
#include "agent/rate_schedule.h"
#include "agent/report/alert_config.h"
#include "agent/site/site_server.h"
#include "chunker/cut_rule.h"
#include "chunker/segment.h"
#include "crypto/bytes.h"

namespace tidemark {

// Who a daemon is: PEM files.
struct CredentialPaths {
  std::string authority;  // the CA's certificate
  std::string certificate;
  std::string private_key;  // secret
};

struct AgentSite {
  std::string name;  // what its certificate must say
  bool is_primary = true;
  std::string address;       // of its control port, "host:port"
  std::string key;           // its public key in hex, for the recovery kit; empty: not known
  uint32_t connections = 1;  // for records; more for a long line
  RateSchedule rate;         // how fast it may be sent to; read again by a reload
};

struct VaultConfig {
  std::string name;
  VaultId id;
  bool compression = true;
  std::string ack = "strict";  // both primaries; "quorum": any two sites once a primary is late
  uint64_t quorum_after_seconds = 10;
  uint64_t segment_bytes = kSegmentBytesMax;
  std::string data_class = "general";  // general | database | media | wal
  CutLimits cut;                       // by class when it is not said, and for a new vault only
  uint64_t rpo_target_seconds = 900;   // by class when it is not said
  std::string rpo_policy = "alert";    // near the target: alert | throttle | refuse
  std::string tier;                    // empty, S1, S2 or S3
  bool tier_enforced = false;
};

// What a class means where a vault's own lines do not say otherwise.
CutLimits CutLimitsOfClass(const std::string& data_class);
uint64_t RpoTargetOfClass(const std::string& data_class);  // seconds

// The status port. Off loopback it needs a token or client certificates.
struct StatusPortConfig {
  std::string listen = "127.0.0.1:9740";  // "host:port"; empty: no port
  std::string token_file;                 // secret: what comes after "Authorization: Bearer "
  std::string certificate, private_key;   // PEM; empty: plain HTTP
  std::string client_authority;           // PEM; a client must show a certificate of it
};

struct AgentConfig {
  std::string path;  // of the file itself
  std::string name = "agent";
  std::string state;   // directory: dedup index, epoch, kit acknowledgement
  std::string socket;  // at most 107 bytes
  uint32_t socket_mode = 0660;
  std::string key_file;             // the KEK
  std::string key_passphrase_file;  // empty: the key file has none, or a terminal is asked
  CredentialPaths identity;
  CredentialPaths reader;        // read-only; for restores without the agent and for the kit
  std::vector<AgentSite> sites;  // two primaries, one witness
  std::vector<VaultConfig> vaults;
  bool allow_same_host = false;
  uint64_t proof_keep_days = 400;                 // of receipts
  uint64_t proof_bytes_max = uint64_t{64} << 30;  // of them; the oldest go early
  uint32_t record_buffers = 32;                   // of 4 MiB
  uint32_t span_buffers = 20;                     // of 1 MiB
  uint64_t index_cache_bytes = 8ull << 20;
  uint32_t workers = 0;                            // threads; 0: one per core, at least 2
  uint32_t cpu_percent = 80, memory_percent = 85;  // of the machine: who takes more is told of
  StatusPortConfig status;
  SlaConfig sla;  // not written by WriteConfig: what setup makes has none
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

struct SiteConfig {
  std::string path;
  SiteOptions options;  // `host` and `software` are left to the caller
  CredentialPaths identity;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
};

// kFailedPrecondition "FILE:LINE: what is wrong; what is allowed". `path` is absolute.
absl::StatusOr<AgentConfig> ParseAgentConfig(const std::string& text, const std::string& path);
absl::StatusOr<SiteConfig> ParseSiteConfig(const std::string& text, const std::string& path);
// True when the text has the key that only a site has (`store`).
bool LooksLikeSiteConfig(const std::string& text);

// TOML that parses back to the same; also how setup writes the files. All values, defaults too.
std::string WriteConfig(const AgentConfig& config);
std::string WriteConfig(const SiteConfig& config);

inline constexpr size_t kSocketPathBytesMax = 107;  // sun_path, less its NUL

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CONFIG_H_
