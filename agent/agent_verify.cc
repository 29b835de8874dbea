// Agent: verify. Plain, each site is asked for what every version needs; deep, the sites re-read
// all they hold and heal what is bad.
#include <set>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "agent/agent.h"
#include "agent/recover/manifest_check.h"

namespace tidemark {
namespace {

constexpr size_t kArchivesNamedMax = 5;

std::string NameOf(const CatalogVersion& version) {
  return absl::StrFormat("%s@%d", version.envelope.name, version.envelope.version);
}

// "archive@1, other@3, and 12 more"
std::string SomeOf(const std::vector<std::string>& names) {
  if (names.size() <= kArchivesNamedMax) return absl::StrJoin(names, ", ");
  const std::vector<std::string> first(names.begin(), names.begin() + kArchivesNamedMax);
  return absl::StrFormat("%s, and %d more", absl::StrJoin(first, ", "),
                         names.size() - kArchivesNamedMax);
}

using Verified = absl::StatusOr<wire::VerifyReport>;

}  // namespace

Task<absl::StatusOr<VerifyReport>> Agent::Verify(VerifyCall call, tidemark::Call* events) {
  absl::StatusOr<Vault*> vault = FindVault(call.vault);
  if (!vault.ok()) co_return vault.status();
  VerifyReport report;
  absl::Status readable = co_await WaitReadable(*vault);
  if (call.deep) {
    co_await VerifyDeep(*vault, &report, events);
  } else {
    if (!readable.ok()) co_return readable;
    co_await VerifySites(*vault, &report, events);
  }
  co_return std::move(report);
}

// Every site alone must have what every version needs.
Task<> Agent::VerifySites(Vault* vault, VerifyReport* report, tidemark::Call* events) {
  std::set<std::string> checked;
  for (size_t i = 0; i < links_.size(); ++i) {
    VerifyReport::Site site;
    site.name = links_[i]->name();
    events->Note("site " + site.name + ": reading the manifest of every version");
    RecordSource* source = sources_[i].get();
    const VaultId id = vault->options().id;
    absl::StatusOr<Position> tail = co_await source->Tail(id);
    if (!tail.ok()) {
      site.state = absl::IsUnavailable(tail.status()) ? "unreachable" : "damaged";
      site.bad.push_back(std::string(tail.status().message()));
    } else {
      site.records = tail->sequence;
      VersionsCheck check{source, vault, tail->sequence, {}};
      co_await CheckVersions(&check);
      site.bad = std::move(check.bad);
      site.state = site.bad.empty() ? "right" : "damaged";
      if (check.interrupted) site.state = "unreachable";
      checked.insert(check.checked.begin(), check.checked.end());
    }
    report->sites.push_back(std::move(site));
  }
  report->versions_checked = checked.size();
}

// Re-read and healed everywhere at the same time; then every version must be there.
Task<> Agent::VerifyDeep(Vault* vault, VerifyReport* report, tidemark::Call* events) {
  events->Note("every site re-reads everything it holds, and heals what is bad");
  std::vector<Task<Verified>> running;
  const VaultId id = vault->options().id;
  for (const std::unique_ptr<SiteLink>& link : links_) running.push_back(link->Verify(id));
  for (Task<Verified>& each : running) each.Start();
  std::set<BlockPlace> bad;
  for (size_t i = 0; i < running.size(); ++i) {
    Task<Verified>& verifying = running[i];
    Verified found = co_await verifying;
    VerifyReport::Site site;
    site.name = links_[i]->name();
    if (found.ok()) {
      site.records = found->records();
      site.blocks = found->blocks();
      site.found = found->found();
      site.healed = found->healed();
      for (const wire::VerifyReport::Bad& place : found->bad()) {
        std::string line = place.place() + ": " + place.why();
        (place.healed() ? site.healed_places : site.bad).push_back(std::move(line));
        if (!place.healed()) bad.emplace(place.sequence(), place.block());
      }
      site.state = site.healed == site.found ? "right" : "damaged";
      events->Note(absl::StrFormat("site %s: %d records read, %d places bad, %d healed", site.name,
                                   site.records, site.found, site.healed));
    } else {
      site.state = absl::IsUnavailable(found.status()) ? "unreachable" : "damaged";
      site.bad.push_back(std::string(found.status().message()));
    }
    report->sites.push_back(std::move(site));
  }
  if (!vault->readable()) co_return;
  VersionsCheck check{vault->source(), vault, UINT64_MAX, std::move(bad)};
  co_await CheckVersions(&check);
  report->versions_checked = check.checked.size();
  report->bad = std::move(check.bad);
  for (const auto& [place, names] : check.standing_in) {
    report->bad.push_back(absl::StrFormat("record %d block %d is needed by %s", place.first,
                                          place.second, SomeOf(names)));
  }
}

// What is committed now: the catalogue may change meanwhile.
Task<> Agent::CheckVersions(VersionsCheck* check) {
  std::vector<CatalogVersion> versions;
  for (const CatalogVersion* version : check->vault->catalog()->List(nullptr)) {
    if (version->sequence <= check->upto) versions.push_back(*version);
  }
  const VaultKeys* keys = &check->vault->keys();
  ManifestCheck manifests(check->source, keys);
  manifests.Watch(check->watched);
  for (const CatalogVersion& version : versions) {
    if (stopping_) break;
    Envelope envelope = version.envelope;
    absl::Status whole = co_await manifests.Check(std::move(envelope));
    if (absl::IsUnavailable(whole)) {
      check->bad.push_back(std::string(whole.message()));
      check->interrupted = true;
      co_return;
    }
    const std::string name = NameOf(version);
    check->checked.insert(name);
    for (const BlockPlace& place : manifests.touched()) check->standing_in[place].push_back(name);
    if (!whole.ok()) check->bad.push_back(name + ": " + std::string(whole.message()));
  }
}

}  // namespace tidemark
