// Heals a site's store: what is bad is fetched from another site, checked, rewritten in place and
// read again from the medium. Needs no keys and trusts no peer: a block must have the digest that
// the record's head names, a head the digest that the next head (or the flushed tail) names.
//
// Where the other sites are, an agent tells (SetPeers). What a read found (Report) is healed in the
// background, what a check found when it asks (Heal); what cannot be healed now is tried again.
#ifndef TIDEMARK_AGENT_SITE_HEALER_H_
#define TIDEMARK_AGENT_SITE_HEALER_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/site/peer_session.h"
#include "agent/site/record_check.h"

namespace tidemark {

class Site;

// Reported and not looked at yet, or not healed: more are counted, but only the scrub finds them
// again.
inline constexpr size_t kDamageRememberedMax = 10000;

class Healer {
 public:
  // The site outlives it.
  explicit Healer(Site* site);
  Healer(const Healer&) = delete;
  Io* io() const { return io_; }

  // Replaces those known so far.
  void SetPeers(std::vector<PeerAddress> peers);
  // OK when it is right on the medium now. kUnavailable: no peer could be asked; kDataLoss: nobody
  // has it whole, or it cannot be rewritten. One at a time; others wait.
  Task<absl::Status> Heal(Damage damage);
  void Report(const Damage& damage);
  // Checks a record and heals what is bad in it, adding to *mended.
  struct Mended {
    Damage damage;
    absl::Status why, healed;
  };
  Task<> Mend(RecordCheck* check, uint64_t sequence, std::vector<Mended>* mended);
  // Heals what was reported, and tries again what could not be healed, until Stop.
  Task<> Run();
  // For good: everything under way ends soon.
  void Stop();

  uint64_t found() const { return found_; }    // since the start
  uint64_t healed() const { return healed_; }  // since the start
  // Not healed: what, and why not.
  const std::map<Damage, absl::Status>& bad() const { return bad_; }
  // Something that needs no other site was put right.
  void NoteMended(uint64_t count);
  void SetCounts(uint64_t found, uint64_t healed);

 private:
  Task<absl::Status> HealNow(Damage damage);
  Task<absl::Status> HealFileHeader(LogReader* reader, uint64_t sequence);
  Task<absl::Status> HealHeads(SiteVault* vault, LogReader* reader, uint64_t sequence);
  Task<absl::Status> HealHead(SiteVault* vault, LogReader* reader, uint64_t sequence);
  Task<absl::Status> HealBlock(LogReader* reader, const CanonicalHeader* header, uint32_t block);
  // From whichever peer has it. A null block: the head.
  struct Wanted {
    VaultId vault;
    uint64_t sequence = 0;
    const uint32_t* block = nullptr;
    Digest digest;                          // of the head, or of the block
    std::optional<CanonicalHeader> header;  // out
    MutableByteSpan bytes;                  // out
  };
  Task<absl::Status> FetchAnywhere(Wanted* wanted);
  Task<absl::Status> FetchFrom(PeerAddress peer, Wanted* wanted);
  Task<absl::Status> Ask(PeerSession* session, Wanted* wanted);
  Task<absl::StatusOr<PeerSession*>> SessionWith(PeerAddress peer);
  Task<> DropSession();
  Task<absl::Status> Write(std::string path, uint64_t offset, ByteSpan bytes);
  Task<> RetryBad();
  void Note(const Damage& damage, const absl::Status& healed);
  void Log(const std::string& line) const;

  Site* site_;
  Io* io_;
  std::vector<PeerAddress> peers_;
  struct Reported {
    Damage damage;
    absl::Duration at;
  };
  std::deque<Reported> reported_;
  std::map<Damage, absl::Status> bad_;
  uint64_t found_ = 0, healed_ = 0;
  bool was_bad_ = false;  // what is being healed was found bad, and not only said to be
  std::unique_ptr<PeerSession> session_;
  absl::Duration session_used_, retried_;
  uint32_t request_ = 0;
  bool stopped_ = false;
  BufferPool buffer_;  // one head and one block
  Semaphore turn_;
  Pause pause_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_HEALER_H_
