// A site: one process that stores logs. Its role says only whether a commit waits for it.
//
//   Open -> Serve (returns after Stop, or on a fatal error)
#ifndef TIDEMARK_AGENT_SITE_SITE_SERVER_H_
#define TIDEMARK_AGENT_SITE_SITE_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/task.h"
#include "crypto/channel.h"
#include "crypto/digest.h"
#include "crypto/identity.h"

namespace tidemark {

inline constexpr uint64_t kScrubPeriodSeconds = 14 * 86400;
inline constexpr uint64_t kScrubBytesPerSecondMin = 8 * 1024;
inline constexpr uint64_t kScrubBytesPerSecondMax = 64 * 1024 * 1024;

struct SiteOptions {
  std::string name;
  bool is_primary = true;
  std::string store_path;
  std::string listen;       // control, "host:port", port 0: any
  std::string data_listen;  // data
  Digest host;              // of the machine's id, told to the agent
  std::string software;
  std::function<void(const std::string& line)> log;  // what an operator should read; may be empty
  // Limits.
  uint32_t record_buffers = 20;  // of 4 MiB: receiving, writing, reading
  uint32_t sessions_max = 64;
  uint64_t log_file_bytes_min = 64ull << 20;  // a vault's first log file; doubles up to the maximum
  uint64_t log_file_bytes_max = 1ull << 30;
  uint64_t reserve_bytes = 64ull << 20;  // free space below which it says FULL
  // The scrub: a byte is read again within the period, at no less and no more than these rates
  // while there is something to read; small stores rest between two passes.
  uint64_t scrub_period_seconds = kScrubPeriodSeconds;
  uint64_t scrub_bytes_per_second_min = kScrubBytesPerSecondMin;
  uint64_t scrub_bytes_per_second_max = kScrubBytesPerSecondMax;
  absl::Duration scrub_rest = absl::Minutes(1);
  absl::Duration receipt_interval = absl::Milliseconds(50);
  absl::Duration handshake_limit = absl::Seconds(5);
  absl::Duration idle_limit = absl::Seconds(10);
};

class SiteServer {
 public:
  virtual ~SiteServer() = default;
  // Locks and recovers the store (making an empty one when the directory is empty), binds both
  // ports. kAlreadyExists: store or port in use; kFailedPrecondition: the store belongs to another
  // site or a newer format; kDataLoss: its superblocks are damaged. `channels` and `identity` must
  // outlive it.
  static Task<absl::StatusOr<std::unique_ptr<SiteServer>>> Open(Io* io, SiteOptions options,
                                                                ChannelFactory* channels,
                                                                const SigningKey* identity);
  virtual Task<absl::Status> Serve() = 0;
  // Ends Serve: sessions are closed, what was received whole is flushed.
  virtual void Stop() = 0;
  virtual uint16_t control_port() const = 0;
  virtual uint16_t data_port() const = 0;
  virtual const StoreId& store() const = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_SITE_SERVER_H_
