// Who the sites were when they were last connected: key and certificate, as the handshake showed
// them. Kept over restarts, so that an export can be checked also of a site that is away.
//
//   Load (Show | Save)*
#ifndef TIDEMARK_AGENT_PROOF_SITE_IDENTITIES_H_
#define TIDEMARK_AGENT_PROOF_SITE_IDENTITIES_H_

#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "agent/io/task.h"
#include "crypto/identity.h"

namespace tidemark {

class SiteIdentities {
 public:
  struct Identity {
    PublicKey key;
    std::string certificate_pem;  // empty: the channel had none
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  SiteIdentities(Io* io, std::string path) : io_(io), path_(std::move(path)) {}
  Io* io() const { return io_; }
  // What an earlier agent was shown; of a damaged file nothing.
  Task<> Load();
  void Show(const std::string& site, Identity identity);
  // nullptr: it was never connected.
  const Identity* Find(const std::string& site) const;
  // What is new since the last time. Tried again by the next call after an error.
  Task<absl::Status> Save();

 private:
  Io* io_;
  std::string path_;
  std::map<std::string, Identity> known_;
  bool changed_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_PROOF_SITE_IDENTITIES_H_
