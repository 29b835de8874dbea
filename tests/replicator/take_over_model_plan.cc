// The model's take-over, from promises to the window.
#include <algorithm>

#include "tests/replicator/take_over_model.h"

namespace tidemark {

// Both primaries; in a life with quorum mode, when it does not want to wait, one and the witness.
std::vector<size_t> TakeOverModel::ChoosePromises(size_t a) {
  std::vector<size_t> primaries;
  for (size_t s = 0; s < kPrimaries; ++s) {
    if (link(a, s).promised) primaries.push_back(s);
  }
  const bool waits = !quorum_ || !dice_.OneIn(3);
  if (primaries.size() == kPrimaries || waits || !link(a, 2).promised) return primaries;
  primaries.push_back(2);
  return primaries;
}

void TakeOverModel::TryPlan(size_t a) {
  Agent& agent = agents_[a];
  std::vector<SitePromise> promises;
  for (size_t s : ChoosePromises(a)) {
    SitePromise given;
    given.site = SiteName(s);
    given.promise.promise.store.bytes[0] = static_cast<std::byte>(s + 1);
    given.promise.promise.epoch = agent.epoch;
    given.promise.promise.nonce = agent.nonce;
    given.promise.promise.tail = link(a, s).durable;
    promises.push_back(given);
  }
  const bool one = bug_ == Bug::kOnePromiseEnough && !promises.empty();
  if (!one && promises.size() < kPrimaries) return;
  auto plan = PlanTakeOver(promises, one ? promises.size() : kPrimaries);
  if (!plan.ok()) return Violate("take-over: " + std::string(plan.status().message()));
  if (bug_ == Bug::kNothingAdopted) {
    for (const SitePromise& given : promises) {
      if (IsLongerTail(plan->base, given.promise.promise.tail))
        plan->base = given.promise.promise.tail;
    }
    plan->behind.clear();
  }
  agent.plan = *plan;
  agent.promises.clear();
  for (const SitePromise& given : promises) agent.promises.push_back(given.promise.Encode());
  if (promises.back().site == "w") ++count_.without_a_primary;
  ++count_.take_overs;
}

void TakeOverModel::CopyTails(size_t a) {
  Agent& agent = agents_[a];
  if (agent.plan->behind.empty()) return BeginWindow(a);
  const size_t source = std::string("abw").find(agent.plan->source);
  for (size_t s = 0; s < kSites; ++s) {
    const auto& behind = agent.plan->behind;
    if (std::find(behind.begin(), behind.end(), SiteName(s)) == behind.end()) continue;
    if (!link(a, s).promised || link(a, s).fetching) continue;
    link(a, s).fetching = true;
    Send(a, s, {.kind = ToSite::kFetch, .target = agent.plan->base, .peer = source});
  }
}

void TakeOverModel::BeginWindow(size_t a) {
  Agent& agent = agents_[a];
  LogWindow::Options options;
  options.primaries = bug_ == Bug::kWitnessFedEarly ? kSites : kPrimaries;
  options.uncommitted_bytes_max = 5;
  options.may_use_quorum = quorum_;
  agent.window.emplace(options, agent.plan->base);
  Append(a);
  for (size_t s = 0; s < kSites; ++s) {
    if (!link(a, s).promised) continue;
    Position at = link(a, s).durable;
    if (bug_ == Bug::kOldTailCounts && at.sequence >= agent.plan->base.sequence)
      at = agent.plan->base;
    Linked(a, s, agent.window->LinkUp(static_cast<SiteIndex>(s), at));
  }
}

}  // namespace tidemark
