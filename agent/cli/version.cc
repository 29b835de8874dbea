// tidemark version.
#include "agent/version.h"

#include "absl/strings/str_format.h"
#include "agent/cli/output.h"
#include "agent/cli/verbs.h"
#include "replicator/limits.h"

namespace tidemark {

int RunVersion(const Arguments& arguments) {
  if (arguments.json) {
    return PrintJson(absl::StrFormat(R"({"software":"%s","format":%d,"protocol":%d})",
                                     kSoftwareVersion, kFormatVersion, kProtocolVersion));
  }
  return PrintText(absl::StrFormat("%s (formats at rest: version %d, protocol: version %d)\n",
                                   kSoftwareVersion, kFormatVersion, kProtocolVersion));
}

}  // namespace tidemark
