// Goal: a site over the network is a source like any other, and a bad one harms nobody.
// Method: a small site over loopback sockets that damages, lies, drops and refuses on demand.
#include "agent/recover/site_source.h"

#include <gtest/gtest.h>

#include "agent/io/transfer.h"
#include "agent/recover/restore.h"
#include "tests/agent/recover/fake_site.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

template <class T>
Task<T> ThenStop(Io* io, Task<T> task) {
  T result = co_await task;
  io->Stop();
  co_return std::move(result);
}
Task<> ThenStop(Io* io, Task<> task) {
  co_await task;
  io->Stop();
}

PartyName Party(Role role, const std::string& name) {
  PartyName party;
  party.role = role;
  party.name = name;
  return party;
}

class ReadingFromASite : public testing::Test {
 protected:
  ReadingFromASite()
      : vault(31),
        entropy(32),
        site_channels(MakeNullFactory(Party(Role::kSite, "a"), &entropy)),
        reader_channels(MakeNullFactory(Party(Role::kReader, "kit"), &entropy)),
        site(world.io, site_channels.get(), &vault) {
    vault.Genesis();
    vault.WriteKeyring();
    TestPush push;
    push.bytes = vault.Noise(1'500'000);
    content = push.bytes;
    envelope = vault.Push(push);
    Finish(world.io, ThenStop(world.io, site.Start()));
    source = Connect("a");
  }
  ~ReadingFromASite() override {
    Finish(world.io, ThenStop(world.io, source->Finish()));
    Finish(world.io, site.Stop());
  }
  std::unique_ptr<RecordSource> Connect(const std::string& name) {
    return MakeSiteSource(world.io, reader_channels.get(), {name, site.address()}, "kit");
  }
  template <class T>
  T Await(Task<T> task) {
    return Finish(world.io, ThenStop(world.io, std::move(task)));
  }
  absl::Status ReadAll(uint64_t sequence) {
    const CanonicalHeader* header = &vault.log[sequence - 1].header;
    bytes.assign(header->payload_bytes, std::byte{0});
    const uint32_t blocks = static_cast<uint32_t>(header->blocks.size());
    return Await(source->ReadBlocks(header, 0, blocks, bytes));
  }

  UringWorld world;
  TestVault vault;
  SeededEntropy entropy;
  std::unique_ptr<ChannelFactory> site_channels, reader_channels;
  FakeSite site;
  std::unique_ptr<RecordSource> source;
  std::string content;
  Envelope envelope;
  std::vector<std::byte> bytes;
};

TEST_F(ReadingFromASite, AnswersEverythingARestoreAsks) {
  EXPECT_EQ(source->name(), "site a");
  EXPECT_EQ(*Await(source->Tail(vault.keys.vault)), vault.tail());
  EXPECT_EQ(*Await(source->FindRecord(vault.keys.vault, RecordKind::kKeyring, 0)), 2u);
  EXPECT_EQ(Await(source->Head(vault.keys.vault, 3))->digest(), vault.log[2].header.digest());
  ASSERT_TRUE(ReadAll(3).ok());
  EXPECT_EQ(bytes, vault.log[2].payload);
  EXPECT_EQ(site.sessions, 1);
}

TEST_F(ReadingFromASite, SaysWhatIsNotThere) {
  EXPECT_EQ(Await(source->Tail(VaultId())).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Await(source->Head(vault.keys.vault, 999)).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(ReadAll(3).ok());
}

Task<absl::StatusOr<std::string>> RestoreToText(Io* io, RecordSource* from, const VaultKeys* keys,
                                                Envelope envelope, std::string path) {
  RestoreRequest request;
  request.envelope = std::move(envelope);
  Op open = io->Open(path, kOpenRead | kOpenWrite | kOpenCreate);
  const Fd fd = co_await open;
  request.output = fd;
  RestoreProgress none;
  absl::StatusOr<RestoreResult> result =
      co_await Restore(io, from, keys, std::move(request), std::move(none));
  Op close = io->Close(fd);
  co_await close;
  if (!result.ok()) co_return result.status();
  absl::StatusOr<std::string> text = co_await ReadSmallFile(io, std::move(path), 1 << 24);
  co_return std::move(text);
}

TEST_F(ReadingFromASite, RestoresThroughManyReadsInFlight) {
  absl::StatusOr<std::string> text =
      Await(RestoreToText(world.io, source.get(), &vault.keys, envelope, world.directory + "/out"));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(*text == content);
  EXPECT_EQ(site.sessions, 1);
}

TEST_F(ReadingFromASite, TellsADamagedBlockAndGoesOn) {
  site.damaged.insert({3, 1});
  const absl::Status status = ReadAll(3);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("record 3 block 1"), std::string::npos) << status;
  EXPECT_TRUE(ReadAll(4).ok());
  EXPECT_EQ(site.sessions, 1);
}

