// A ChunkIndex in memory with the crash contract of chunker/admission.h: a crash takes any suffix
// of the Puts since the last Flush. It refuses what the contract forbids: a row, or a coverage, of
// a record that is not committed.
#ifndef TIDEMARK_TESTS_SIM_FAKE_INDEX_H_
#define TIDEMARK_TESTS_SIM_FAKE_INDEX_H_

#include <map>
#include <optional>
#include <vector>

#include "chunker/admission.h"
#include "tests/sim/checkers.h"

namespace tidemark {

class FakeIndex : public ChunkIndex {
 public:
  FakeIndex(const LogLedger* ledger, Findings* findings) : ledger_(ledger), findings_(findings) {}
  // The process died.
  void Crash(SimRandom* random);

  absl::StatusOr<std::optional<IndexCoverage>> Coverage() override { return now_.coverage; }
  absl::Status Put(const std::vector<ChunkRow>& rows, const IndexCoverage& coverage) override;
  absl::Status Get(const std::vector<ChunkId>& ids,
                   std::vector<std::optional<ChunkRow>>* found) override;
  absl::Status Clear() override;
  absl::Status Flush() override;

 private:
  struct State {
    std::map<ChunkId, ChunkRow> rows;
    std::optional<IndexCoverage> coverage;
  };
  struct Batch {
    bool clears = false;
    std::vector<ChunkRow> rows;
    IndexCoverage coverage;
  };
  static void Apply(const Batch& batch, State* state);
  void Add(Batch batch);
  const LogLedger* ledger_;
  Findings* findings_;
  State flushed_, now_;
  std::vector<Batch> unflushed_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_FAKE_INDEX_H_
