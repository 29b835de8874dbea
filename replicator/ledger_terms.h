// What a ledger is about: the period, sites and vaults, and what is known to be missing.
#ifndef TIDEMARK_REPLICATOR_LEDGER_TERMS_H_
#define TIDEMARK_REPLICATOR_LEDGER_TERMS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "crypto/bytes.h"

namespace tidemark {

struct LedgerTerms {
  struct Vault {
    VaultId id;
    std::string name;
    int64_t target = 0;  // nanoseconds
  };
  // Receipts that nobody has: the time that they would tell of is unknown.
  struct Gap {
    size_t site = 0;
    StoreId store;
    uint64_t from = 0, to = 0;
  };
  int64_t since = 0, until = INT64_MAX;
  std::vector<std::string> sites;  // as the agent's checkpoints order them
  std::vector<Vault> vaults;
  std::vector<Gap> gaps;  // of a store by rising number
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_LEDGER_TERMS_H_
