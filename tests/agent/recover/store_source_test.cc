// Goal: a store's directory gives its records back with no site running, also when it is a copy or
// damaged; a store in use is refused; nothing in it is changed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_format.h"
#include "agent/recover/site_source.h"
#include "agent/recover/vault_reader.h"
#include "replicator/placement.h"
#include "tests/agent/recover/test_vault.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

class ReadingAStore : public testing::Test {
 protected:
  ReadingAStore() : vault(41), path(world.directory + "/store") {
    vault.Genesis();
    vault.WriteKeyring();
    TestPush push;
    push.bytes = vault.Noise(1'500'000);
    vault.Push(push);
    store.bytes[0] = std::byte{1};
    std::filesystem::create_directories(VaultPath());
    std::ofstream(path + "/lock");
  }
  std::string VaultPath() const { return path + "/vaults/" + vault.keys.vault.hex(); }
  std::string LogPath(uint64_t number) const {
    return VaultPath() + absl::StrFormat("/log-%08x", number);
  }
  // Records [first, last] as the site's driver lays them out, in a file that is larger than needed.
  void WriteLog(uint64_t number, uint64_t first, uint64_t last, uint64_t salt = 77) {
    LogFileHeader header;
    header.store = store;
    header.vault = vault.keys.vault;
    header.file_number = number;
    header.file_salt = salt;
    header.file_bytes = 4 << 20;
    if (first > 1) header.before = vault.log[first - 2].header.position();
    std::vector<std::byte> file = EncodeLogFileHeader(header);
    for (uint64_t sequence = first; sequence <= last; ++sequence) {
      const MemoryRecord& record = vault.log[sequence - 1];
      PlacementHeader placement;
      placement.store = store;
      placement.file_number = number;
      placement.file_salt = salt;
      placement.own_offset = file.size();
      placement.sequence = sequence;
      placement.durable_upto = sequence > 2 ? sequence - 2 : 0;
      placement.record_digest = record.header.digest();
      offsets[sequence] = file.size();
      const std::vector<std::byte> head = EncodeRecordHead(record.header, placement);
      file.insert(file.end(), head.begin(), head.end());
      file.insert(file.end(), record.payload.begin(), record.payload.end());
    }
    std::ofstream out(LogPath(number), std::ios::binary);
    out.write(reinterpret_cast<const char*>(file.data()),
              static_cast<std::streamsize>(file.size()));
    out.close();
    std::filesystem::resize_file(LogPath(number), file.size() + (1 << 20));
  }
  void FlipByte(uint64_t number, uint64_t offset) {
    std::fstream file(LogPath(number), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char was = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(was ^ 1));
  }
  absl::Status OpenIt() {
    absl::StatusOr<std::unique_ptr<RecordSource>> opened =
        Finish(world.io, OpenStoreSource(world.io, path));
    if (opened.ok()) source = std::move(*opened);
    return opened.status();
  }
  absl::StatusOr<Position> Tail() { return Finish(world.io, source->Tail(vault.keys.vault)); }
  absl::Status ReadAll(uint64_t sequence) {
    absl::StatusOr<CanonicalHeader> header =
        Finish(world.io, source->Head(vault.keys.vault, sequence));
    if (!header.ok()) return header.status();
    EXPECT_EQ(header->digest(), vault.log[sequence - 1].header.digest());
    std::vector<std::byte> bytes(header->payload_bytes);
    const uint32_t blocks = static_cast<uint32_t>(header->blocks.size());
    const CanonicalHeader* head = &*header;
    const absl::Status read = Finish(world.io, source->ReadBlocks(head, 0, blocks, bytes));
    const bool same = !read.ok() || bytes == vault.log[sequence - 1].payload;
    EXPECT_TRUE(same) << "record " << sequence;
    return read;
  }
  ~ReadingAStore() override {
    if (source != nullptr) Finish(world.io, source->Finish());
  }

  UringWorld world;
  TestVault vault;
  std::string path;
  StoreId store;
  std::map<uint64_t, uint64_t> offsets;
  std::unique_ptr<RecordSource> source;
};

