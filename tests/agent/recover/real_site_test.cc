// Goal: what a real site holds comes back through it, over TLS, and from its store once it stopped.
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/link/data_connection.h"
#include "agent/recover/restore.h"
#include "agent/recover/site_source.h"
#include "agent/site/site_server.h"
#include "tests/agent/recover/test_vault.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

struct Authority {
  explicit Authority(Io* io) : source(io) {
    root = *CreateAuthority("test", io->Now(), absl::Hours(24), io);
  }
  std::unique_ptr<ChannelFactory> Channels(Role role, const std::string& name,
                                           const SigningKey& key) {
    ChannelIdentity identity;
    identity.authority_pem = root.certificate_pem;
    identity.own = *IssueCertificate(root, role, name, key, source->Now(), absl::Hours(24), source);
    return std::move(*MakeTlsFactory(identity));
  }
  Io* source;
  Credential root;
};

// An agent of few words: a promise, all records, the ack of the last.
Task<absl::Status> AppendAll(Io* io, ChannelFactory* channels, std::string address,
                             const TestVault* vault) {
  Op connect = io->Connect(address);
  const Fd fd = co_await connect;
  ControlConnection control(io, fd, channels->Connect(io->Now()), "site");
  absl::Status shaken = co_await control.Handshake(absl::Seconds(5), absl::Seconds(10));
  if (!shaken.ok()) co_return shaken;
  const SessionId session = SessionId::Random(io);
  wire::Control message;
  wire::Hello* hello = message.mutable_hello();
  hello->set_protocol(kProtocolVersion);
  hello->set_format(kFormatVersion);
  hello->set_role("agent");
  hello->set_name("agent");
  hello->set_session(ToWire(session.bytes));
  control.Send(message);
  absl::StatusOr<wire::Control> reply = co_await control.Receive();
  if (!reply.ok()) co_return reply.status();
  const std::string data_address =
      absl::StrFormat("127.0.0.1:%d", reply->hello_reply().data_port());
  Op connect_data = io->Connect(data_address);
  const Fd data_fd = co_await connect_data;
  DataConnection data(io, data_fd, control, session, kAppendConnection, /*is_site=*/false);
  absl::Status greeted = co_await data.Greet();
  if (!greeted.ok()) co_return greeted;
  message.mutable_promise_request()->set_vault(ToWire(vault->keys.vault.bytes));
  message.mutable_promise_request()->set_epoch(1);
  message.mutable_promise_request()->set_nonce(ToWire(session.bytes));
  control.Send(message);
  absl::StatusOr<wire::Control> promise = co_await control.Receive();
  for (const MemoryRecord& record : vault->log) {
    const CanonicalHeader* header = &record.header;
    absl::Status sent = co_await data.SendRecord(header, record.payload, 0);
    if (!sent.ok()) co_return sent;
  }
  uint64_t durable = 0;
  while (durable < vault->log.size()) {
    absl::StatusOr<wire::Control> next = co_await control.Receive();
    if (!next.ok()) co_return next.status();
    if (next->has_append_refused()) co_return FailureStatus("a", next->append_refused().failure());
    if (next->has_ack()) durable = next->ack().durable().sequence();
  }
  co_await data.Finish();
  co_await control.Finish();
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::string>> RestoreText(Io* io, RecordSource* from, const VaultKeys* keys,
                                              Envelope envelope, std::string path) {
  RestoreRequest request;
  request.envelope = std::move(envelope);
  Op open = io->Open(path, kOpenRead | kOpenWrite | kOpenCreate | kOpenTruncate);
  const Fd fd = co_await open;
  request.output = fd;
  RestoreProgress none;
  absl::StatusOr<RestoreResult> result =
      co_await Restore(io, from, keys, std::move(request), std::move(none));
  Op close = io->Close(fd);
  co_await close;
  if (!result.ok()) co_return result.status();
  absl::StatusOr<std::string> text = co_await ReadSmallFile(io, std::move(path), 1 << 26);
  co_return std::move(text);
}

struct Outcome {
  absl::Status status;
  std::string archive;
  Position tail;
  size_t archives = 0;
};

// Opens the vault and restores its one archive.
Task<Outcome> ReadBack(Io* io, RecordSource* source, const TestVault* vault, std::string path) {
  Outcome outcome;
  const KeyEncryptionKey* kek = &vault->keys.kek;
  absl::StatusOr<std::unique_ptr<OpenedVault>> opened =
      co_await OpenVault(source, vault->keys.vault, kek, UINT64_MAX);
  outcome.status = opened.status();
  if (!opened.ok()) co_return std::move(outcome);
  outcome.tail = (*opened)->tail;
  outcome.archives = (*opened)->catalog.archives();
  Envelope envelope = (*opened)->catalog.AnyVersion("archive")->envelope;
  const VaultKeys* keys = &(*opened)->keys;
  absl::StatusOr<std::string> text =
      co_await RestoreText(io, source, keys, std::move(envelope), std::move(path));
  outcome.status = text.status();
  if (text.ok()) outcome.archive = std::move(*text);
  co_return std::move(outcome);
}

struct Story {
  Outcome through_site, from_store, from_copy;
  absl::Status appended, while_running, served;
};

Task<Story> TellStory(Io* io, SiteOptions options, ChannelFactory* site_channels,
                      const SigningKey* site_key, ChannelFactory* agent, ChannelFactory* reader,
                      const TestVault* vault) {
  Story story;
  const std::string store = options.store_path;
  absl::StatusOr<std::unique_ptr<SiteServer>> server =
      co_await SiteServer::Open(io, std::move(options), site_channels, site_key);
  story.served = server.status();
  if (!server.ok()) co_return std::move(story);
  Task<absl::Status> serving = (*server)->Serve();
  serving.Start();
  std::string address = absl::StrFormat("127.0.0.1:%d", (*server)->control_port());
  SiteAddress at;
  at.name = "a";
  at.address = address;
  std::unique_ptr<RecordSource> site = MakeSiteSource(io, reader, at, "kit");
  story.appended = co_await AppendAll(io, agent, std::move(address), vault);
  RecordSource* source = site.get();
  std::string path = store + "-restored";
  story.through_site = co_await ReadBack(io, source, vault, path);
  co_await site->Finish();
  std::string store_path = store;
  absl::StatusOr<std::unique_ptr<RecordSource>> early =
      co_await OpenStoreSource(io, std::move(store_path));
  story.while_running = early.status();
  (*server)->Stop();
  story.served = co_await serving;
  server->reset();

  std::string stopped_path = store;
  absl::StatusOr<std::unique_ptr<RecordSource>> opened =
      co_await OpenStoreSource(io, std::move(stopped_path));
  if (!opened.ok()) {
    story.from_store.status = opened.status();
    co_return std::move(story);
  }
  source = opened->get();
  story.from_store = co_await ReadBack(io, source, vault, path);
  co_await (*opened)->Finish();
  std::filesystem::copy(store, store + "-copy", std::filesystem::copy_options::recursive);
  std::string copy_path = store + "-copy";
  absl::StatusOr<std::unique_ptr<RecordSource>> copy =
      co_await OpenStoreSource(io, std::move(copy_path));
  if (!copy.ok()) {
    story.from_copy.status = copy.status();
    co_return std::move(story);
  }
  source = copy->get();
  story.from_copy = co_await ReadBack(io, source, vault, path);
  co_await (*copy)->Finish();
  co_return std::move(story);
}

TEST(ARealSite, GivesBackWhatItHoldsRunningStoppedAndCopied) {
  UringWorld world;
  TestVault vault(51);
  vault.pack_bytes = 3 << 20;
  vault.Genesis();
  vault.WriteKeyring();
  TestPush push;
  push.bytes = vault.Noise(9'000'000) + vault.Prose(3'000'000);
  vault.Push(push);

  Authority authority(world.io);
  const SigningKey site_key = SigningKey::Generate(world.io);
  const SigningKey reader_key = SigningKey::Generate(world.io);
  std::unique_ptr<ChannelFactory> site = authority.Channels(Role::kSite, "a", site_key);
  std::unique_ptr<ChannelFactory> agent = authority.Channels(Role::kAgent, "agent", vault.agent);
  std::unique_ptr<ChannelFactory> reader = authority.Channels(Role::kReader, "kit", reader_key);
  SiteOptions options;
  options.name = "a";
  options.store_path = world.directory + "/store";
  options.listen = options.data_listen = "127.0.0.1:0";
  options.record_buffers = 8;
  options.log_file_bytes_min = 8 << 20;  // several files
  options.log_file_bytes_max = 8 << 20;
  options.reserve_bytes = 1 << 20;
  const Story story = Finish(world.io, TellStory(world.io, options, site.get(), &site_key,
                                                 agent.get(), reader.get(), &vault));
  EXPECT_TRUE(story.appended.ok()) << story.appended;
  EXPECT_TRUE(story.served.ok()) << story.served;
  EXPECT_EQ(story.while_running.code(), absl::StatusCode::kAlreadyExists) << story.while_running;
  for (const Outcome* outcome : {&story.through_site, &story.from_store, &story.from_copy}) {
    EXPECT_TRUE(outcome->status.ok()) << outcome->status;
    EXPECT_EQ(outcome->tail, vault.tail());
    EXPECT_EQ(outcome->archives, 1u);
    EXPECT_TRUE(outcome->archive == push.bytes);
  }
}

}  // namespace
}  // namespace tidemark
