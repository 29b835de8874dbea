#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/recover/record_source.h"

namespace tidemark {
namespace {

// How much an error says about the data, for the one message that is kept.
int Weight(const absl::Status& status) {
  if (status.ok()) return 0;
  if (absl::IsNotFound(status)) return 1;
  if (absl::IsUnavailable(status)) return 2;
  return 3;
}

absl::Status NoneUsable(const std::vector<RecordSource*>& sources) {
  if (!sources.empty()) return absl::OkStatus();
  return absl::UnavailableError("no connected site is known to hold this log");
}

}  // namespace

SourceList::SourceList(Io* io, std::vector<RecordSource*> sources, size_t striped)
    : io_(io), sources_(std::move(sources)), striped_(std::min(striped, sources_.size())) {
  assert(!sources_.empty());
  for (const RecordSource* source : sources_) {
    if (!name_.empty()) name_ += ", ";
    name_ += source->name();
    reading_[source] = 0;
  }
}

std::vector<RecordSource*> SourceList::Usable() const {
  std::vector<RecordSource*> usable;
  for (RecordSource* source : sources_) {
    if (!usable_ || usable_(source)) usable.push_back(source);
  }
  return usable;
}

void SourceList::NoteFailure(RecordSource* source, const absl::Status& why, absl::Status* worst) {
  if (Weight(why) > Weight(*worst)) *worst = why;
  if (!absl::IsUnavailable(why)) return;
  auto at = std::find(sources_.begin(), sources_.end(), source);
  if (at < sources_.begin() + static_cast<ptrdiff_t>(striped_) && striped_ > 1) --striped_;
  std::rotate(at, at + 1, sources_.end());
}

Task<absl::StatusOr<Position>> SourceList::Tail(VaultId vault) {
  std::vector<Task<absl::StatusOr<Position>>> asked;
  for (RecordSource* source : Usable()) asked.push_back(source->Tail(vault));
  for (Task<absl::StatusOr<Position>>& question : asked) question.Start();
  std::optional<Position> longest;
  absl::Status worst = NoneUsable(Usable());
  for (Task<absl::StatusOr<Position>>& answer : asked) {
    absl::StatusOr<Position> tail = co_await answer;
    if (!tail.ok()) {
      if (Weight(tail.status()) > Weight(worst)) worst = tail.status();
    } else if (!longest.has_value() || IsLongerTail(*tail, *longest)) {
      longest = *tail;
    }
  }
  if (longest.has_value()) co_return *longest;
  co_return worst;
}

Task<absl::StatusOr<uint64_t>> SourceList::FindRecord(VaultId vault, RecordKind kind,
                                                      uint64_t at_most) {
  std::vector<Task<absl::StatusOr<uint64_t>>> asked;
  for (RecordSource* source : Usable()) asked.push_back(source->FindRecord(vault, kind, at_most));
  for (Task<absl::StatusOr<uint64_t>>& question : asked) question.Start();
  std::optional<uint64_t> newest;
  absl::Status worst = NoneUsable(Usable());
  for (Task<absl::StatusOr<uint64_t>>& answer : asked) {
    absl::StatusOr<uint64_t> found = co_await answer;
    if (found.ok()) {
      newest = std::max(newest.value_or(0), *found);
    } else if (Weight(found.status()) > Weight(worst)) {
      worst = found.status();
    }
  }
  if (newest.has_value()) co_return *newest;
  co_return worst;
}

Task<absl::StatusOr<CanonicalHeader>> SourceList::Head(VaultId vault, uint64_t sequence) {
  const std::vector<RecordSource*> order = Usable();
  absl::Status worst = NoneUsable(order);
  for (RecordSource* source : order) {
    absl::StatusOr<CanonicalHeader> head = co_await source->Head(vault, sequence);
    if (head.ok()) co_return std::move(head);
    NoteFailure(source, head.status(), &worst);
  }
  co_return worst;
}

// As they stand, but of those over which reads are spread the least busy one first.
std::vector<RecordSource*> SourceList::OrderOfRead() const {
  std::vector<RecordSource*> order = Usable();
  const size_t striped = std::min(striped_, order.size());
  for (size_t i = 1; i < striped; ++i) {
    for (size_t j = i; j > 0 && reading_.at(order[j]) < reading_.at(order[j - 1]); --j)
      std::swap(order[j], order[j - 1]);
  }
  return order;
}

Task<absl::Status> SourceList::ReadBlocks(const CanonicalHeader* header, uint32_t first,
                                          uint32_t count, MutableByteSpan into) {
  const std::vector<RecordSource*> order = OrderOfRead();
  absl::Status worst = NoneUsable(order);
  for (RecordSource* source : order) {
    reading_[source] += count;
    absl::Status read = co_await source->ReadBlocks(header, first, count, into);
    reading_[source] -= count;
    if (read.ok()) co_return read;
    NoteFailure(source, read, &worst);
  }
  co_return worst;
}

Task<> SourceList::Finish() {
  for (RecordSource* source : sources_) co_await source->Finish();
}

}  // namespace tidemark
