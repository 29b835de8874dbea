#include "tests/sim/rare_paths.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "crypto/rare_path.h"

namespace tidemark {

const std::vector<std::string>& RarePathNames() {
  static const std::vector<std::string> names = {
      "ack-of-another-log",
      "agent-fenced",
      "damage-found",
      "data-connection-died-alone",
      "epoch-begun-in-quorum",
      "evidence-dropped",
      "evidence-not-written",
      "evidence-segment-unreadable",
      "fetch-ended-short",
      "fetch-lost-its-proof",
      "head-read-alone",
      "higher-epoch-tried",
      "index-rebuilt",
      "leftovers-ended",
      "link-opening-cut",
      "log-file-failed",
      "log-file-header-mended",
      "log-files-given-up",
      "log-scanned-again",
      "lower-epoch-refused",
      "old-tail-given-up",
      "payload-changed-underway",
      "quorum-begun",
      "quorum-ended",
      "site-behind-at-take-over",
      "read-asked-again",
      "receipt-could-not-be-stored",
      "receipt-file-replaced",
      "record-before-its-turn",
      "receipt-of-another-log",
      "receipt-told-late",
      "record-forgotten-for-room",
      "refused-while-promising",
      "rotten-head-passed",
      "same-epoch-refused",
      "site-fell-out-of-window",
      "site-with-old-tail",
      "store-full",
      "store-lock-waited-for",
      "tail-copied-into-the-reserve",
      "torn-record-cut",
      "twin-copy-mended",
      "unflushed-tail-copied",
      "unproven-tail-dropped",
      "unwritten-log-file-removed",
  };
  return names;
}

// They need a store that was set back, or a peer that lies: a site's claims would shrink, which the
// checkers rightly object to.
std::string TestOfRarePath(const std::string& name) {
  if (name == "damage-found") return "SiteRestart.TwoRottenHeadsSideBySide...";
  if (name == "unproven-tail-dropped") return "SiteRepairTest.BelievesAPeerOnlyUpTo...";
  return "";
}

std::vector<uint64_t> RarePathHits() {
  const std::vector<std::string>& names = RarePathNames();
  std::vector<uint64_t> hits(names.size(), 0);
  for (const RarePath* path = RarePath::newest(); path != nullptr; path = path->next()) {
    const auto named = std::find(names.begin(), names.end(), path->name());
    if (named == names.end()) {
      std::fprintf(stderr, "tests/sim/rare_paths.cc does not know %s\n", path->name());
      std::abort();
    }
    hits[named - names.begin()] += path->hits();
  }
  return hits;
}

uint64_t EvidenceLosses() {
  uint64_t losses = 0;
  for (const RarePath* path = RarePath::newest(); path != nullptr; path = path->next()) {
    const std::string name = path->name();
    const bool is_loss = name == "evidence-dropped" || name == "evidence-not-written" ||
                         name == "evidence-segment-unreadable";
    if (is_loss) losses += path->hits();
  }
  return losses;
}

}  // namespace tidemark
