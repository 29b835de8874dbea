#include "replicator/take_over.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_format.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

std::string Describe(const Position& tail) {
  return absl::StrFormat("sequence %d of epoch %d with digest %s", tail.sequence, tail.epoch,
                         tail.digest.hex().substr(0, 16));
}

// All for one vault, epoch and session, each from another site.
absl::Status CheckPromises(const std::vector<SitePromise>& promises, size_t needed) {
  if (needed == 0 || promises.size() < needed) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "a take-over needs the promises of %d sites and has %d", needed, promises.size()));
  }
  std::set<std::string> sites;
  std::set<StoreId> stores;
  const Promise& first = promises.front().promise.promise;
  for (const SitePromise& given : promises) {
    const Promise& promise = given.promise.promise;
    if (!sites.insert(given.site).second || !stores.insert(promise.store).second) {
      return absl::FailedPreconditionError(absl::StrFormat(
          "site %s or its store promised twice: two sites must be two stores", given.site));
    }
    if (promise.vault != first.vault || promise.epoch != first.epoch ||
        promise.nonce != first.nonce) {
      return absl::FailedPreconditionError(
          absl::StrFormat("sites %s and %s promised different vaults, epochs or sessions",
                          promises.front().site, given.site));
    }
    if (promise.tail.epoch > promise.epoch) {
      return absl::FailedPreconditionError(
          absl::StrFormat("site %s promised epoch %d but holds %s: ask for a higher epoch",
                          given.site, promise.epoch, Describe(promise.tail)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

uint64_t NextEpoch(uint64_t own_last_epoch, const std::vector<uint64_t>& promised_epochs) {
  uint64_t highest = own_last_epoch;
  for (uint64_t epoch : promised_epochs) highest = std::max(highest, epoch);
  return highest + (MUSEUM_BUG("epoch-not-raised") && highest > 0 ? 0 : 1);
}

absl::StatusOr<TakeOverPlan> PlanTakeOver(const std::vector<SitePromise>& promises, size_t needed) {
  const absl::Status checked = CheckPromises(promises, needed);
  if (!checked.ok()) return checked;

  const SitePromise* longest = &promises.front();
  for (const SitePromise& given : promises) {
    const bool longer = IsLongerTail(given.promise.promise.tail, longest->promise.promise.tail);
    if (longer != MUSEUM_BUG("shorter-tail-adopted")) longest = &given;
  }
  TakeOverPlan plan;
  plan.promises = promises;
  plan.base = longest->promise.promise.tail;
  plan.source = longest->site;
  plan.fresh = plan.base.sequence == 0;
  for (const SitePromise& given : promises) {
    const Position& tail = given.promise.promise.tail;
    if (tail == plan.base) continue;
    // An epoch has one writer, so the shorter of two tails of one epoch is a prefix of the longer.
    if (tail.epoch == plan.base.epoch && tail.sequence >= plan.base.sequence) {
      return absl::DataLossError(
          absl::StrFormat("diverged logs, nothing was changed: site %s holds %s, site %s holds %s",
                          longest->site, Describe(plan.base), given.site, Describe(tail)));
    }
    RARE_PATH("site-behind-at-take-over");
    plan.behind.push_back(given.site);
  }
  return plan;
}

}  // namespace tidemark
