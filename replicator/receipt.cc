#include "replicator/receipt.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_format.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kReceiptMark = {"TMRECEPT", "receipt"};
constexpr FormatMark kCheckpointMark = {"TMCHKPNT", "checkpoint"};
constexpr FormatMark kPromiseMark = {"TMPROMIS", "promise"};
constexpr std::string_view kReceiptDomain = "tidemark-receipt/1";
constexpr std::string_view kCheckpointDomain = "tidemark-checkpoint/1";
constexpr std::string_view kPromiseDomain = "tidemark-promise/1";
constexpr size_t kSignatureBytes = 64;
constexpr uint16_t kCheckpointVersion = 2;

bool IsKnown(Receipt::Level level) {
  return level == Receipt::Level::kFlushed || level == Receipt::Level::kReadBack ||
         level == Receipt::Level::kScrubbed || level == Receipt::Level::kTruncated;
}

bool VaultOrder(const VaultHead& a, const VaultHead& b) { return a.vault < b.vault; }

std::vector<std::byte> WithSignature(std::vector<std::byte> statement, const Signature& signature) {
  statement.insert(statement.end(), signature.bytes.begin(), signature.bytes.end());
  return statement;
}

absl::Status Malformed(std::string_view what) {
  return absl::DataLossError(absl::StrFormat("%s is malformed", what));
}

// The statement before the signature of the last 64 bytes, whose signature holds.
absl::Status CheckSigned(std::string_view what, std::string_view domain, const PublicKey& signer,
                         ByteSpan bytes, const Signature& signature) {
  ByteSpan statement = bytes.first(bytes.size() - kSignatureBytes);
  if (VerifySignature(signer, domain, statement, signature)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrFormat("%s is not signed by key %s", what, ToHex(signer.bytes)));
}

}  // namespace

std::vector<std::byte> Receipt::Encode() const {
  LayoutWriter out;
  WriteMark(kReceiptMark, &out);
  out.U8(static_cast<uint8_t>(level)).U8(0).Text(site).Bytes(store.bytes).Bytes(boot.bytes);
  out.U64(number).Bytes(previous.bytes);
  out.I64(wall_nanos).I64(monotonic_nanos).I64(wall_error_nanos).Bytes(checkpoint.bytes);
  out.U32(static_cast<uint32_t>(heads.size()));
  for (const VaultHead& head : heads) {
    out.Bytes(head.vault.bytes);
    EncodePosition(head.durable, &out);
  }
  return out.Take();
}

std::vector<std::byte> SignedReceipt::Encode() const {
  return WithSignature(receipt.Encode(), signature);
}

Digest SignedReceipt::digest() const { return HashBytes(Encode()); }

SignedReceipt SignReceipt(const SigningKey& site, Receipt receipt) {
  assert(std::is_sorted(receipt.heads.begin(), receipt.heads.end(), VaultOrder));
  Signature signature = site.Sign(kReceiptDomain, receipt.Encode());
  return {std::move(receipt), signature};
}

absl::StatusOr<SignedReceipt> ParseReceiptUnchecked(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status mark = ReadMark(kReceiptMark, &in);
  if (!mark.ok()) return mark;
  SignedReceipt parsed;
  Receipt& receipt = parsed.receipt;
  receipt.level = static_cast<Receipt::Level>(in.U8());
  uint8_t reserved = in.U8();
  receipt.site = in.Text();
  receipt.store = in.Object<StoreId>();
  receipt.boot = in.Object<BootId>();
  receipt.number = in.U64();
  receipt.previous = in.Object<Digest>();
  receipt.wall_nanos = in.I64();
  receipt.monotonic_nanos = in.I64();
  receipt.wall_error_nanos = in.I64();
  receipt.checkpoint = in.Object<Digest>();
  uint32_t heads = in.U32();
  if (!in.ok() || reserved != 0 || !IsKnown(receipt.level) || receipt.number == 0 ||
      in.remaining() != uint64_t{heads} * (16 + kPositionBytes) + kSignatureBytes) {
    return Malformed("receipt");
  }
  for (uint32_t i = 0; i < heads; ++i) {
    VaultHead head;
    head.vault = in.Object<VaultId>();
    head.durable = DecodePosition(&in);
    if (i > 0 && !(receipt.heads.back().vault < head.vault)) return Malformed("receipt");
    receipt.heads.push_back(head);
  }
  parsed.signature = in.Object<Signature>();
  return parsed;
}

absl::StatusOr<SignedReceipt> ParseReceipt(const PublicKey& site, ByteSpan bytes) {
  absl::StatusOr<SignedReceipt> parsed = ParseReceiptUnchecked(bytes);
  if (!parsed.ok()) return parsed;
  absl::Status signed_by = CheckSigned("receipt", kReceiptDomain, site, bytes, parsed->signature);
  if (!signed_by.ok()) return signed_by;
  return parsed;
}

