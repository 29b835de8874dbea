#include "agent/cli/bare.h"

#include <fcntl.h>

#include "absl/strings/str_format.h"
#include "agent/cli/files.h"
#include "agent/cli/load.h"
#include "agent/cli/output.h"
#include "agent/failure.h"
#include "agent/io/uring_io.h"
#include "agent/recover/restore.h"
#include "agent/recover/site_source.h"
#include "agent/recover/vault_reader.h"
#include "replicator/receipt.h"

namespace tidemark {
namespace {

constexpr uint64_t kAllCommitted = UINT64_MAX;  // what a site has is what there is to restore

// What a bare verb works with. `io` dies last.
struct BareWorld {
  std::unique_ptr<UringIo> io;
  RecoveryKit kit;
  bool allow_older = false;
  std::unique_ptr<ChannelFactory> channels;
  std::vector<std::unique_ptr<RecordSource>> sources;
  std::vector<std::string> names;  // of the sites that the sources are
};

absl::Status AboutKit(const absl::Status& status, const std::string& path) {
  return WithExit(
      absl::Status(status.code(), absl::StrFormat("%s: %s", path, std::string(status.message()))),
      ExitOf(status));
}

absl::StatusOr<RecoveryKit> LoadKit(const Arguments& arguments) {
  if (arguments.kit.empty()) {
    const absl::StatusOr<AgentConfig> config = LoadAgentConfig(arguments.config);
    if (!config.ok()) return config.status();
    return KitOf(*config);
  }
  const absl::StatusOr<std::string> text = ReadWholeFile(arguments.kit);
  if (!text.ok()) return text.status();
  absl::StatusOr<RecoveryKit> kit = ParseKit(*text);
  if (!kit.ok()) return AboutKit(kit.status(), arguments.kit);
  return kit;
}

Task<absl::Status> OpenStore(Io* io, const std::string* path, BareWorld* world) {
  std::string absolute = AbsolutePath(*path);
  // The directory of a site as setup makes it holds its store.
  if (!Exists(absolute + "/vaults") && Exists(absolute + "/store/vaults")) absolute += "/store";
  absl::StatusOr<std::unique_ptr<RecordSource>> source =
      co_await OpenStoreSource(io, std::move(absolute));
  if (!source.ok()) co_return source.status();
  world->names.push_back((*source)->name());
  world->sources.push_back(*std::move(source));
  co_return absl::OkStatus();
}

absl::Status ConnectSites(const std::string& only, BareWorld* world) {
  absl::StatusOr<std::unique_ptr<ChannelFactory>> channels = MakeTlsFactory(world->kit.identity);
  if (!channels.ok()) return channels.status();
  const absl::StatusOr<PartyName> reader = ReadCertificate(world->kit.identity.own.certificate_pem);
  if (!reader.ok()) return reader.status();
  world->channels = *std::move(channels);
  std::string names;
  const auto order = [](const KitSite& site) { return std::pair(site.role, site.name); };
  std::ranges::sort(world->kit.sites, {}, order);
  for (const KitSite& site : world->kit.sites) {
    names += (names.empty() ? "" : ", ") + site.name;
    if (!only.empty() && site.name != only) continue;
    world->names.push_back(site.name);
    world->sources.push_back(MakeSiteSource(world->io.get(), world->channels.get(),
                                            SiteAddress{site.name, site.address}, reader->name));
  }
  if (!world->sources.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("there is no site '%s'; there are: %s", only, names));
}

absl::StatusOr<VaultId> VaultNamed(const RecoveryKit& kit, const std::string& name) {
  std::string names;
  for (const KitVault& vault : kit.vaults) {
    if (vault.name == name) return vault.id;
    names += (names.empty() ? "" : ", ") + vault.name;
  }
  return absl::NotFoundError(absl::StrFormat("there is no vault '%s'; there are: %s", name, names));
}

// Resumes `stop` when a signal comes.
Task<> WatchInterrupt(Io* io, int signals) {
  std::byte memory[128];
  const MutableByteSpan into(memory);
  Op read = io->Read(signals, into, kNoOffset);
  co_await read;
  io->Stop();
}

template <class T>
Task<> StopAfter(Io* io, Task<T> story, std::optional<T>* result) {
  T got = co_await story;
  result->emplace(std::move(got));
  io->Stop();
}

// Runs a story until it ends or a signal comes.
template <class T>
absl::StatusOr<T> RunStory(BareWorld* world, const Interrupt& interrupt,
                           Task<absl::StatusOr<T>> story) {
  Io* io = world->io.get();
  std::optional<absl::StatusOr<T>> result;
  Task<> watch = WatchInterrupt(io, interrupt.fd());
  Task<> whole = StopAfter(io, std::move(story), &result);
  watch.Start();
  whole.Start();
  io->Run();
  if (!result.has_value()) return InterruptedStatus();
  return *std::move(result);
}

// The vault must reach the newest checkpoint that the kit knows, and hold that very record.
Task<absl::Status> CheckAge(Io*, BareWorld* world, RecordSource* source, VaultId vault,
                            Position tail) {
  for (const KitVault& entry : world->kit.vaults) {
    if (entry.id != vault || entry.checkpoint.empty() || world->allow_older) continue;
    const absl::StatusOr<SignedCheckpoint> checkpoint =
        ParseCheckpoint(world->kit.agent_key, entry.checkpoint);
    if (!checkpoint.ok()) co_return checkpoint.status();
    const Position known = checkpoint->checkpoint.upto;
    if (tail.sequence < known.sequence) {
      co_return WithHint(
          absl::DataLossError(absl::StrFormat(
              "%s ends at record %d; the kit knows of record %d: it is older than the kit",
              source->name(), tail.sequence, known.sequence)),
          "ask another site, or accept what is there with --allow-older");
    }
    absl::StatusOr<CanonicalHeader> head = co_await source->Head(vault, known.sequence);
    if (!head.ok()) co_return head.status();
    if (head->digest() != known.digest) {
      co_return absl::DataLossError(
          absl::StrFormat("%s holds another record %d than the kit's checkpoint: another history",
                          source->name(), known.sequence));
    }
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::unique_ptr<OpenedVault>>> OpenChecked(Io* io, BareWorld* world,
                                                               RecordSource* source,
                                                               const std::string* vault_name) {
  absl::StatusOr<VaultId> vault = VaultNamed(world->kit, *vault_name);
  if (!vault.ok()) co_return vault.status();
  const VaultId id = *vault;
  absl::StatusOr<std::unique_ptr<OpenedVault>> opened =
      co_await OpenVault(source, id, &world->kit.kek, kAllCommitted);
  if (!opened.ok()) co_return opened.status();
  const Position tail = (*opened)->tail;
  absl::Status age = co_await CheckAge(io, world, source, id, tail);
  if (!age.ok()) co_return age;
  for (const uint64_t sequence : (*opened)->unreadable) {
    PrintNote(absl::StrFormat("%s: pack %d cannot be read; versions closed in it are missing here",
                              source->name(), sequence));
  }
  co_return std::move(opened);
}

Task<absl::StatusOr<std::vector<ListedVersion>>> List(Io* io, BareWorld* world,
                                                      RecordSource* source, const ListCall* call) {
  absl::StatusOr<std::unique_ptr<OpenedVault>> vault =
      co_await OpenChecked(io, world, source, &call->vault);
  if (!vault.ok()) co_return vault.status();
  const std::string* name = call->name.has_value() ? &*call->name : nullptr;
  std::vector<ListedVersion> versions;
  for (const CatalogVersion* found : (*vault)->catalog.List(name)) {
    const Envelope& envelope = found->envelope;
    ListedVersion listed;
    listed.archive = envelope.name;
    listed.vault = call->vault;
    listed.version = envelope.version;
    listed.sequence = found->sequence;
    listed.source_bytes = envelope.source_bytes;
    listed.committed_at = found->committed_at;
    listed.captured_at = absl::FromUnixNanos(envelope.captured_at_nanos);
    listed.complete = envelope.complete;
    versions.push_back(std::move(listed));
  }
  co_await source->Finish();
  co_return std::move(versions);
}

Task<absl::StatusOr<RestoreReport>> RestoreOne(Io* io, BareWorld* world, RecordSource* source,
                                               const RestoreCall* call,
                                               const CallListener* listener) {
  absl::StatusOr<std::unique_ptr<OpenedVault>> vault =
      co_await OpenChecked(io, world, source, &call->vault);
  if (!vault.ok()) co_return vault.status();
  const absl::StatusOr<const CatalogVersion*> found =
      (*vault)->catalog.Find(call->name, call->version, call->before);
  if (!found.ok()) co_return found.status();
  RestoreRequest request;
  request.envelope = (*found)->envelope;
  request.offset = call->offset;
  request.length = call->length;
  request.output = call->output;
  request.output_is_stream = call->output_is_stream;
  RestoreReport report;
  report.archive = request.envelope.name;
  report.version = request.envelope.version;
  RestoreProgress progress = listener->progress;
  if (!progress) progress = [](uint64_t, uint64_t) {};
  const VaultKeys* keys = &(*vault)->keys;
  absl::StatusOr<RestoreResult> restored =
      co_await Restore(io, source, keys, std::move(request), std::move(progress));
  if (!restored.ok()) co_return restored.status();
  report.restored_bytes = restored->restored_bytes;
  report.data_bytes = restored->data_bytes;
  report.mode = restored->mode;
  report.mtime_nanos = restored->mtime_nanos;
  report.complete = restored->complete;
  co_await source->Finish();
  co_return report;
}

// Every version, from one source alone, into nowhere.
Task<absl::StatusOr<uint64_t>> ReadAll(Io* io, BareWorld* world, RecordSource* source,
                                       const std::string* vault_name, int nowhere,
                                       VerifyReport::Site* site) {
  absl::StatusOr<std::unique_ptr<OpenedVault>> vault =
      co_await OpenChecked(io, world, source, vault_name);
  if (!vault.ok()) co_return vault.status();
  site->records = (*vault)->tail.sequence;
  for (const uint64_t sequence : (*vault)->unreadable)
    site->bad.push_back(absl::StrFormat("pack %d cannot be read", sequence));
  uint64_t versions = 0;
  const VaultKeys* keys = &(*vault)->keys;
  for (const CatalogVersion* version : (*vault)->catalog.List(nullptr)) {
    RestoreRequest request;
    request.envelope = version->envelope;
    request.output = nowhere;
    request.output_is_stream = true;
    RestoreProgress silent = [](uint64_t, uint64_t) {};
    absl::StatusOr<RestoreResult> read =
        co_await Restore(io, source, keys, std::move(request), std::move(silent));
    ++versions;
    if (read.ok()) continue;
    if (absl::IsUnavailable(read.status())) co_return read.status();
    site->bad.push_back(std::string(read.status().message()));
  }
  co_return versions;
}

Task<absl::StatusOr<VerifyReport>> VerifyAll(Io* io, BareWorld* world,
                                             const std::string* vault_name, int nowhere) {
  VerifyReport report;
  for (size_t i = 0; i < world->sources.size(); ++i) {
    RecordSource* source = world->sources[i].get();
    VerifyReport::Site site;
    site.name = world->names[i];
    absl::StatusOr<uint64_t> versions =
        co_await ReadAll(io, world, source, vault_name, nowhere, &site);
    if (!versions.ok()) site.bad.push_back(std::string(versions.status().message()));
    const bool away = !versions.ok() && absl::IsUnavailable(versions.status());
    const char* state_when_bad = away ? "unreachable" : "damaged";
    site.state = site.bad.empty() ? "right" : state_when_bad;
    if (versions.ok()) report.versions_checked += *versions;
    report.sites.push_back(std::move(site));
    co_await source->Finish();
  }
  co_return std::move(report);
}

absl::StatusOr<BareWorld> MakeWorld(const Arguments& arguments, const std::string& from) {
  BareWorld world;
  world.allow_older = arguments.allow_older;
  absl::StatusOr<RecoveryKit> kit = LoadKit(arguments);
  if (!kit.ok()) return kit.status();
  world.kit = *std::move(kit);
  absl::StatusOr<std::unique_ptr<UringIo>> io = UringIo::Create(UringOptions{});
  if (!io.ok()) return io.status();
  world.io = *std::move(io);
  if (arguments.store.empty()) {
    const absl::Status connected = ConnectSites(from, &world);
    if (!connected.ok()) return connected;
    return world;
  }
  Task<absl::Status> open = OpenStore(world.io.get(), &arguments.store, &world);
  open.Start();
  world.io->Run();
  if (!open.done()) return InterruptedStatus();
  const absl::Status opened = open.result();
  if (!opened.ok()) return opened;
  return world;
}

SourceList AllOf(const BareWorld& world) {
  std::vector<RecordSource*> sources;
  for (const std::unique_ptr<RecordSource>& source : world.sources) sources.push_back(source.get());
  return SourceList(world.io.get(), std::move(sources), /*striped=*/2);
}

}  // namespace

bool IsBare(const Arguments& arguments) {
  return !arguments.kit.empty() || !arguments.config.empty();
}

absl::StatusOr<std::vector<ListedVersion>> BareList(const Arguments& arguments, ListCall call,
                                                    const Interrupt& interrupt) {
  absl::StatusOr<BareWorld> world = MakeWorld(arguments, "");
  if (!world.ok()) return world.status();
  SourceList sources = AllOf(*world);
  return RunStory(&*world, interrupt, List(world->io.get(), &*world, &sources, &call));
}

absl::StatusOr<RestoreReport> BareRestore(const Arguments& arguments, RestoreCall call,
                                          const Interrupt& interrupt,
                                          const CallListener& listener) {
  absl::StatusOr<BareWorld> world = MakeWorld(arguments, call.from);
  if (!world.ok()) return world.status();
  SourceList sources = AllOf(*world);
  return RunStory(&*world, interrupt,
                  RestoreOne(world->io.get(), &*world, &sources, &call, &listener));
}

absl::StatusOr<VerifyReport> BareVerify(const Arguments& arguments, const Interrupt& interrupt) {
  absl::StatusOr<BareWorld> world = MakeWorld(arguments, "");
  if (!world.ok()) return world.status();
  const OwnedFd nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  return RunStory(&*world, interrupt,
                  VerifyAll(world->io.get(), &*world, &arguments.vault, nowhere.get()));
}

}  // namespace tidemark
