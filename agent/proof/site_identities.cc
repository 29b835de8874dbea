#include "agent/proof/site_identities.h"

#include "agent/io/transfer.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

constexpr FormatMark kMark = {"TMSITEID", "site identities file"};
constexpr size_t kFileBytesMax = 16 << 20;

}  // namespace

Task<> SiteIdentities::Load() {
  std::string path = path_;
  absl::StatusOr<std::string> file = co_await ReadSmallFile(io_, std::move(path), kFileBytesMax);
  if (!file.ok() || !ChecksumHolds(AsBytes(*file))) co_return;
  LayoutReader in(AsBytes(*file));
  absl::Status mark = ReadMark(kMark, &in);
  if (!mark.ok()) co_return;
  const uint32_t count = in.U32();
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const std::string site = in.Text();
    Identity identity;
    identity.key = in.Object<PublicKey>();
    const uint32_t size = in.U32();
    identity.certificate_pem = std::string(AsText(in.View(size)));
    if (in.ok()) known_[site] = std::move(identity);
  }
}

void SiteIdentities::Show(const std::string& site, Identity identity) {
  Identity& known = known_[site];
  if (known == identity) return;
  known = std::move(identity);
  changed_ = true;
}

const SiteIdentities::Identity* SiteIdentities::Find(const std::string& site) const {
  const auto found = known_.find(site);
  return found == known_.end() ? nullptr : &found->second;
}

Task<absl::Status> SiteIdentities::Save() {
  if (!changed_) co_return absl::OkStatus();
  changed_ = false;
  LayoutWriter out;
  WriteMark(kMark, &out);
  out.U32(static_cast<uint32_t>(known_.size()));
  for (const auto& [site, identity] : known_) {
    const std::string& pem = identity.certificate_pem;
    out.Text(site).Bytes(identity.key.bytes).U32(static_cast<uint32_t>(pem.size()));
    out.Bytes(AsBytes(pem));
  }
  WriteChecksum(&out);
  std::string path = path_, content(AsText(out.view()));
  absl::Status written = co_await WriteSmallFileDurably(io_, std::move(path), std::move(content));
  if (!written.ok()) changed_ = true;
  co_return written;
}

}  // namespace tidemark
