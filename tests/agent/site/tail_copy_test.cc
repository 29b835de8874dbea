// Goal: a copy of the log's tail that a start did not finish takes no acked record with it.
// Method: one site of the simulator, killed; a copy laid beside its log, cut short or lost.
#include "replicator/placement.h"
#include "tests/agent/site/lost_write.h"
#include "tests/agent/site/site_trio.h"

namespace tidemark {
namespace {

constexpr uint64_t kSeeds = 60;

std::string CopyPath() {
  std::string path = SiteTrio::LogPath();
  path.back() = '2';
  return path;
}

// A start's copy of a log of one record, without its header yet, and cut short behind so much of
// the payload.
std::string CopyOf(const std::string& original, size_t payload_bytes) {
  absl::StatusOr<RecordHead> head =
      ParseRecordHead(AsBytes(original).subspan(kLogFileHeaderBytes, kRecordHeaderBytes));
  EXPECT_TRUE(head.ok()) << head.status();
  if (!head.ok()) return std::string();
  head->placement.file_number = 2;
  head->placement.file_salt += 1;
  const std::vector<std::byte> copied = EncodeRecordHead(head->canonical, head->placement);
  std::string copy(kLogFileHeaderBytes, '\0');
  copy += AsText(copied);
  copy += original.substr(copy.size(), payload_bytes);
  copy.resize(original.size());
  return copy;
}

// What it acked and had no time to sign for it copies when it starts: nothing there says that it
// was flushed. A copy that was cut short may have a whole head over a torn payload.
TEST(TailCopy, CutShortIsNotTakenForTheLog) {
  const std::vector<TestRecord> log = MakeTestLog(1, 900000);
  SiteTrio trio(7);
  trio.Start(0);
  trio.Run(trio.AppendAll(0, &log));
  trio.Stop(0);
  const std::string original = *trio.disk(0)->ReadFile(SiteTrio::LogPath());
  trio.disk(0)->WriteFile(CopyPath(), CopyOf(original, log[0].payload.size() / 2));
  trio.Start(0);
  ASSERT_NE(trio.server(0), nullptr);
  trio.Run(trio.ReadFirst(0, log.size()));
}

// The start that made the copy was killed when its flush failed. The next one finds the record
// there in the cache, and looks again when the kernel has let go of it.
TEST(TailCopy, ThatGoesWithTheCacheEndsNoLog) {
  const std::vector<TestRecord> log = MakeTestLog(1, 5000);
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    SiteTrio trio(seed);
    trio.Start(0);
    trio.Run(trio.AppendAll(0, &log));
    trio.Stop(0);
    const std::string original = *trio.disk(0)->ReadFile(SiteTrio::LogPath());
    const std::string copy = CopyOf(original, log[0].payload.size());
    trio.Run(LoseInCache(trio.site_io(0), CopyPath(), 0, AsBytes(copy)));
    trio.Start(0);
    ASSERT_NE(trio.server(0), nullptr);
    trio.Run(trio.ReadFirst(0, log.size()));
  }
}

}  // namespace
}  // namespace tidemark
