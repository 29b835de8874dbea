// The scrub: re-reads everything that the store holds, record by record, for ever, and has healed
// what is bad. Paced so that every byte is read within the period, and no faster than need be;
// after a find faster for a while, since damage seldom comes alone.
//
// Where it stands is kept in the store (STORE/scrub.{0,1}), so that a restart goes on from there.
#ifndef TIDEMARK_AGENT_SITE_SCRUBBER_H_
#define TIDEMARK_AGENT_SITE_SCRUBBER_H_

#include <string>
#include <vector>

#include "agent/site/healer.h"
#include "agent/site/twin_file.h"
#include "replicator/wire.h"

namespace tidemark {

class Site;

// Faster by this much for this long after a find.
inline constexpr uint64_t kScrubHurry = 10;
inline constexpr absl::Duration kScrubHurryFor = absl::Hours(1);

class Scrubber {
 public:
  // The site outlives it.
  explicit Scrubber(Site* site);
  Scrubber(const Scrubber&) = delete;
  Io* io() const { return io_; }

  // Where the last run of the process got to. Damage to what is kept costs a new pass.
  Task<> Load();
  // Until Stop; then what was done is kept.
  Task<> Run();
  void Stop() { pause_.Cut(); }

  wire::ScrubState State() const;

 private:
  // Of the pass under way.
  struct Place {
    VaultId vault;
    uint64_t sequence = 0;  // the next one, in that vault or in one behind it
    uint64_t bytes = 0;     // read
    int64_t began_nanos = 0;
  };
  Task<> CheckNext();
  SiteVault* FindNext();
  Task<> EndPass();
  Task<> MendSmallFiles();
  Task<> Rest(uint64_t bytes);
  Task<> Keep();
  uint64_t BytesPerSecond() const;
  uint64_t StoreBytes() const;
  std::string Encode() const;
  void Decode(const std::string& content);

  Site* site_;
  Io* io_;
  TwinFile file_;
  Place at_;
  uint64_t passes_ = 0;
  int64_t last_full_pass_nanos_ = 0;  // wall clock; 0: never
  absl::Duration hurry_until_, kept_;
  std::unique_ptr<RecordCheck> check_;  // of check_vault_
  SiteVault* check_vault_ = nullptr;
  Pause pause_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_SCRUBBER_H_
