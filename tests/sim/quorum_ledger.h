// The laws of claims where any two of three sites may commit: a site may give up what only it held,
// and must say so in its next receipt; what an agent called committed stays at two sites for ever.
#ifndef TIDEMARK_TESTS_SIM_QUORUM_LEDGER_H_
#define TIDEMARK_TESTS_SIM_QUORUM_LEDGER_H_

#include <set>
#include <string>
#include <vector>

#include "tests/sim/checkers.h"

namespace tidemark {

class QuorumLedger : public LogLedger {
 public:
  QuorumLedger(std::vector<SiteView> sites, std::string store_path, VaultId vault,
               Findings* findings);
  void OnCheckpoint(const PublicKey& agent, const std::string& bytes) override;
  void OnPowerLoss(uint32_t site) override;
  // As far as two sites claim the same.
  uint64_t committed() const override;
  Digest DigestAt(uint64_t sequence) const override;
  void CheckAllEqual() override;

 private:
  struct Claims {
    std::vector<Digest> log;  // [i] is sequence i + 1
    std::set<Digest> before;  // claimed until something was given up
    bool owes_truncation = false;
  };
  void Claim(Site* site, const char* where, const Position& position, uint64_t at_least) override;
  void OnNewReceipt(Site* site, const Receipt& receipt) override;
  void GiveUp(Site* site, const Position& position);
  void CheckMode(const Position& upto);
  Claims* ClaimsOf(const Site* site) { return &claims_[static_cast<size_t>(site - &sites_[0])]; }
  bool Claimed(size_t site, const Position& position) const;

  std::vector<Claims> claims_;
  std::vector<Digest> told_;  // what an agent called committed
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_QUORUM_LEDGER_H_
