#include "agent/report/push_service.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tidemark {
namespace {

constexpr size_t kQuorum = 2;  // sites

// Why a commit of the vault cannot count on the site.
std::optional<PushBlock> BlockAt(const SiteStatus& site, const VaultStatus& vault) {
  const auto row =
      std::find_if(vault.sites.begin(), vault.sites.end(),
                   [&site](const VaultSiteStatus& each) { return each.name == site.name; });
  const bool has_row = row != vault.sites.end();
  const std::string& state = has_row && !row->state.empty() ? row->state : site.state;
  const std::string who = site.role + " " + site.name;
  const std::string why = site.last_error.empty() ? "" : ": " + site.last_error;
  if (state == "damaged") return PushBlock{"SITE_DAMAGED", who + " is damaged" + why};
  if (state == "fenced") return PushBlock{"FENCED", who + " follows another agent" + why};
  // The disk is that of all vaults.
  if (state == "full" || site.state == "full")
    return PushBlock{"SITE_FULL", who + " has no space left" + why};
  if (!site.connected || state == "down") {
    return PushBlock{site.role == "primary" ? "PRIMARY_DOWN" : "WITNESS_DOWN",
                     who + " is not connected" + why};
  }
  const std::string of = "vault " + vault.name + ": " + who;
  if (state == "catching_up") return PushBlock{"SITE_CATCHING_UP", of + " is catching up"};
  if (state != "streaming") return PushBlock{"VAULT_OPENING", of + " is " + state};
  if (has_row && row->is_late) return PushBlock{"ACK_QUORUM", of + " is late"};
  return std::nullopt;
}

void AddSites(const StatusReport& report, const VaultStatus& vault,
              std::vector<PushBlock>* blocks) {
  const bool by_two = vault.ack_mode == "quorum";
  std::vector<PushBlock> missing;
  size_t taking = 0;
  for (const SiteStatus& site : report.sites) {
    if (!by_two && site.role != "primary") continue;
    std::optional<PushBlock> block = BlockAt(site, vault);
    if (block.has_value()) {
      missing.push_back(*std::move(block));
    } else {
      ++taking;
    }
  }
  if (by_two && taking >= kQuorum) return;
  blocks->insert(blocks->end(), missing.begin(), missing.end());
}

}  // namespace

std::vector<PushBlock> PushBlocks(const StatusReport& report, const VaultStatus& vault) {
  std::vector<PushBlock> blocks;
  const std::string who = "vault " + vault.name;
  const std::string why = vault.trouble.empty() ? "" : ": " + vault.trouble;
  if (vault.state == "fenced") {
    blocks.push_back({"VAULT_FENCED", who + " was taken over by another agent" + why});
  } else if (vault.state == "failed") {
    blocks.push_back({"VAULT_FAILED", who + " failed" + why});
  } else if (vault.state != "open") {
    blocks.push_back({"VAULT_OPENING", who + " cannot be written yet" + why});
  }
  if (vault.admission == "refused")
    blocks.push_back({"PUSHES_REFUSED", who + " takes no new push, for its RPO target"});
  AddSites(report, vault, &blocks);
  return blocks;
}

std::vector<std::string> NotReadyReasons(const StatusReport& report) {
  std::vector<std::string> reasons;
  for (const VaultStatus& vault : report.vaults) {
    for (const PushBlock& block : PushBlocks(report, vault)) {
      std::string reason = block.code + ": " + block.reason;
      if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end())
        reasons.push_back(std::move(reason));
    }
  }
  return reasons;
}

}  // namespace tidemark
