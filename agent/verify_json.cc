#include "agent/verify_json.h"

#include "agent/report/json_fields.h"
#include "agent/rpo_json.h"

namespace tidemark {

std::string ToJson(const VerifiedExport& verified) {
  const ProofReport& report = verified.report;
  Json keys = Json::array(), findings = Json::array(), chains = Json::array();
  Json gaps = Json::array(), clocks = Json::array();
  keys.push_back({{"role", "agent"},
                  {"name", verified.manifest.agent},
                  {"key", ToHex(verified.manifest.agent_key.bytes)}});
  for (const ExportManifest::Site& site : verified.manifest.sites)
    keys.push_back({{"role", "site"}, {"name", site.name}, {"key", ToHex(site.key.bytes)}});
  for (const ProofFinding& finding : verified.findings.listed()) {
    findings.push_back({{"kind", FindingName(finding.kind)},
                        {"site", TextOrNull(finding.site)},
                        {"number", finding.number},
                        {"message", finding.message},
                        {"statements", finding.statements}});
  }
  for (const ProofReport::Chain& chain : report.chains) {
    chains.push_back({{"site", chain.site},
                      {"store", chain.store.hex()},
                      {"first", chain.first},
                      {"last", chain.last},
                      {"receipts", chain.receipts},
                      {"convicted", chain.convicted}});
  }
  for (const ExportManifest::Gap& gap : verified.manifest.gaps) {
    gaps.push_back({{"site", verified.manifest.sites[gap.site].name},
                    {"store", gap.store.hex()},
                    {"from", gap.from},
                    {"to", gap.to}});
  }
  for (const ProofReport::Clock& clock : report.clocks) {
    const bool known = clock.ahead_at_most != INT64_MIN && clock.behind_at_most != INT64_MIN;
    if (!known) continue;
    clocks.push_back({{"site", clock.site},
                      {"agent_ahead_at_most_nanos", clock.ahead_at_most},
                      {"agent_behind_at_most_nanos", clock.behind_at_most}});
  }
  const Json json = {{"verified", verified.findings.empty()},
                     {"pinned", verified.pinned},
                     {"findings_count", verified.findings.count()},
                     {"findings", findings},
                     {"keys", keys},
                     {"receipts", report.receipts},
                     {"checkpoints", report.checkpoints},
                     {"records", report.records},
                     {"signatures_checked", report.signatures},
                     {"heads_outside_chain", report.heads_outside_chain},
                     {"chains", chains},
                     {"clocks", clocks},
                     {"stated_gaps", gaps},
                     {"ledger", Json::parse(ToJson(report.ledger), nullptr, false)}};
  return Dump(json);
}

}  // namespace tidemark
