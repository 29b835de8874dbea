// The catalogue of one vault in memory: archives and their versions, as envelopes say. It is made
// from the newest keyring snapshot and the envelopes of later packs.
#ifndef TIDEMARK_AGENT_RECOVER_CATALOG_H_
#define TIDEMARK_AGENT_RECOVER_CATALOG_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/keys.h"
#include "replicator/envelope.h"

namespace tidemark {

// What opens a vault: held by the agent, and by a restore from the kit.
struct VaultKeys {
  VaultId vault;
  KeyEncryptionKey kek;
  Secret32 vault_secret;
  VaultSecrets secrets;
};

struct CatalogVersion {
  Envelope envelope;
  uint64_t sequence = 0;  // of the record that holds envelope and root
  bool committed = false;
  absl::Time
      committed_at;  // when the agent saw it commit; after a rebuild when the root was placed
};

class Catalog {
 public:
  // Adds or, for the same archive and version, replaces.
  void Add(CatalogVersion version);
  // Marks everything up to `sequence` committed.
  void Commit(uint64_t sequence, absl::Time now);
  // The same after a rebuild: the time of commit was not seen, so it is when the root was placed.
  void CommitAsPlaced(uint64_t sequence);
  // Versions that were placed but will never commit (the push was abandoned with its session).
  void Remove(const ArchiveId& archive, uint64_t version);

  std::optional<ArchiveId> FindArchive(const std::string& name) const;
  // Any version of it (its wrapped archive key is the same in all).
  const CatalogVersion* AnyVersion(const std::string& name) const;
  uint64_t NextVersion(const std::string& name) const;
  // The committed version asked for: "name" (newest complete), "name@3" (also incomplete), or the
  // newest complete one captured at or before a time.
  // kNotFound names what exists instead. The pointer lives until the next Add.
  absl::StatusOr<const CatalogVersion*> Find(const std::string& name,
                                             std::optional<uint64_t> version,
                                             std::optional<absl::Time> before) const;
  const CatalogVersion* FindIdempotent(const std::string& name, const Digest& idempotency) const;
  const CatalogVersion* FindByArchive(const ArchiveId& archive) const;
  // Committed versions in (name, version) order; of one name when given.
  std::vector<const CatalogVersion*> List(const std::string* name) const;
  std::vector<Envelope> EnvelopesUpTo(uint64_t sequence) const;
  uint64_t VersionsUpTo(uint64_t sequence) const;
  size_t archives() const { return by_name_.size(); }
  uint64_t versions() const { return versions_; }
  uint64_t source_bytes() const { return source_bytes_; }  // of all committed versions

 private:
  // Versions up to `sequence` that were not committed before, taken off that list.
  std::vector<CatalogVersion*> TakeUncommitted(uint64_t sequence);
  void Uncount(const CatalogVersion& version);
  std::map<std::string, std::map<uint64_t, CatalogVersion>> by_name_;
  // By sequence: a commit looks at these alone, however many versions there are.
  std::multimap<uint64_t, std::pair<std::string, uint64_t>> uncommitted_;
  std::map<ArchiveId, std::string> name_of_;
  // Counted as they change: status and every commit ask.
  uint64_t versions_ = 0, source_bytes_ = 0;
};

// "NAME" or "NAME@VERSION".
struct ArchiveReference {
  std::string name;
  std::optional<uint64_t> version;
};
absl::StatusOr<ArchiveReference> ParseArchiveReference(const std::string& text);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_CATALOG_H_
