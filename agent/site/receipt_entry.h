// One entry of the receipt ring, and its bytes.
#ifndef TIDEMARK_AGENT_SITE_RECEIPT_ENTRY_H_
#define TIDEMARK_AGENT_SITE_RECEIPT_ENTRY_H_

#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "replicator/receipt.h"

namespace tidemark {

struct ReceiptEntry {
  uint64_t number = 0;
  std::vector<std::byte> receipt;     // signed
  std::vector<std::byte> checkpoint;  // the agent's newest, signed; may be empty
  std::map<VaultId, Position> heads;  // the newest that was ever signed of each vault
  uint64_t file = 0, offset = 0;      // where it stands
};

std::vector<std::byte> EncodeReceiptEntry(const ReceiptEntry& entry);
// The entry at the front of `pages`, and its length. kDataLoss: none.
absl::StatusOr<ReceiptEntry> DecodeReceiptEntry(ByteSpan pages, uint64_t* bytes);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_RECEIPT_ENTRY_H_
