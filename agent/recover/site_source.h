// A site as a source of records: its own control connection and one data connection for reads.
#ifndef TIDEMARK_AGENT_RECOVER_SITE_SOURCE_H_
#define TIDEMARK_AGENT_RECOVER_SITE_SOURCE_H_

#include <memory>
#include <string>

#include "agent/recover/record_source.h"
#include "crypto/channel.h"

namespace tidemark {

struct SiteAddress {
  std::string name;     // also what its certificate must say
  std::string address;  // of its control port, "host:port"
};

// Connects at first use and again after an error (each call tries once). Many calls may be in
// flight.
std::unique_ptr<RecordSource> MakeSiteSource(Io* io, ChannelFactory* channels, SiteAddress site,
                                             std::string own_name);

// Reads a store's directory (as the posix driver lays it out), with no site running. kAlreadyExists
// when a site has it open.
Task<absl::StatusOr<std::unique_ptr<RecordSource>>> OpenStoreSource(Io* io, std::string store_path);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_RECOVER_SITE_SOURCE_H_
