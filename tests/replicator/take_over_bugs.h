// Ways to break the model of take_over_model.h on purpose.
#ifndef TIDEMARK_TESTS_REPLICATOR_TAKE_OVER_BUGS_H_
#define TIDEMARK_TESTS_REPLICATOR_TAKE_OVER_BUGS_H_

namespace tidemark {

enum class Bug {
  kNone,
  kNoEpochCheck,      // a site takes records of any session
  kPromiseForgotten,  // a promise does not survive a crash
  kPromiseNotFenced,  // old sessions go on until the promise is durable; its tail is older
  kAckBeforeFlush,
  kNothingAdopted,  // a take-over starts from the shorter tail
  kOnePromiseEnough,
  kWitnessFedEarly,  // the witness is fed as a primary is
  kOldTailCounts,    // a site that was absent counts with records that it must give up
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_REPLICATOR_TAKE_OVER_BUGS_H_
