// The tiers that a vault can be sold under: how much it may store, how many I/Os a second it may
// cost at each site. Decimal bytes.
#ifndef TIDEMARK_AGENT_REPORT_TIER_H_
#define TIDEMARK_AGENT_REPORT_TIER_H_

#include <string>

namespace tidemark {

struct TierLimits {
  const char* name;
  double iops;
  double bytes;
};
inline constexpr TierLimits kTiers[] = {{"S1", 1500, 1e12}, {"S2", 3500, 3e12}, {"S3", 7000, 8e12}};

// Null: no such tier; the empty name is none.
inline const TierLimits* FindTier(const std::string& name) {
  for (const TierLimits& tier : kTiers) {
    if (name == tier.name) return &tier;
  }
  return nullptr;
}

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_TIER_H_