TEST_F(ReadingAStore, GivesEveryRecordOfSeveralFiles) {
  const uint64_t size = vault.log.size();
  WriteLog(1, 1, 4);
  WriteLog(2, 5, size);
  ASSERT_TRUE(OpenIt().ok());
  EXPECT_EQ(*Tail(), vault.tail());
  for (uint64_t sequence = 1; sequence <= size; ++sequence) {
    EXPECT_TRUE(ReadAll(sequence).ok()) << sequence;
  }
  EXPECT_EQ(ReadAll(size + 1).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(*Finish(world.io, source->FindRecord(vault.keys.vault, RecordKind::kKeyring, 0)), 2u);
  EXPECT_EQ(*Finish(world.io, source->FindRecord(vault.keys.vault, RecordKind::kKeyring, 1)), 0u);
  absl::StatusOr<std::unique_ptr<OpenedVault>> opened =
      Finish(world.io, OpenVault(source.get(), vault.keys.vault, &vault.keys.kek, UINT64_MAX));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ((*opened)->catalog.archives(), 1u);
}

TEST_F(ReadingAStore, ACopyWithoutItsLockFileWillDo) {
  WriteLog(1, 1, vault.log.size());
  std::filesystem::copy(path, path + "-copy", std::filesystem::copy_options::recursive);
  std::filesystem::remove(path + "-copy/lock");
  path += "-copy";
  ASSERT_TRUE(OpenIt().ok());
  EXPECT_EQ(*Tail(), vault.tail());
}

TEST_F(ReadingAStore, RefusesAStoreInUse) {
  WriteLog(1, 1, 3);
  const int held = open((path + "/lock").c_str(), O_RDWR);
  ASSERT_EQ(flock(held, LOCK_EX), 0);
  EXPECT_EQ(OpenIt().code(), absl::StatusCode::kAlreadyExists);
  close(held);
  EXPECT_TRUE(OpenIt().ok());
}

TEST_F(ReadingAStore, SaysWhatIsNotThere) {
  WriteLog(1, 1, 3);
  ASSERT_TRUE(OpenIt().ok());
  EXPECT_EQ(Finish(world.io, source->Tail(VaultId())).status().code(), absl::StatusCode::kNotFound);
  path = world.directory + "/nothing";
  EXPECT_EQ(OpenIt().code(), absl::StatusCode::kNotFound);
}

TEST_F(ReadingAStore, GoesOnBehindADamagedHead) {
  WriteLog(1, 1, 6);
  FlipByte(1, offsets[3] + 50);
  ASSERT_TRUE(OpenIt().ok());
  EXPECT_EQ(Tail()->sequence, 6u);
  EXPECT_EQ(ReadAll(3).code(), absl::StatusCode::kDataLoss);
  for (uint64_t sequence : {1, 2, 4, 5, 6}) EXPECT_TRUE(ReadAll(sequence).ok()) << sequence;
}

TEST_F(ReadingAStore, ReadsAFileWhoseHeaderIsDamaged) {
  WriteLog(1, 1, 3);
  WriteLog(2, 4, 6, 99);
  FlipByte(2, 100);
  ASSERT_TRUE(OpenIt().ok());
  EXPECT_EQ(Tail()->sequence, 6u);
  for (uint64_t sequence = 1; sequence <= 6; ++sequence) EXPECT_TRUE(ReadAll(sequence).ok());
}

TEST_F(ReadingAStore, NamesADamagedBlock) {
  WriteLog(1, 1, 6);
  FlipByte(1, offsets[3] + kRecordHeaderBytes + kBlockBytes + 5);
  ASSERT_TRUE(OpenIt().ok());
  const absl::Status status = ReadAll(3);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(std::string(status.message()).find("record 3"), std::string::npos) << status;
  EXPECT_NE(std::string(status.message()).find("block 1"), std::string::npos) << status;
}

TEST_F(ReadingAStore, ATornTailDoesNotCount) {
  WriteLog(1, 1, 6);
  FlipByte(1, offsets[6] + kRecordHeaderBytes + 5);
  ASSERT_TRUE(OpenIt().ok());
  EXPECT_EQ(*Tail(), vault.log[4].header.position());
  EXPECT_EQ(ReadAll(6).code(), absl::StatusCode::kNotFound);
}

TEST_F(ReadingAStore, ALaterFileSupersedesWhatStandsBehindItsBeginning) {
  WriteLog(1, 1, 6);
  const std::map<uint64_t, uint64_t> first = offsets;
  WriteLog(2, 4, 4, 99);
  ASSERT_TRUE(OpenIt().ok());
  EXPECT_EQ(*Tail(), vault.log[3].header.position());
  // What the second file holds is read from there.
  FlipByte(1, first.at(4) + kRecordHeaderBytes + 5);
  EXPECT_TRUE(ReadAll(4).ok());
}

TEST_F(ReadingAStore, IgnoresRecordsOfAFormerIncarnation) {
  WriteLog(1, 1, 6, 55);
  std::vector<char> old(std::filesystem::file_size(LogPath(1)));
  std::ifstream(LogPath(1), std::ios::binary)
      .read(old.data(), static_cast<std::streamsize>(old.size()));
  WriteLog(1, 1, 3, 66);
  std::fstream file(LogPath(1), std::ios::in | std::ios::out | std::ios::binary);
  const auto begin = static_cast<std::streamoff>(offsets[3] + kRecordHeaderBytes +
                                                 vault.log[2].header.payload_bytes);
  file.seekp(begin);
  file.write(old.data() + begin, static_cast<std::streamsize>(old.size()) - begin);
  file.close();
  ASSERT_TRUE(OpenIt().ok());
  EXPECT_EQ(Tail()->sequence, 3u);
}

}  // namespace
}  // namespace tidemark
