// The invariants that a simulated cluster is held to; README.md says which checker holds which.
// Each checker watches the world from outside and says what it found; the first finding ends a
// seed.
#ifndef TIDEMARK_TESTS_SIM_INVARIANTS_H_
#define TIDEMARK_TESTS_SIM_INVARIANTS_H_

#include <cstdint>
#include <string>

namespace tidemark {

enum class Invariant : uint8_t {
  kDurability,      // 1: what was said to be committed comes back, byte for byte
  kNoHoleNoGhost,   // 2: what a site recovers is a prefix of what was offered
  kHonestReceipts,  // 3: what a site says to be durable is on its platter at that instant
  kNoEquivocation,  // 4: nobody says two things about one place in the log
  kFencing,         // 5: one writer per epoch; promises only grow
  kTruthfulLag,     // 6: reported lag and RPO are never below the truth
  kBounded,         // 7: bytes, descriptors and operations stay within their budgets
  kKeyUniqueness,   // 8: a key seals one plaintext
  kCanaries,        // 9: plaintext appears on no wire and no disk
  kIsolation,       // 10: the witness is sent what is committed, and holds nobody up
  kByteIdentity,    // 11: after convergence all sites hold the same bytes
  kLiveness,        // 12: once nothing fails any more, everything is done
  kPurge,           // 13: what was purged opens nowhere
  kRetention,       // 14: nothing under hold disappears
  kDeterminism,     // 15: one seed, one history
  kNoLeak,          // 16: a process that ends leaves nothing behind
};
const char* InvariantName(Invariant invariant);

class Findings {
 public:
  void Add(Invariant invariant, const std::string& what) {
    if (first_.empty()) first_ = std::string(InvariantName(invariant)) + ": " + what;
  }
  bool ok() const { return first_.empty(); }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_INVARIANTS_H_
