// What stable storage of one site holds of one vault's log, read by an eye of its own: it shares
// the formats with the product and none of its recovery code.
//
// A record counts when its head and its payload are whole on the platter and no later file begins
// below it. What was seen once is not read again until Forget.
#ifndef TIDEMARK_TESTS_SIM_PLATTER_H_
#define TIDEMARK_TESTS_SIM_PLATTER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "replicator/placement.h"
#include "tests/sim/sim_disk.h"

namespace tidemark {

class Platter {
 public:
  Platter(const SimDisk* disk, std::string store, VaultId vault)
      : disk_(disk), directory_(store + "/vaults/" + vault.hex()) {}
  // Looks at the disk; afterwards log()[i] is record i + 1.
  void Update();
  // The disk changed under it: a power loss.
  void Forget() {
    log_.clear();
    digests_.clear();
    files_.clear();
    asides_.clear();
  }
  const std::vector<const CanonicalHeader*>& log() const { return log_; }
  struct Place {
    std::string path;
    uint64_t offset = 0, bytes = 0;
  };
  // Of a record that was durable for certain, as a later head says; the `chosen`th from the newest,
  // round about.
  std::optional<Place> PlaceWithEvidence(uint64_t chosen) const;
  // Its digest; an empty one where there is no such record.
  Digest DigestAt(uint64_t sequence) const {
    return sequence == 0 || sequence > digests_.size() ? Digest() : digests_[sequence - 1];
  }
  // A record that no log has any more, and that is whole where it was given up: in a file that a
  // later one begins below, or in a copy kept aside.
  bool IsGivenUp(const Digest& digest) const;

 private:
  struct File {
    LogFileHeader header;
    uint64_t end = 0;  // 0: its header was not whole when last looked at
    std::vector<CanonicalHeader> records;
    std::vector<Digest> digests;
    std::vector<Place> places;
    std::vector<uint64_t> durable_upto;
  };
  std::optional<LogFileHeader> HeaderOf(const std::string& path) const;
  void ReadOn(const std::string& path, File* file) const;
  const SimDisk* disk_;
  std::string directory_;
  std::map<std::string, File> files_, asides_;
  std::vector<const CanonicalHeader*> log_;
  std::vector<Digest> digests_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_PLATTER_H_
