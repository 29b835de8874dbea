#include "tests/replicator/proof_world.h"

#include <gtest/gtest.h>

#include "tests/replicator/samples.h"

namespace tidemark {
namespace {

SigningKey KeyOf(uint8_t number) {
  return SigningKey::FromSeed(Secret32(Counting<Digest>(number).bytes));
}

}  // namespace

std::string SiteName(size_t site) { return std::string(1, "abw"[site % 3]); }

SigningKey ProofWorld::agent_key() { return KeyOf(1); }
SigningKey ProofWorld::site_key(size_t site) { return KeyOf(static_cast<uint8_t>(10 + site)); }

ProofWorld::ProofWorld(int64_t start, size_t sites) : vault_(Counting<VaultId>(7)) {
  for (size_t i = 0; i < sites; ++i) {
    SignedReceipt none;
    none.receipt.site = SiteName(i);
    none.receipt.store = Counting<StoreId>(static_cast<uint8_t>(20 + i));
    newest_.push_back(none);
  }
  Append(start);
}

Position ProofWorld::Append(int64_t taken, RecordKind kind,
                            const std::vector<std::byte>* control_body) {
  CanonicalHeader header;
  header.kind = kind;
  header.vault = vault_;
  header.epoch = epoch;
  header.sequence = log_.size() + 1;
  header.made_at_nanos = taken;
  if (!log_.empty()) header.previous = log_.back().digest();
  std::vector<std::byte> payload(4096);
  if (control_body != nullptr) {
    payload = MakeControlPayload(agent_key(), vault_, kind, epoch, header.sequence, *control_body);
  }
  header.payload_bytes = static_cast<uint32_t>(payload.size());
  header.blocks = BlockDigests(payload);
  if (control_body != nullptr)
    pieces.push_back({EvidenceKind::kControl, EncodeControlEvidence(header, payload)});
  log_.push_back(header);
  taken_.push_back(taken);
  return header.position();
}

Receipt ProofWorld::NextReceipt(size_t site, uint64_t sequence, int64_t now) const {
  Receipt receipt = newest_[site].receipt;
  ++receipt.number;
  receipt.previous = receipt.number == 1 ? Digest{} : newest_[site].digest();
  receipt.wall_nanos = now;
  receipt.checkpoint = newest_checkpoint_;
  receipt.heads = {{vault_, log_[sequence - 1].position()}};
  return receipt;
}

void ProofWorld::SignReceipt(size_t site, uint64_t sequence, int64_t now, Receipt::Level level) {
  Receipt receipt = NextReceipt(site, sequence, now);
  receipt.level = level;
  newest_[site] = tidemark::SignReceipt(site_key(site), std::move(receipt));
  pieces.push_back({EvidenceKind::kReceipt, newest_[site].Encode()});
}

void ProofWorld::MakeCheckpoint(uint64_t sequence, int64_t now, const std::vector<Digest>& named) {
  Checkpoint checkpoint;
  checkpoint.vault = vault_;
  checkpoint.upto = log_[sequence - 1].position();
  checkpoint.captured_at_nanos = checkpoint.restorable_at_nanos = taken_[sequence - 1];
  checkpoint.made_at_nanos = now;
  checkpoint.bytes_upto = sequence * 4096;
  for (const SignedReceipt& receipt : newest_)
    checkpoint.receipts.push_back(receipt.receipt.number == 0 ? Digest{} : receipt.digest());
  if (!named.empty()) checkpoint.receipts = named;
  const SignedCheckpoint made = SignCheckpoint(agent_key(), std::move(checkpoint));
  newest_checkpoint_ = made.digest();
  pieces.push_back({EvidenceKind::kCheckpoint, made.Encode()});
}

void ProofWorld::ShowHeaders() {
  std::vector<Piece> headers;
  for (const CanonicalHeader& header : log_)
    headers.push_back({EvidenceKind::kHeader, header.Encode()});
  pieces.insert(pieces.begin(), headers.begin(), headers.end());
}

ExportManifest ProofWorld::Manifest(int64_t since, int64_t until, int64_t target) const {
  ExportManifest manifest;
  manifest.agent = "agent";
  manifest.agent_key = agent_key().public_key();
  manifest.made_at_nanos = manifest.until_nanos = until;
  manifest.since_nanos = since;
  for (size_t i = 0; i < newest_.size(); ++i)
    manifest.sites.push_back({SiteName(i), i < 2, site_key(i).public_key()});
  manifest.vaults.push_back({vault_, "default", "database", target});
  return manifest;
}

ProofReport ProofWorld::Check(const ExportManifest& manifest, ProofFindings* findings,
                              uint64_t signature_every) const {
  ProofCheck check(manifest, signature_every, findings);
  for (const Piece& piece : pieces) check.Take({piece.kind, piece.marks, piece.body});
  return check.Finish();
}

std::vector<size_t> ProofWorld::ReceiptsOf(size_t site) const {
  std::vector<size_t> places;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].kind != EvidenceKind::kReceipt) continue;
    const absl::StatusOr<SignedReceipt> receipt = ParseReceiptUnchecked(pieces[i].body);
    if (receipt.ok() && receipt->receipt.site == SiteName(site)) places.push_back(i);
  }
  return places;
}

ProofWorld HealthyProofWorld() {
  ProofWorld world(kStart);
  for (uint64_t round = 1; round <= 20; ++round) {
    const int64_t now = kStart + static_cast<int64_t>(round) * 100 * kMilli;
    world.MakeCheckpoint(round, now);
    for (size_t site = 0; site < 3; ++site) world.SignReceipt(site, round, now + 10 * kMilli);
    if (round < 20) world.Append(now);
  }
  world.MakeCheckpoint(20, kStart + 3 * kSecond);
  world.ShowHeaders();
  return world;
}

ProofFindings FindIn(const ProofWorld& world, uint64_t signature_every) {
  ProofFindings findings;
  world.Check(world.Manifest(kStart, kStart + 3 * kSecond), &findings, signature_every);
  return findings;
}

bool Names(const ProofFindings& findings, FindingKind kind, const std::string& site,
           uint64_t number) {
  for (const ProofFinding& finding : findings.listed()) {
    if (finding.kind == kind && finding.site == site && finding.number == number) return true;
  }
  for (const ProofFinding& finding : findings.listed())
    ADD_FAILURE() << FindingName(finding.kind) << " " << finding.site << " " << finding.number
                  << ": " << finding.message;
  return false;
}

}  // namespace tidemark
