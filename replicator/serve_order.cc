#include "replicator/serve_order.h"

namespace tidemark {
namespace {

using Want = ServeClaim::Want;

// What is not proven counts as missed.
bool IsMissed(const ServeClaim& claim) {
  return !claim.rpo.has_value() || *claim.rpo > claim.target;
}

bool ComesBefore(const ServeClaim& a, const ServeClaim& b) {
  if (IsMissed(a) != IsMissed(b)) return IsMissed(b);
  if (IsMissed(a) && a.target != b.target) return a.target < b.target;
  if (!a.rpo.has_value() || !b.rpo.has_value()) return !a.rpo.has_value() && b.rpo.has_value();
  return a.target - *a.rpo < b.target - *b.rpo;
}

// Of two that are equal, the one that stands first.
template <class Wanted>
std::optional<size_t> First(const std::vector<ServeClaim>& claims, Wanted wanted) {
  std::optional<size_t> first;
  for (size_t i = 0; i < claims.size(); ++i) {
    if (wanted(claims[i]) && (!first || ComesBefore(claims[i], claims[*first]))) first = i;
  }
  return first;
}

}  // namespace

std::optional<size_t> ServeOrder::NextToSend(const std::vector<ServeClaim>& claims) {
  const auto shares = [](const ServeClaim& claim) {
    return claim.want == Want::kRecords && !claim.commits_wait;
  };
  const std::optional<size_t> missed =
      First(claims, [shares](const ServeClaim& claim) { return shares(claim) && IsMissed(claim); });
  std::optional<size_t> best = First(claims, shares);
  const bool passes_over = missed.has_value() && !IsMissed(claims[*best]);
  if (passes_over && missed_waits_ >= kMissedTurn) best = missed;
  for (size_t i = 1; i <= claims.size() + 1; ++i) {
    const size_t turn = (turn_ + i) % (claims.size() + 1);
    const bool shared = turn == claims.size();
    if (shared ? !best.has_value()
               : claims[turn].want != Want::kRecords || !claims[turn].commits_wait)
      continue;
    turn_ = turn;
    if (!shared) return turn;
    missed_waits_ = passes_over && best != missed ? missed_waits_ + 1 : 0;
    return best;
  }
  return std::nullopt;
}

std::optional<size_t> WhoMayFetch(const std::vector<ServeClaim>& claims) {
  const std::optional<size_t> best =
      First(claims, [](const ServeClaim& claim) { return claim.want == Want::kFetch; });
  if (!best.has_value()) return std::nullopt;
  for (const ServeClaim& claim : claims) {
    const bool is_pressed = claim.want == Want::kRecords &&
                            (!claim.behind.has_value() || *claim.behind > claim.target / 2);
    if (is_pressed && ComesBefore(claim, claims[*best])) return std::nullopt;
  }
  return best;
}

}  // namespace tidemark
