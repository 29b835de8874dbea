// Who keeps what a site signs: what a link tells it, and asks it. Each may be empty.
#ifndef TIDEMARK_AGENT_SOURCE_RECEIPT_HOOKS_H_
#define TIDEMARK_AGENT_SOURCE_RECEIPT_HOOKS_H_

#include <functional>
#include <optional>
#include <string>

#include "replicator/receipt_audit.h"

namespace tidemark {

struct ReceiptHooks {
  // A session began: the key that receipts are checked with, and the certificate that says whose
  // it is, if the channel has any.
  std::function<void(const PublicKey&, const std::string& certificate_pem)> shown;
  // Each verified receipt, perhaps twice. Not `of_our_log`: it is evidence against the site.
  std::function<void(const SignedReceipt&, bool of_our_log)> told;
  // How many receipts of a store are kept without a gap: the site tells those behind them.
  std::function<uint64_t(const StoreId&)> kept;
  // What the site is to be asked for besides; asked again with each heartbeat.
  std::function<std::optional<ReceiptAudit::Gap>(const StoreId&)> wanted;
  // It told what it has of them; `oldest`: the first that it remembers, or 0.
  std::function<void(const StoreId&, ReceiptAudit::Gap, uint64_t oldest)> told_all;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_RECEIPT_HOOKS_H_
