#include "tests/sim/fake_index.h"

#include "absl/strings/str_format.h"

namespace tidemark {

void FakeIndex::Apply(const Batch& batch, State* state) {
  if (batch.clears) {
    *state = State();
    return;
  }
  for (const ChunkRow& row : batch.rows) state->rows.insert_or_assign(row.id, row);
  state->coverage = batch.coverage;
}

void FakeIndex::Add(Batch batch) {
  Apply(batch, &now_);
  unflushed_.push_back(std::move(batch));
}

void FakeIndex::Crash(SimRandom* random) {
  const size_t kept = random->Below(unflushed_.size() + 1);
  for (size_t i = 0; i < kept; ++i) Apply(unflushed_[i], &flushed_);
  unflushed_.clear();
  now_ = flushed_;
}

absl::Status FakeIndex::Put(const std::vector<ChunkRow>& rows, const IndexCoverage& coverage) {
  const uint64_t committed = ledger_->committed();
  for (const ChunkRow& row : rows) {
    if (row.sequence <= committed) continue;
    findings_->Add(Invariant::kDurability,
                   absl::StrFormat("the index was given a row of record %d, committed is %d",
                                   row.sequence, committed));
  }
  if (coverage.sequence > committed || ledger_->DigestAt(coverage.sequence) != coverage.digest) {
    findings_->Add(Invariant::kDurability,
                   absl::StrFormat("the index was said to cover record %d, committed is %d",
                                   coverage.sequence, committed));
  }
  Batch batch;
  batch.rows = rows;
  batch.coverage = coverage;
  Add(std::move(batch));
  return absl::OkStatus();
}

absl::Status FakeIndex::Get(const std::vector<ChunkId>& ids,
                            std::vector<std::optional<ChunkRow>>* found) {
  found->assign(ids.size(), std::nullopt);
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto row = now_.rows.find(ids[i]);
    if (row != now_.rows.end()) (*found)[i] = row->second;
  }
  return absl::OkStatus();
}

absl::Status FakeIndex::Clear() {
  Batch batch;
  batch.clears = true;
  Add(std::move(batch));
  return absl::OkStatus();
}

absl::Status FakeIndex::Flush() {
  flushed_ = now_;
  unflushed_.clear();
  return absl::OkStatus();
}

}  // namespace tidemark
