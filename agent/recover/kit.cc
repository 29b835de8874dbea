#include "agent/recover/kit.h"

#include <cassert>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_format.h"
#include "replicator/format_mark.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kFormatName[] = "tidemark-recovery-kit";
constexpr uint16_t kKitVersion = 1;
constexpr size_t kKitBytesMax = 16 * 1024 * 1024;
// The checksum covers the whole text, with zeros in its own place: no byte is outside of it.
const std::string kZeroChecksum(2 * kChecksumBytes, '0');

std::string Dump(const Json& json) {
  return json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + "\n";
}

std::string ChecksumOf(const std::string& text_with_zeros) {
  return HashBytes(AsBytes(text_with_zeros)).hex();
}

Json SitesOf(const RecoveryKit& kit) {
  Json sites = Json::array();
  for (const KitSite& site : kit.sites) {
    sites.push_back({{"name", site.name},
                     {"role", site.role},
                     {"address", site.address},
                     {"public_key", ToHex(site.key.bytes)}});
  }
  return sites;
}

Json VaultsOf(const RecoveryKit& kit) {
  Json vaults = Json::array();
  for (const KitVault& vault : kit.vaults) {
    vaults.push_back(
        {{"name", vault.name}, {"id", vault.id.hex()}, {"checkpoint", ToHex(vault.checkpoint)}});
  }
  return vaults;
}

// Reads fields and keeps the first thing that is wrong, with where it stands.
class KitReader {
 public:
  KitReader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

  std::string Text(const char* key) {
    auto found = json_.is_object() ? json_.find(key) : json_.end();
    if (!json_.is_object() || found == json_.end() || !found->is_string()) {
      Fail(key, "is missing or not a text");
      return "";
    }
    return found->get<std::string>();
  }
  void Hex(const char* key, MutableByteSpan out) {
    const std::string text = Text(key);
    if (status_.ok() && !FromHex(text, out)) {
      Fail(key, absl::StrFormat("is not %d bytes in hex", out.size()));
    }
  }
  std::vector<std::byte> HexOfAnySize(const char* key) {
    const std::string text = Text(key);
    std::vector<std::byte> bytes(text.size() / 2);
    if (status_.ok() && !FromHex(text, bytes)) Fail(key, "is not hex");
    return bytes;
  }
  const Json& Part(const char* key, bool is_list) {
    static const Json kNothing;
    auto found = json_.is_object() ? json_.find(key) : json_.end();
    if (json_.is_object() && found != json_.end() &&
        (is_list ? found->is_array() : found->is_object())) {
      return *found;
    }
    Fail(key, is_list ? "is missing or not a list" : "is missing or not an object");
    return kNothing;
  }
  const absl::Status& status() const { return status_; }
  void Take(const absl::Status& status) {
    if (status_.ok()) status_ = status;
  }

 private:
  void Fail(const char* key, const std::string& why) {
    Take(absl::DataLossError(absl::StrFormat("recovery kit: %s%s %s", where_, key, why)));
  }
  const Json& json_;
  std::string where_;
  absl::Status status_;
};

// Is this a kit, whole and of a version that we know? `json` must come from `text`.
absl::Status CheckKit(const std::string& text, const Json& json) {
  if (json.is_discarded() || !json.is_object() || json.value("format", Json()) != kFormatName) {
    return absl::DataLossError(
        "this is not a Tidemark recovery kit, or it is damaged: use another copy");
  }
  const Json checksum = json.value("checksum", Json());
  const std::string stated = checksum.is_string() ? checksum.get<std::string>() : "";
  const size_t at = stated.size() == kZeroChecksum.size() ? text.rfind(stated) : std::string::npos;
  std::string zeroed = text;
  if (at != std::string::npos) zeroed.replace(at, stated.size(), kZeroChecksum);
  const bool holds = at != std::string::npos && ChecksumOf(zeroed) == stated;
  Wipe({reinterpret_cast<std::byte*>(zeroed.data()), zeroed.size()});
  if (!holds) {
    return absl::DataLossError(
        "recovery kit is changed or damaged: its checksum does not hold; use another copy");
  }
  const Json version = json.value("version", Json());
  if (!version.is_number_unsigned() || version.get<uint64_t>() == 0) {
    return absl::DataLossError("recovery kit: version is missing");
  }
  if (version.get<uint64_t>() > kKitVersion) {
    return absl::UnimplementedError(
        absl::StrFormat("recovery kit of version %d, this binary reads up to %d: use a newer one",
                        version.get<uint64_t>(), kKitVersion));
  }
  return absl::OkStatus();
}

absl::Status ReadSites(const Json& list, std::vector<KitSite>* sites) {
  for (size_t i = 0; i < list.size(); ++i) {
    KitReader reader(list[i], absl::StrFormat("sites[%d].", i));
    KitSite site;
    site.name = reader.Text("name");
    site.role = reader.Text("role");
    site.address = reader.Text("address");
    reader.Hex("public_key", site.key.bytes);
    if (!reader.status().ok()) return reader.status();
    sites->push_back(std::move(site));
  }
  return absl::OkStatus();
}