TEST_F(ReadingFromASite, RefusesAChangedByte) {
  site.lies.insert({3, 2});
  const absl::Status status = ReadAll(3);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("site a"), std::string::npos) << status;
  EXPECT_NE(std::string(status.message()).find("block 2"), std::string::npos) << status;
  EXPECT_TRUE(ReadAll(4).ok());
}

TEST_F(ReadingFromASite, RefusesAnotherRecordUnderTheSameNumber) {
  site.other_head.insert(3);
  EXPECT_EQ(ReadAll(3).code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(ReadAll(4).ok());
}

Task<std::vector<absl::Status>> ReadManyAtOnce(Io*, RecordSource* source, const TestVault* vault,
                                               size_t count) {
  std::vector<std::vector<std::byte>> into(count);
  std::vector<Task<absl::Status>> reads;
  for (size_t i = 0; i < count; ++i) {
    const CanonicalHeader* header = &vault->log[2 + i % 4].header;
    into[i].resize(header->payload_bytes);
    reads.push_back(
        source->ReadBlocks(header, 0, static_cast<uint32_t>(header->blocks.size()), into[i]));
  }
  for (Task<absl::Status>& read : reads) read.Start();
  std::vector<absl::Status> results;
  for (size_t i = 0; i < count; ++i) {
    Task<absl::Status>& read = reads[i];
    absl::Status result = co_await read;
    if (result.ok() && into[i] != vault->log[2 + i % 4].payload)
      result = absl::InternalError("mixed up");
    results.push_back(result);
  }
  co_return std::move(results);
}

TEST_F(ReadingFromASite, TellsAnswersApart) {
  site.damaged.insert({4, 0});
  const std::vector<absl::Status> results =
      Await(ReadManyAtOnce(world.io, source.get(), &vault, 40));
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].code(), i % 4 == 1 ? absl::StatusCode::kDataLoss : absl::StatusCode::kOk)
        << i << results[i];
  }
}

TEST_F(ReadingFromASite, FailsAllWhoWaitWhenTheConnectionBreaksAndConnectsAgain) {
  site.reads_until_drop = 3;
  const std::vector<absl::Status> results =
      Await(ReadManyAtOnce(world.io, source.get(), &vault, 20));
  int unavailable = 0;
  for (const absl::Status& result : results) {
    if (absl::IsUnavailable(result)) ++unavailable;
    EXPECT_TRUE(result.ok() || absl::IsUnavailable(result)) << result;
  }
  EXPECT_GE(unavailable, 17);
  EXPECT_TRUE(ReadAll(3).ok());
  EXPECT_EQ(site.sessions, 2);
}

// The site is up; only the session that nobody used for a while is gone with its former process.
TEST_F(ReadingFromASite, AsksOnceMoreWhenAnIdleSessionHasDied) {
  ASSERT_TRUE(ReadAll(3).ok());
  site.reads_until_drop = 0;
  const absl::Status read = ReadAll(4);
  EXPECT_TRUE(read.ok()) << read;
  EXPECT_EQ(site.sessions, 2);
}

// Also when a changed frame breaks it: whose certificate was right is not a stranger for that.
TEST_F(ReadingFromASite, AFrameChangedOnTheWayIsAConnectionThatBreaks) {
  site.reads_until_drop = 3;
  site.drops_in_noise = true;
  const std::vector<absl::Status> results =
      Await(ReadManyAtOnce(world.io, source.get(), &vault, 20));
  for (const absl::Status& result : results) {
    EXPECT_TRUE(result.ok() || absl::IsUnavailable(result)) << result;
  }
  EXPECT_TRUE(ReadAll(3).ok());
}

TEST_F(ReadingFromASite, MakesNoSessionOnceItIsFinished) {
  ASSERT_TRUE(ReadAll(3).ok());
  Finish(world.io, ThenStop(world.io, source->Finish()));
  EXPECT_TRUE(absl::IsCancelled(ReadAll(3)));
  EXPECT_EQ(site.sessions, 1);
}

TEST_F(ReadingFromASite, RefusesASiteOfAnotherName) {
  std::unique_ptr<RecordSource> stranger = Connect("b");
  const absl::Status status = Await(stranger->Tail(vault.keys.vault)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated) << status;
  Finish(world.io, ThenStop(world.io, stranger->Finish()));
}

TEST_F(ReadingFromASite, SaysWhyTheSiteRefused) {
  site.refuse_hello = true;
  const absl::Status status = Await(source->Tail(vault.keys.vault)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_NE(std::string(status.message()).find("no readers"), std::string::npos) << status;
  site.refuse_hello = false;
  EXPECT_TRUE(Await(source->Tail(vault.keys.vault)).ok());
}

TEST_F(ReadingFromASite, NobodyThereIsUnavailable) {
  std::unique_ptr<RecordSource> nobody =
      MakeSiteSource(world.io, reader_channels.get(), {"a", "127.0.0.1:1"}, "kit");
  const absl::Status status = Await(nobody->Tail(vault.keys.vault)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  Finish(world.io, ThenStop(world.io, nobody->Finish()));
}

}  // namespace
}  // namespace tidemark
