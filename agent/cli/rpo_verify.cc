// tidemark rpo-verify: is this export what the sites signed, and what does it prove? Needs nothing
// but the directory, and keys to compare.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <set>

#include "absl/strings/str_format.h"
#include "agent/cli/files.h"
#include "agent/cli/output.h"
#include "agent/cli/rpo_text.h"
#include "agent/cli/verbs.h"
#include "agent/failure.h"
#include "agent/rpo_json.h"
#include "agent/verify_json.h"
#include "replicator/proof.h"

namespace tidemark {
namespace {

constexpr uint64_t kSignatureEvery = 100;
constexpr size_t kReadBytes = 8 << 20;

void Report(FindingKind kind, std::string message, ProofFindings* findings) {
  findings->Add({kind, "", 0, std::move(message), {}});
}

// Calls use(bytes) with pieces of a file that are not larger than kReadBytes and gives how many
// bytes of each were taken; the rest comes again with the next.
absl::Status ForEachPiece(const std::string& path, const std::function<size_t(ByteSpan)>& use) {
  const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return absl::NotFoundError("cannot open " + path);
  std::vector<std::byte> memory(kReadBytes);
  size_t held = 0;
  while (true) {
    const ssize_t got = read(file.get(), memory.data() + held, memory.size() - held);
    if (got < 0) return absl::UnknownError("cannot read " + path);
    held += static_cast<size_t>(got);
    const size_t used = use(ByteSpan(memory).first(held));
    std::copy(memory.begin() + static_cast<ptrdiff_t>(used),
              memory.begin() + static_cast<ptrdiff_t>(held), memory.begin());
    held -= used;
    if (got == 0 || held == memory.size()) return absl::OkStatus();
  }
}

std::set<std::string> FilesIn(const std::string& directory) {
  std::set<std::string> names;
  DIR* opened = opendir(directory.c_str());
  if (opened == nullptr) return names;
  while (const dirent* entry = readdir(opened)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.insert(name);
  }
  closedir(opened);
  return names;
}

// Every listed file is there with its bytes, and there is no other.
void CheckFiles(const std::string& directory, const ExportManifest& manifest,
                ProofFindings* findings) {
  std::set<std::string> names = FilesIn(directory);
  names.erase(kManifestName);
  for (const ExportManifest::File& file : manifest.files) {
    names.erase(file.name);
    Hasher hasher;
    uint64_t bytes = 0;
    const absl::Status read = ForEachPiece(directory + "/" + file.name, [&](ByteSpan piece) {
      hasher.Update(piece);
      bytes += piece.size();
      return piece.size();
    });
    if (!read.ok() || bytes != file.bytes || hasher.Finish() != file.digest) {
      Report(FindingKind::kFile,
             read.ok() ? "file " + file.name + " was changed" : std::string(read.message()),
             findings);
    }
  }
  for (const std::string& name : names)
    Report(FindingKind::kFile, "file " + name + " does not belong to the export", findings);
}

// Lines "agent NAME KEY" and "site NAME KEY"; '#' begins a comment.
absl::StatusOr<std::map<std::string, PublicKey>> ReadKeys(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadWholeFile(path);
  if (!text.ok()) return text.status();
  std::map<std::string, PublicKey> keys;
  for (size_t at = 0; at < text->size();) {
    const size_t end = std::min(text->find('\n', at), text->size());
    const std::string line = text->substr(at, end - at);
    at = end + 1;
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.rfind(' ');
    PublicKey key;
    if (space == std::string::npos || !FromHex(line.substr(space + 1), key.bytes)) {
      return WithExit(absl::InvalidArgumentError(absl::StrFormat("%s: not a key: %s", path, line)),
                      kExitConfig);
    }
    keys[line.substr(0, space)] = key;
  }
  return keys;
}

void CompareKeys(const ExportManifest& manifest, const std::map<std::string, PublicKey>& keys,
                 ProofFindings* findings) {
  const auto compare = [&](const std::string& who, const PublicKey& key) {
    const auto pinned = keys.find(who);
    if (pinned == keys.end()) {
      Report(FindingKind::kForged, "there is no pinned key of " + who, findings);
    } else if (pinned->second != key) {
      Report(FindingKind::kForged,
             absl::StrFormat("the export is signed by another %s: key %s, pinned is %s", who,
                             ToHex(key.bytes), ToHex(pinned->second.bytes)),
             findings);
    }
  };
  compare("agent " + manifest.agent, manifest.agent_key);
  for (const ExportManifest::Site& site : manifest.sites) compare("site " + site.name, site.key);
}

ProofReport CheckEvidence(const std::string& path, const ExportManifest& manifest, bool full,
                          ProofFindings* findings) {
  ProofCheck check(manifest, full ? 1 : kSignatureEvery, findings);
  size_t left = 0;
  const absl::Status read = ForEachPiece(path, [&](ByteSpan piece) {
    size_t used = 0;
    std::optional<EvidenceFrame> frame;
    while (used < piece.size()) {
      size_t bytes = 0;
      const absl::Status status = ReadEvidence(piece.subspan(used), &frame, &bytes);
      if (!status.ok())
        Report(FindingKind::kMalformed, "evidence: " + std::string(status.message()), findings);
      // What follows no frame cannot be told apart. One that was changed is looked at all the same:
      // its signature says whose it was.
      if (!status.ok() && !frame.has_value()) return piece.size();
      if (!frame.has_value()) break;
      check.Take(*frame);
      used += bytes;
    }
    left = piece.size() - used;
    return used;
  });
  if (!read.ok()) Report(FindingKind::kFile, std::string(read.message()), findings);
  if (left > 0) Report(FindingKind::kMalformed, "evidence: its end is cut off", findings);
  return check.Finish();
}

std::string KeysText(const ExportManifest& manifest, bool pinned) {
  std::string text = pinned ? "keys as pinned:\n"
                            : "keys, not pinned: they are the export's own and prove nothing about "
                              "who signed (compare them, or give --keys):\n";
  text += absl::StrFormat("  agent %s %s\n", manifest.agent, ToHex(manifest.agent_key.bytes));
  for (const ExportManifest::Site& site : manifest.sites)
    text += absl::StrFormat("  site %s %s\n", site.name, ToHex(site.key.bytes));
  return text;
}

std::string ClocksText(const ProofReport& report) {
  std::string text;
  for (const ProofReport::Clock& clock : report.clocks) {
    if (clock.ahead_at_most == INT64_MIN || clock.behind_at_most == INT64_MIN) continue;
    text += absl::StrFormat(
        "  the agent's clock against site %s's: at most %.3f s ahead, at most "
        "%.3f s behind\n",
        clock.site, 1e-9 * static_cast<double>(clock.ahead_at_most),
        1e-9 * static_cast<double>(clock.behind_at_most));
  }
  return text;
}

std::string VerdictText(const VerifiedExport& verified) {
  const ProofReport& report = verified.report;
  std::string text = LedgerText(report.ledger);
  text += absl::StrFormat(
      "%d receipts, %d checkpoints, %d control records, chain of %d records; "
      "%d signatures checked\n",
      report.receipts, report.checkpoints, report.controls, report.records, report.signatures);
  for (const ProofReport::Chain& chain : report.chains)
    text += absl::StrFormat("  site %s, store %s: receipts %d to %d%s\n", chain.site,
                            chain.store.hex(), chain.first, chain.last,
                            chain.convicted ? "; CONVICTED by its own signatures" : "");
  text += ClocksText(report);
  if (report.heads_outside_chain > 0)
    text += absl::StrFormat("note: %d heads lie outside the records' chain\n",
                            report.heads_outside_chain);
  for (const ExportManifest::Gap& gap : verified.manifest.gaps)
    text += absl::StrFormat(
        "note: the agent states that it lacks receipts %d to %d of site %s: the time that they "
        "would tell of counts as unknown\n",
        gap.from, gap.to, verified.manifest.sites[gap.site].name);
  text += KeysText(verified.manifest, verified.pinned);
  for (const ProofFinding& finding : verified.findings.listed()) {
    const std::string who = finding.site.empty() ? "" : "site " + finding.site + ": ";
    text += absl::StrFormat("FOUND %s: %s%s\n", FindingName(finding.kind), who, finding.message);
    for (const std::string& statement : finding.statements) text += "  signed: " + statement + "\n";
  }
  const uint64_t count = verified.findings.count();
  if (count > 0) return text + absl::StrFormat("NOT VERIFIED: %d findings\n", count);
  text += "verified: nothing is wrong with it. ";
  if (!verified.pinned) text += "WHO SIGNED IS NOT PROVED: the keys were taken from the export. ";
  return text +
         "Proved: what each site held, in which order; the agent's word: when it was captured\n";
}

absl::StatusOr<VerifiedExport> Verify(const Arguments& arguments) {
  const std::string directory = AbsolutePath(arguments.path);
  const absl::StatusOr<std::string> bytes = ReadWholeFile(directory + "/" + kManifestName);
  if (!bytes.ok()) return bytes.status();
  const absl::StatusOr<ExportManifest> manifest = ParseManifest(AsBytes(*bytes));
  if (!manifest.ok()) return manifest.status();
  VerifiedExport verified;
  verified.manifest = *manifest;
  if (!arguments.keys.empty()) {
    const auto keys = ReadKeys(arguments.keys);
    if (!keys.ok()) return keys.status();
    verified.pinned = true;
    CompareKeys(*manifest, *keys, &verified.findings);
  }
  CheckFiles(directory, *manifest, &verified.findings);
  // Once something is wrong every signature counts: it is to be named.
  const bool full = arguments.full || !verified.findings.empty();
  verified.report =
      CheckEvidence(directory + "/" + kEvidenceName, *manifest, full, &verified.findings);
  const absl::StatusOr<std::string> ledger = ReadWholeFile(directory + "/" + kLedgerName);
  if (!ledger.ok() || *ledger != ToJson(verified.report.ledger) + "\n")
    Report(FindingKind::kLedger, "the agent's ledger is not what its evidence proves",
           &verified.findings);
  return verified;
}

}  // namespace

int RunRpoVerify(const Arguments& arguments) {
  const absl::StatusOr<VerifiedExport> verified = Verify(arguments);
  if (!verified.ok()) return Fail(arguments, verified.status());
  const int printed =
      arguments.json ? PrintJson(ToJson(*verified)) : PrintText(VerdictText(*verified));
  return verified->findings.empty() ? printed : kExitData;
}

}  // namespace tidemark
