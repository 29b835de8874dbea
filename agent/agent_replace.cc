// Agent: a site's store is lost, and a new one takes its place.
#include "absl/strings/str_format.h"
#include "agent/agent.h"
#include "agent/failure.h"

namespace tidemark {

// A primary holds everything that is committed: while another one is connected, nothing that was
// acknowledged is lost with this one's store.
absl::StatusOr<ReplaceReport> Agent::Replace(ReplaceCall call) {
  SiteLink* replaced = nullptr;
  const SiteLink* holder = nullptr;
  for (const std::unique_ptr<SiteLink>& link : links_) {
    if (link->name() == call.site) {
      replaced = link.get();
    } else if (link->options().is_primary && link->up()) {
      holder = link.get();
    }
  }
  if (replaced == nullptr) return absl::NotFoundError("no site named '" + call.site + "'");
  if (replaced->strange_store().empty()) {
    return WithHint(
        absl::FailedPreconditionError(absl::StrFormat(
            "site %s shows no new store: %s", call.site,
            replaced->up() ? "the store that is known is connected" : "it is not connected")),
        "start the site on an empty directory first; `tidemark status` then says that its store is "
        "another one");
  }
  if (holder == nullptr) {
    return WithHint(absl::UnavailableError(
                        "no primary is connected that still has its store: nothing could fill the "
                        "new one"),
                    "start the other primary first");
  }
  ReplaceReport report;
  report.site = call.site;
  report.lost_store = replaced->known_store().hex();
  report.new_store = replaced->strange_store().hex();
  replaced->ReplaceStore();
  return report;
}

}  // namespace tidemark
