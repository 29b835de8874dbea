#include "replicator/export_manifest.h"

#include <cassert>

#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kMark = {"TMEXPORT", "export manifest"};
constexpr std::string_view kDomain = "tidemark-export/1";
constexpr size_t kSignatureBytes = 64;

}  // namespace

std::vector<std::byte> ExportManifest::Encode() const {
  assert(sites.size() <= 255);
  LayoutWriter out;
  WriteMark(kMark, &out, version);
  out.U16(0).Text(agent).Bytes(agent_key.bytes);
  out.I64(made_at_nanos).I64(since_nanos).I64(until_nanos);
  out.U8(static_cast<uint8_t>(sites.size()));
  for (const Site& site : sites)
    out.Text(site.name).U8(site.is_primary ? 1 : 2).Bytes(site.key.bytes);
  out.U32(static_cast<uint32_t>(vaults.size()));
  for (const Vault& vault : vaults)
    out.Bytes(vault.id.bytes).Text(vault.name).Text(vault.data_class).I64(vault.target_nanos);
  out.U32(static_cast<uint32_t>(gaps.size()));
  for (const Gap& gap : gaps) out.U8(gap.site).Bytes(gap.store.bytes).U64(gap.from).U64(gap.to);
  out.U32(static_cast<uint32_t>(files.size()));
  for (const File& file : files) out.Text(file.name).U64(file.bytes).Bytes(file.digest.bytes);
  return out.Take();
}

std::vector<std::byte> SignManifest(const SigningKey& agent, const ExportManifest& manifest) {
  const std::vector<std::byte> statement = manifest.Encode();
  LayoutWriter out;
  out.Bytes(statement).Bytes(agent.Sign(kDomain, statement).bytes);
  WriteChecksum(&out);
  return out.Take();
}

absl::StatusOr<ExportManifest> ParseManifest(ByteSpan whole) {
  if (!ChecksumHolds(whole)) return absl::DataLossError("the export's manifest was changed");
  const ByteSpan bytes = whole.first(whole.size() - kChecksumBytes);
  LayoutReader in(bytes);
  ExportManifest manifest;
  absl::Status mark = ReadMark(kMark, &in, kEvidenceVersion, &manifest.version);
  if (!mark.ok()) return mark;
  bool sound = in.U16() == 0;
  manifest.agent = in.Text();
  manifest.agent_key = in.Object<PublicKey>();
  manifest.made_at_nanos = in.I64();
  manifest.since_nanos = in.I64();
  manifest.until_nanos = in.I64();
  const uint8_t sites = in.U8();
  for (uint8_t i = 0; i < sites && in.ok(); ++i) {
    ExportManifest::Site site;
    site.name = in.Text();
    const uint8_t role = in.U8();
    sound &= role == 1 || role == 2;
    site.is_primary = role == 1;
    site.key = in.Object<PublicKey>();
    manifest.sites.push_back(std::move(site));
  }
  const uint32_t vaults = in.U32();
  for (uint32_t i = 0; i < vaults && in.ok(); ++i) {
    ExportManifest::Vault vault;
    vault.id = in.Object<VaultId>();
    vault.name = in.Text();
    vault.data_class = in.Text();
    vault.target_nanos = in.I64();
    sound &= vault.target_nanos >= 0;
    manifest.vaults.push_back(std::move(vault));
  }
  const uint32_t gaps = in.U32();
  for (uint32_t i = 0; i < gaps && in.ok(); ++i) {
    ExportManifest::Gap gap;
    gap.site = in.U8();
    gap.store = in.Object<StoreId>();
    gap.from = in.U64();
    gap.to = in.U64();
    sound &= gap.site < sites && gap.from <= gap.to;
    manifest.gaps.push_back(gap);
  }
  const uint32_t files = in.U32();
  for (uint32_t i = 0; i < files && in.ok(); ++i) {
    ExportManifest::File file;
    file.name = in.Text();
    file.bytes = in.U64();
    file.digest = in.Object<Digest>();
    sound &= !file.name.empty() && file.name.find('/') == std::string::npos;
    manifest.files.push_back(std::move(file));
  }
  sound &= in.ok() && in.remaining() == kSignatureBytes;
  if (!sound) return absl::DataLossError("the export's manifest is malformed");
  const Signature signature = in.Object<Signature>();
  if (!VerifySignature(manifest.agent_key, kDomain, bytes.first(bytes.size() - kSignatureBytes),
                       signature)) {
    return absl::DataLossError("the export's manifest is not what the agent signed");
  }
  return manifest;
}

}  // namespace tidemark