bool IsSignedBy(const PublicKey& site, const SignedReceipt& receipt) {
  return VerifySignature(site, kReceiptDomain, receipt.receipt.Encode(), receipt.signature);
}

std::vector<std::byte> Checkpoint::Encode() const {
  assert(receipts.size() <= 255);
  LayoutWriter out;
  WriteMark(kCheckpointMark, &out, version);
  out.U8(static_cast<uint8_t>(receipts.size())).U8(0).Bytes(vault.bytes);
  EncodePosition(upto, &out);
  out.I64(captured_at_nanos);
  if (version > 1) out.I64(restorable_at_nanos);
  out.I64(made_at_nanos).U64(bytes_upto);
  for (const Digest& receipt : receipts) out.Bytes(receipt.bytes);
  return out.Take();
}

std::vector<std::byte> SignedCheckpoint::Encode() const {
  return WithSignature(checkpoint.Encode(), signature);
}

Digest SignedCheckpoint::digest() const { return HashBytes(Encode()); }

SignedCheckpoint SignCheckpoint(const SigningKey& agent, Checkpoint checkpoint) {
  Signature signature = agent.Sign(kCheckpointDomain, checkpoint.Encode());
  return {std::move(checkpoint), signature};
}

absl::StatusOr<SignedCheckpoint> ParseCheckpointUnchecked(ByteSpan bytes) {
  LayoutReader in(bytes);
  SignedCheckpoint parsed;
  Checkpoint& checkpoint = parsed.checkpoint;
  absl::Status mark = ReadMark(kCheckpointMark, &in, kCheckpointVersion, &checkpoint.version);
  if (!mark.ok()) return mark;
  uint8_t receipts = in.U8();
  uint8_t reserved = in.U8();
  checkpoint.vault = in.Object<VaultId>();
  checkpoint.upto = DecodePosition(&in);
  checkpoint.captured_at_nanos = in.I64();
  if (checkpoint.version > 1) checkpoint.restorable_at_nanos = in.I64();
  checkpoint.made_at_nanos = in.I64();
  checkpoint.bytes_upto = in.U64();
  for (uint8_t i = 0; i < receipts; ++i) checkpoint.receipts.push_back(in.Object<Digest>());
  parsed.signature = in.Object<Signature>();
  if (!in.ok() || !in.at_end() || reserved != 0) return Malformed("checkpoint");
  return parsed;
}

absl::StatusOr<SignedCheckpoint> ParseCheckpoint(const PublicKey& agent, ByteSpan bytes) {
  absl::StatusOr<SignedCheckpoint> parsed = ParseCheckpointUnchecked(bytes);
  if (!parsed.ok()) return parsed;
  absl::Status signed_by =
      CheckSigned("checkpoint", kCheckpointDomain, agent, bytes, parsed->signature);
  if (!signed_by.ok()) return signed_by;
  return parsed;
}

bool IsSignedBy(const PublicKey& agent, const SignedCheckpoint& checkpoint) {
  return VerifySignature(agent, kCheckpointDomain, checkpoint.checkpoint.Encode(),
                         checkpoint.signature);
}

std::vector<std::byte> Promise::Encode() const {
  LayoutWriter out;
  WriteMark(kPromiseMark, &out);
  out.U16(0).Text(site).Bytes(store.bytes).Bytes(vault.bytes).U64(epoch).Bytes(nonce.bytes);
  EncodePosition(tail, &out);
  return out.Take();
}

std::vector<std::byte> SignedPromise::Encode() const {
  return WithSignature(promise.Encode(), signature);
}

SignedPromise SignPromise(const SigningKey& site, Promise promise) {
  Signature signature = site.Sign(kPromiseDomain, promise.Encode());
  return {std::move(promise), signature};
}

absl::StatusOr<SignedPromise> ParsePromiseUnchecked(ByteSpan bytes) {
  LayoutReader in(bytes);
  absl::Status mark = ReadMark(kPromiseMark, &in);
  if (!mark.ok()) return mark;
  SignedPromise parsed;
  Promise& promise = parsed.promise;
  uint16_t reserved = in.U16();
  promise.site = in.Text();
  promise.store = in.Object<StoreId>();
  promise.vault = in.Object<VaultId>();
  promise.epoch = in.U64();
  promise.nonce = in.Object<SessionId>();
  promise.tail = DecodePosition(&in);
  parsed.signature = in.Object<Signature>();
  if (!in.ok() || !in.at_end() || reserved != 0) return Malformed("promise");
  return parsed;
}

absl::StatusOr<SignedPromise> ParsePromise(const PublicKey& site, ByteSpan bytes) {
  absl::StatusOr<SignedPromise> parsed = ParsePromiseUnchecked(bytes);
  if (!parsed.ok()) return parsed;
  absl::Status signed_by = CheckSigned("promise", kPromiseDomain, site, bytes, parsed->signature);
  if (!signed_by.ok()) return signed_by;
  return parsed;
}

}  // namespace tidemark