absl::Status ReadVaults(const Json& list, std::vector<KitVault>* vaults) {
  for (size_t i = 0; i < list.size(); ++i) {
    KitReader reader(list[i], absl::StrFormat("vaults[%d].", i));
    KitVault vault;
    vault.name = reader.Text("name");
    reader.Hex("id", vault.id.bytes);
    vault.checkpoint = reader.HexOfAnySize("checkpoint");
    if (!reader.status().ok()) return reader.status();
    vaults->push_back(std::move(vault));
  }
  return absl::OkStatus();
}

// Groups of four hex digits, eight to a line.
std::string Grouped(ByteSpan bytes) {
  const std::string hex = ToHex(bytes);
  std::string lines;
  for (size_t i = 0; i < hex.size(); i += 4) {
    if (i % 32 == 0) lines += i == 0 ? "    " : "\n    ";
    lines += hex.substr(i, 4) + " ";
  }
  return lines + "\n";
}

}  // namespace

std::string EncodeKit(const RecoveryKit& kit) {
  Json json;
  json["format"] = kFormatName;
  json["version"] = kKitVersion;
  json["keep"] = "Keep this in a safe: whoever holds it can read every archive.";
  json["kek"] = {{"id", ToHex(kit.kek.id)}, {"key", ToHex(kit.kek.key.view())}};
  json["agent_key"] = ToHex(kit.agent_key.bytes);
  json["authority"] = kit.identity.authority_pem;
  json["reader"] = {{"certificate", kit.identity.own.certificate_pem},
                    {"private_key", kit.identity.own.private_key_pem}};
  json["sites"] = SitesOf(kit);
  json["vaults"] = VaultsOf(kit);
  json["checksum"] = kZeroChecksum;
  std::string text = Dump(json);
  const size_t at = text.rfind(kZeroChecksum);
  assert(at != std::string::npos);
  text.replace(at, kZeroChecksum.size(), ChecksumOf(text));
  return text;
}

absl::StatusOr<RecoveryKit> ParseKit(const std::string& text) {
  if (text.size() > kKitBytesMax) return absl::DataLossError("this is too long for a recovery kit");
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  absl::Status checked = CheckKit(text, json);
  if (!checked.ok()) return checked;

  RecoveryKit kit;
  KitReader reader(json, "");
  KitReader kek(reader.Part("kek", /*is_list=*/false), "kek.");
  kek.Hex("id", kit.kek.id);
  kek.Hex("key", kit.kek.key.mutable_view());
  reader.Take(kek.status());
  reader.Hex("agent_key", kit.agent_key.bytes);
  kit.identity.authority_pem = reader.Text("authority");
  KitReader own(reader.Part("reader", /*is_list=*/false), "reader.");
  kit.identity.own.certificate_pem = own.Text("certificate");
  kit.identity.own.private_key_pem = own.Text("private_key");
  reader.Take(own.status());
  reader.Take(ReadSites(reader.Part("sites", /*is_list=*/true), &kit.sites));
  reader.Take(ReadVaults(reader.Part("vaults", /*is_list=*/true), &kit.vaults));
  if (!reader.status().ok()) return reader.status();
  return kit;
}

std::string PrintableKit(const RecoveryKit& kit) {
  std::string page =
      "TIDEMARK RECOVERY KIT\n"
      "=====================\n"
      "Keep this page in a safe. Whoever holds it can read every archive of the vaults below,\n"
      "at every site. Nobody can write or delete with it.\n\n"
      "To restore on a bare machine: the tidemark binary, the kit file, one site (or its store).\n"
      "    tidemark restore NAME -o PATH --kit FILE\n"
      "    tidemark restore NAME -o PATH --kit FILE --store DIR\n\n";
  absl::StrAppendFormat(&page, "Key-encryption key, id %s\n%s\n", ToHex(kit.kek.id),
                        Grouped(kit.kek.key.view()));
  absl::StrAppendFormat(&page, "Agent's public key\n%s\nSites\n", Grouped(kit.agent_key.bytes));
  for (const KitSite& site : kit.sites) {
    absl::StrAppendFormat(&page, "  %s (%s) at %s, public key\n%s", site.name, site.role,
                          site.address, Grouped(site.key.bytes));
  }
  page += "\nVaults\n";
  for (const KitVault& vault : kit.vaults) {
    absl::StrAppendFormat(&page, "  %s, id %s\n", vault.name, vault.id.hex());
    if (!vault.checkpoint.empty()) {
      absl::StrAppendFormat(&page, "  newest known checkpoint\n%s", Grouped(vault.checkpoint));
    }
  }
  absl::StrAppendFormat(&page, "\nCertificate authority\n%s\nReader\n%s%s",
                        kit.identity.authority_pem, kit.identity.own.certificate_pem,
                        kit.identity.own.private_key_pem);
  return page;
}

}  // namespace tidemark
