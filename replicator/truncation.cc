#include "replicator/truncation.h"

#include <algorithm>
#include <cassert>
#include <set>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr size_t kPromisesMin = 2;  // any two of three sites

absl::Status Diverged(const Parting& parting, const std::string& why) {
  return absl::DataLossError(absl::StrFormat(
      "diverged behind record %d, nothing was given up: this log ends with record %d of epoch %d, "
      "and %s",
      parting.last_shared.sequence, parting.beyond.back().sequence, parting.beyond.back().epoch,
      why));
}

}  // namespace

absl::Status MayTruncate(const StoreId& store, const Parting& parting,
                         const CanonicalHeader& header, const EpochStart& start) {
  assert(!parting.beyond.empty());
  const bool follows =
      start.base.sequence + 1 == header.sequence && start.base.digest == header.previous;
  const bool begins =
      header.kind == RecordKind::kEpochStart || header.kind == RecordKind::kVaultGenesis;
  if (!begins || start.epoch != header.epoch || !follows) {
    return Diverged(parting, absl::StrFormat("record %d begins no epoch", header.sequence));
  }
  if (header.epoch <= parting.beyond.back().epoch ||
      header.sequence <= parting.last_shared.sequence) {
    return Diverged(parting, absl::StrFormat("epoch %d is not newer", header.epoch));
  }
  std::set<StoreId> promised;
  for (const std::vector<std::byte>& bytes : start.promises) {
    const absl::StatusOr<SignedPromise> given = ParsePromiseUnchecked(bytes);
    if (!given.ok()) return given.status();
    const Promise& promise = given->promise;
    if (promise.vault != header.vault || promise.epoch != start.epoch ||
        promise.nonce != start.nonce) {
      return Diverged(parting,
                      absl::StrFormat("epoch %d shows a promise of another epoch", header.epoch));
    }
    promised.insert(promise.store);
    // A promise states what the site holds: the epoch took it over. What came later may go.
    const bool stated = std::find(parting.beyond.begin(), parting.beyond.end(), promise.tail) !=
                        parting.beyond.end();
    if (promise.store == store && stated) {
      return Diverged(parting, absl::StrFormat("this store promised epoch %d with record %d",
                                               header.epoch, promise.tail.sequence));
    }
  }
  if (promised.size() < kPromisesMin) {
    return Diverged(
        parting, absl::StrFormat("epoch %d began with %d promises", header.epoch, promised.size()));
  }
  return absl::OkStatus();
}

}  // namespace tidemark
