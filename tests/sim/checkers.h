// What must hold whatever happens in a simulated cluster: the invariants of claims, keys and bytes.
#ifndef TIDEMARK_TESTS_SIM_CHECKERS_H_
#define TIDEMARK_TESTS_SIM_CHECKERS_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crypto/sealing.h"
#include "replicator/receipt.h"
#include "replicator/wire.h"
#include "tests/sim/invariants.h"
#include "tests/sim/platter.h"

namespace tidemark {

// Laws 1 to 4, from what sites say on the wire and what their platters hold at that instant.
//
// What a site says to be durable is a claim. It is checked against stable storage, and the first
// claim of a sequence decides its record for all sites and for ever. Claims never shrink: not on
// one connection, not below what was claimed before a restart, not in a promise. (Two connections
// of one site may overtake each other.)
class LogLedger {
 public:
  struct SiteView {
    std::string name;
    const SimDisk* disk = nullptr;
    bool is_primary = true;
    PublicKey key;
  };
  LogLedger(std::vector<SiteView> sites, std::string store_path, VaultId vault, Findings* findings);
  LogLedger(const LogLedger&) = delete;
  virtual ~LogLedger() = default;

  // A message of site `site`, as it leaves.
  void OnMessage(uint32_t site, uint64_t connection, const wire::Control& message);
  // A checkpoint of an agent, as it leaves beside the log.
  virtual void OnCheckpoint(const PublicKey& agent, const std::string& bytes);
  void OnStart(uint32_t site) { sites_[site].floor = sites_[site].claimed; }
  // The site's machine lost power, and its disk has settled: all claims must still be there.
  virtual void OnPowerLoss(uint32_t site);
  // Durable at every primary, by their own claims.
  virtual uint64_t committed() const;
  uint64_t claimed(uint32_t site) const { return sites_[site].claimed; }
  // The site said that it is damaged, or that its disk fails.
  bool troubled(uint32_t site) const { return sites_[site].troubled; }
  // How many records the site's platter holds now, claimed or not; and one of them.
  uint64_t Held(uint32_t site);
  Digest HeldAt(uint32_t site, uint64_t sequence) const {
    return sites_[site].platter->DigestAt(sequence);
  }
  // How often committed() grew.
  uint64_t commits() const { return commits_; }
  virtual Digest DigestAt(uint64_t sequence) const {
    return sequence == 0 || sequence > records_.size() ? Digest() : records_[sequence - 1].digest;
  }
  // A record of a site that later ones show to have been durable; nullopt: none.
  std::optional<Platter::Place> PlaceWithEvidence(uint32_t site, uint64_t chosen);
  // A site's disk was changed under it.
  void Reread(uint32_t site);
  // At the end: every platter holds the same log, which is the one that was claimed.
  virtual void CheckAllEqual();

 protected:
  struct Site {
    SiteView view;
    std::unique_ptr<Platter> platter;
    uint64_t claimed = 0;
    bool troubled = false;
    uint64_t floor = 0;                 // claimed before this life of it
    std::map<uint64_t, uint64_t> said;  // by connection
    uint64_t promised_epoch = 0;
    std::map<uint64_t, SessionId> promises;  // epoch -> nonce
    std::map<uint64_t, Digest> receipts;     // number -> digest
  };
  struct Record {
    uint64_t epoch = 0;
    Digest digest;
  };
  // Checks what a site says to be durable, and remembers it.
  virtual void Claim(Site* site, const char* where, const Position& position, uint64_t at_least);
  // A receipt that was not seen before.
  virtual void OnNewReceipt(Site* site, const Receipt& receipt);
  void ClaimState(Site* site, const char* where, const wire::VaultState& state, uint64_t* said);
  void Extend(Site* site, uint64_t upto);
  bool Holds(Site* site, const Position& position);
  void OnPromise(Site* site, const std::string& bytes);
  void OnReceipt(Site* site, const std::string& bytes);
  void Wrong(Invariant invariant, const Site& site, const std::string& what) {
    findings_->Add(invariant, "site " + site.view.name + ": " + what);
  }

  VaultId vault_;
  Findings* findings_;
  std::vector<Site> sites_;
  std::vector<Record> records_;  // [i] is sequence i + 1
  uint64_t commits_ = 0;
};

// Law 8: a (key, nonce) pair seals one plaintext, ever. Nonces are constant. Watches every Seal of
// this process while it lives.
class SealWatch {
 public:
  explicit SealWatch(Findings* findings);
  SealWatch(const SealWatch&) = delete;
  ~SealWatch();
  uint64_t seals() const { return seals_; }

 private:
  static void OnSeal(void* self, const Digest& key_fingerprint, const Digest& plaintext);
  Findings* findings_;
  std::map<Digest, Digest> sealed_;
  uint64_t seals_ = 0;
};

// Plaintext that is planted in contents and names, and may leave the agent's memory nowhere.
inline constexpr std::string_view kCanary = "~canary~in~plaintext~4711~";
class CanaryWatch {
 public:
  explicit CanaryWatch(Findings* findings) : findings_(findings) {}
  void OnSend(uint32_t socket, ByteSpan bytes);
  void OnWrite(const std::string& path, ByteSpan bytes);
  uint64_t bytes() const { return bytes_; }

 private:
  Findings* findings_;
  std::map<uint32_t, std::string> ends_;  // of what each socket sent: a canary may be cut in two
  uint64_t bytes_ = 0;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_CHECKERS_H_
