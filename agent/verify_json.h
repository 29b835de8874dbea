// What rpo-verify found, as JSON.
#ifndef TIDEMARK_AGENT_VERIFY_JSON_H_
#define TIDEMARK_AGENT_VERIFY_JSON_H_

#include <string>

#include "replicator/proof.h"

namespace tidemark {

struct VerifiedExport {
  ExportManifest manifest;
  bool pinned = false;  // its keys are those that the caller brought
  ProofFindings findings;
  ProofReport report;
};
std::string ToJson(const VerifiedExport& verified);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_VERIFY_JSON_H_
