#include "tests/sim/export_judge.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "agent/rpo_json.h"
#include "replicator/proof.h"
#include "tests/sim/rare_paths.h"

namespace tidemark {
namespace {

std::string FileOf(const RpoReport& report, const std::string& wanted) {
  for (const auto& [name, content] : report.files) {
    if (name == wanted) return content;
  }
  return "";
}

}  // namespace

void JudgeProof(const RpoReport& report, const std::string& evidence, const AgentShared& shared) {
  const std::string manifest_bytes = FileOf(report, kManifestName);
  const absl::StatusOr<ExportManifest> manifest = ParseManifest(AsBytes(manifest_bytes));
  if (!manifest.ok()) {
    return shared.findings->Add(
        Invariant::kTruthfulLag,
        "an export's manifest: " + std::string(manifest.status().message()));
  }
  ProofFindings wrong;
  ProofCheck check(*manifest, 1, &wrong);
  std::optional<EvidenceFrame> frame;
  size_t used = 0;
  for (size_t at = 0; at < evidence.size(); at += used) {
    const absl::Status read = ReadEvidence(AsBytes(evidence).subspan(at), &frame, &used);
    if (!read.ok() || !frame.has_value())
      return shared.findings->Add(Invariant::kTruthfulLag, "an export's evidence is not whole");
    check.Take(*frame);
  }
  const LedgerReport proved = check.Finish().ledger;
  // What was never kept is missing, and named: that is no lie.
  const bool lost_evidence = EvidenceLosses() > shared.evidence_losses_before;
  bool lied = false;
  for (const ProofFinding& finding : wrong.listed()) {
    if (lost_evidence && finding.kind == FindingKind::kMissing) continue;
    bool is_liar = false;
    for (size_t i = 0; i < shared.sites.size(); ++i)
      is_liar |= shared.liars[i] && shared.sites[i].address.name == finding.site;
    lied |= is_liar;
    if (is_liar) continue;
    shared.findings->Add(Invariant::kTruthfulLag,
                         absl::StrCat("rpo-verify finds ", FindingName(finding.kind), " of site '",
                                      finding.site, "': ", finding.message));
  }
  const bool same = ToJson(proved) + "\n" == FileOf(report, kLedgerName);
  if (!lied && !same)
    shared.findings->Add(Invariant::kTruthfulLag, "rpo-verify's ledger is not the agent's");
}

}  // namespace tidemark
