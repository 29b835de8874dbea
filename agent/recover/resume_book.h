// Where pushes of files that were cut off can go on: the newest resume points of one vault, as the
// notices in pack directories say.
#ifndef TIDEMARK_AGENT_RECOVER_RESUME_BOOK_H_
#define TIDEMARK_AGENT_RECOVER_RESUME_BOOK_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "replicator/resume_point.h"

namespace tidemark {

// A point that is older is forgotten: whoever tries again does so earlier.
inline constexpr absl::Duration kResumePointLife = absl::Hours(7 * 24);

// Points are used, and repeated behind a keyring snapshot, once their record is committed: then so
// is all that they refer to.
class ResumeBook {
 public:
  // The next notice in the order of the log, of which everything up to `committed` is committed.
  void Add(const ResumeNotice& notice, uint64_t committed);
  // The newest committed point of this source; nullptr: none. Lives until the next Add, as do all
  // pointers here.
  const ResumeNotice* Find(const ArchiveId& archive, const SourceIdentity& source,
                           uint64_t committed, absl::Time now) const;
  // The newest committed point under that name, of whatever source.
  const ResumeNotice* FindAny(const std::string& name, uint64_t committed, absl::Time now) const;
  // Has a push of this archive something to declare void once it is done?
  bool Has(const ArchiveId& archive) const;
  // The newest committed point of each source: what a later start may need.
  std::vector<ResumeNotice> Live(uint64_t committed, absl::Time now) const;
  size_t size() const { return notices_.size(); }

 private:
  std::vector<ResumeNotice> notices_;  // in the order of the log
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_RESUME_BOOK_H_
