// I/Os, commits and bytes a second at one site's store, as a whole and by vault: means over the
// last 10 s, from the counters that come with each heartbeat.
#ifndef TIDEMARK_AGENT_SOURCE_STORE_RATES_H_
#define TIDEMARK_AGENT_SOURCE_STORE_RATES_H_

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "crypto/bytes.h"
#include "replicator/wire.h"

namespace tidemark {

class StoreRates {
 public:
  struct Rates {  // per second
    double write_ios = 0, read_ios = 0, commits = 0, bytes_written = 0, bytes_read = 0;
  };
  // `now` is monotonic. A site that was restarted counts from 0 again: its window begins anew.
  void Note(absl::Duration now, const wire::HeartbeatReply& reply);
  void Clear() { window_.clear(); }
  // nullopt: not known yet, or no such vault there.
  std::optional<Rates> Site() const;
  std::optional<Rates> Of(const VaultId& vault) const;

 private:
  struct Count {
    uint64_t write_ios = 0, read_ios = 0, commits = 0, bytes_written = 0, bytes_read = 0;
  };
  struct Counts {
    absl::Duration at;
    Count site;
    std::map<std::string, Count> vaults;  // by id, as on the wire
  };
  std::optional<Rates> Between(const Count& first, const Count& last) const;
  std::deque<Counts> window_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_STORE_RATES_H_
