// What a site's vaults share, and who hears of them.
#ifndef TIDEMARK_AGENT_SITE_VAULT_CONTEXT_H_
#define TIDEMARK_AGENT_SITE_VAULT_CONTEXT_H_

#include <string>
#include <vector>

#include "agent/site/receipt_chain.h"
#include "agent/site/vault_log.h"
#include "replicator/wire.h"

namespace tidemark {

class SiteVault;

// A session that wants to hear what happens. Calls come from the loop and may not await.
class SiteListener {
 public:
  virtual ~SiteListener() = default;
  virtual void OnDurable(SiteVault* vault) = 0;  // durable() grew, and may be acked
  // Records from `sequence` on are not in the log and will not be: they must be offered again.
  virtual void OnDropped(SiteVault* vault, uint64_t sequence, const wire::Failure& why) = 0;
  virtual void OnReceipt(const std::string& signed_receipt) = 0;
};

// What all vaults of a site share. Outlives them.
struct VaultContext {
  Io* io = nullptr;
  VaultLogOptions log;
  ReceiptSigner signer;
  ReceiptChain* receipts = nullptr;
  StoreCounters* counters = nullptr;
  std::vector<SiteListener*>* listeners = nullptr;
  Event* heads_changed = nullptr;  // woken when a receipt is due
};

// By which promise a session appends. epoch 0: none.
struct AppendRight {
  uint64_t epoch = 0;
  SessionId nonce;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_VAULT_CONTEXT_H_
