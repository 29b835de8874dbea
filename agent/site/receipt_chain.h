// A site's receipts: signed, numbered without a gap, each naming the one before; on stable storage
// before anybody sees them, so that a number is never signed twice.
#ifndef TIDEMARK_AGENT_SITE_RECEIPT_CHAIN_H_
#define TIDEMARK_AGENT_SITE_RECEIPT_CHAIN_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/site/receipt_ring.h"
#include "crypto/identity.h"

namespace tidemark {

struct ReceiptSigner {
  std::string site;
  StoreId store;
  BootId boot;
  const SigningKey* key = nullptr;  // outlives the chain
};

class ReceiptChain {
 public:
  // kDataLoss: the newest stored receipt is not one of this site's.
  static Task<absl::StatusOr<std::unique_ptr<ReceiptChain>>> Open(Io* io, std::string directory,
                                                                  ReceiptSigner signer,
                                                                  StoreCounters* counters);
  Io* io() const { return io_; }

  uint64_t number() const { return number_; }  // of the newest; 0: none
  // The newest head that was signed of a vault; position 0: none.
  Position SignedHead(const VaultId& vault) const;
  // The agent's checkpoint that the newest receipt names, encoded; empty: none.
  const std::vector<std::byte>& checkpoint() const { return checkpoint_; }
  // Held from the picking of heads until their receipt is stored; and while a vault gives records
  // up, so that no receipt between names the others only.
  Semaphore* turn() { return &turn_; }
  // A signed receipt that is not stored yet, or could not be: the next one says the same.
  bool has_unstored() const { return unstored_.has_value(); }
  // Signs `heads` (sorted by vault, what is durable at this instant) and stores the receipt. One
  // call at a time. After an error the same receipt is stored by the next call, whatever its heads.
  Task<absl::StatusOr<SignedReceipt>> Sign(std::vector<VaultHead> heads, Receipt::Level level,
                                           const SignedCheckpoint* newest_checkpoint);
  // See ReceiptRing::Mend. Waits for a Sign that is under way.
  Task<absl::StatusOr<uint64_t>> Mend();
  // Encoded receipts with numbers above `number` that are still remembered, oldest first.
  std::vector<std::string> Behind(uint64_t number, uint64_t upto = UINT64_MAX) const;
  uint64_t oldest() const;  // number of the first that is remembered; 0: none
  // Somebody showed a receipt of this site that it has forgotten: the chain goes on behind it.
  void Adopt(const SignedReceipt& shown);
  Task<> Close();

 private:
  ReceiptChain(Io* io, ReceiptSigner signer)
      : io_(io), signer_(std::move(signer)), ring_use_(io, 1), turn_(io, 1) {}
  Io* io_;
  ReceiptSigner signer_;
  std::unique_ptr<ReceiptRing> ring_;
  uint64_t number_ = 0;
  Digest newest_;
  std::map<VaultId, Position> heads_;
  // Signed, and perhaps on disk after a failed flush: its number may not carry anything else.
  std::optional<SignedReceipt> unstored_;
  std::vector<std::byte> checkpoint_;
  Semaphore ring_use_, turn_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_RECEIPT_CHAIN_H_
