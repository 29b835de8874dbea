// What a vault in the agent is made of.
#ifndef TIDEMARK_AGENT_SOURCE_VAULT_OPTIONS_H_
#define TIDEMARK_AGENT_SOURCE_VAULT_OPTIONS_H_

#include <string>
#include <vector>

#include "agent/source/push.h"
#include "agent/source/site_link.h"
#include "chunker/segment.h"

namespace tidemark {

struct VaultOptions {
  std::string name;
  VaultId id;
  std::string state_path;  // directory for local copies: keyring, newest checkpoint; empty: none
  uint64_t segment_bytes = kSegmentBytesMax;
  CutLimits cut;
  PackFiller::Options pack;
  LogWindow::Options window;
  uint64_t versions_per_keyring = 64;  // at least, see Vault::KeyringLoop
  absl::Duration retry = absl::Milliseconds(200);
  absl::Duration checkpoint_interval = absl::Seconds(5);  // of the local copy
  absl::Duration rpo_target = absl::Minutes(15);
  absl::Duration quorum_after = absl::Seconds(10);  // with window.may_use_quorum
  uint64_t ios_per_second = 0;                      // that its tier enforces; 0: none
  Admission::Policy rpo_policy = Admission::Policy::kAlert;
  ResumeRule resume;
};
struct VaultParts {  // all outlive the vault
  const KeyEncryptionKey* kek = nullptr;
  const SigningKey* agent = nullptr;
  BufferPool* records = nullptr;
  BufferPool* spans = nullptr;
  ChunkIndex* index = nullptr;
  std::vector<SiteLink*> links;             // primaries first
  std::vector<RecordSource*> sources;       // one per site, same order
  std::vector<LogWriter*>* logs = nullptr;  // of all vaults that share `records`; joined
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_VAULT_OPTIONS_H_
