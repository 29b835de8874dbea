// Goal: the book gives the newest point that is committed, of that very source, and no more once
// the push is done.
#include "agent/recover/resume_book.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'780'000'000);

ArchiveId Archive(uint8_t number) {
  ArchiveId archive;
  archive.bytes.fill(std::byte{number});
  return archive;
}

SourceIdentity Source(uint64_t inode) { return {1, inode, 100, 2, 3}; }

ResumeNotice Point(uint64_t sequence, uint64_t inode = 7, uint8_t archive = 1) {
  ResumeNotice notice;
  notice.archive = Archive(archive);
  notice.name = archive == 1 ? "one" : "two";
  notice.point = {sequence, 64, 1000};
  notice.source = Source(inode);
  notice.at_nanos = absl::ToUnixNanos(kNow) + static_cast<int64_t>(sequence);
  return notice;
}

ResumeNotice Done(uint64_t opened_after, uint64_t inode = 7) {
  ResumeNotice notice = Point(opened_after, inode);
  notice.point = {};
  return notice;
}

uint64_t Found(const ResumeBook& book, uint64_t committed, uint64_t inode = 7,
               uint8_t archive = 1) {
  const ResumeNotice* found = book.Find(Archive(archive), Source(inode), committed, kNow);
  return found == nullptr ? 0 : found->point.sequence;
}

TEST(ResumeBook, GivesTheNewestThatIsCommitted) {
  ResumeBook book;
  EXPECT_EQ(Found(book, 100), 0u);
  book.Add(Point(10), 0);
  book.Add(Point(20), 12);
  book.Add(Point(30), 12);
  EXPECT_EQ(Found(book, 9), 0u);
  EXPECT_EQ(Found(book, 12), 10u);
  EXPECT_EQ(Found(book, 29), 20u);
  EXPECT_EQ(Found(book, 30), 30u);
  book.Add(Point(40), 35);  // 30 will do for ever
  EXPECT_EQ(book.size(), 2u);
  EXPECT_EQ(Found(book, 35), 30u);
}

TEST(ResumeBook, KeepsSourcesAndArchivesApart) {
  ResumeBook book;
  book.Add(Point(10, 7), 100);
  book.Add(Point(11, 8), 100);
  book.Add(Point(12, 7, 2), 100);
  EXPECT_EQ(Found(book, 100, 7), 10u);
  EXPECT_EQ(Found(book, 100, 8), 11u);
  EXPECT_EQ(Found(book, 100, 7, 2), 12u);
  EXPECT_EQ(Found(book, 100, 9), 0u);
  for (SourceIdentity other : {SourceIdentity{2, 7, 100, 2, 3}, SourceIdentity{1, 7, 101, 2, 3},
                               SourceIdentity{1, 7, 100, 9, 3}, SourceIdentity{1, 7, 100, 2, 9}}) {
    EXPECT_EQ(book.Find(Archive(1), other, 100, kNow), nullptr);
  }
  EXPECT_EQ(book.FindAny("one", 100, kNow)->point.sequence, 11u);
  EXPECT_EQ(book.FindAny("one", 10, kNow)->point.sequence, 10u);
  EXPECT_EQ(book.FindAny("three", 100, kNow), nullptr);
}

TEST(ResumeBook, ForgetsWhatAPushThatIsDoneMakesVoid) {
  ResumeBook book;
  book.Add(Point(10, 7), 100);
  book.Add(Point(20, 8), 100);  // of another push, which has begun before the one below is done
  book.Add(Point(21, 7, 2), 100);
  book.Add(Done(15, 7), 100);
  EXPECT_EQ(Found(book, 100, 7), 0u);
  EXPECT_EQ(Found(book, 100, 8), 20u);
  EXPECT_TRUE(book.Has(Archive(1)));
  book.Add(Done(30, 9), 100);  // opened later than all of them were made
  EXPECT_EQ(Found(book, 100, 8), 0u);
  EXPECT_FALSE(book.Has(Archive(1)));
  EXPECT_EQ(Found(book, 100, 7, 2), 21u);
}

TEST(ResumeBook, TakesARepeatedNoticeForWhatItIs) {
  ResumeBook book;
  book.Add(Point(10), UINT64_MAX);
  book.Add(Point(20), UINT64_MAX);
  book.Add(Point(10), UINT64_MAX);
  EXPECT_EQ(Found(book, 100), 20u);
  book.Add(Point(20), UINT64_MAX);
  EXPECT_EQ(book.size(), 1u);
}

TEST(ResumeBook, ForgetsWhatIsOld) {
  ResumeBook book;
  book.Add(Point(10), 100);
  const absl::Time made = absl::FromUnixNanos(Point(10).at_nanos);
  EXPECT_NE(book.Find(Archive(1), Source(7), 100, made + kResumePointLife), nullptr);
  EXPECT_EQ(book.Find(Archive(1), Source(7), 100, made + kResumePointLife + absl::Seconds(1)),
            nullptr);
  EXPECT_TRUE(book.Live(100, made + kResumePointLife + absl::Seconds(1)).empty());
}

TEST(ResumeBook, IsBoundedAndLetsTheOldestGo) {
  ResumeBook book;
  for (uint64_t i = 1; i <= 1000; ++i) book.Add(Point(i, i), 0);
  EXPECT_LE(book.size(), 256u);
  EXPECT_EQ(Found(book, 1000, 1), 0u);
  EXPECT_EQ(Found(book, 1000, 1000), 1000u);
}

TEST(ResumeBook, LiveIsOneOfEachSource) {
  ResumeBook book;
  book.Add(Point(10, 7), 0);
  book.Add(Point(20, 7), 0);
  book.Add(Point(21, 8), 0);
  book.Add(Point(30, 7), 0);
  const std::vector<ResumeNotice> live = book.Live(25, kNow);
  ASSERT_EQ(live.size(), 2u);
  EXPECT_EQ(live[0].point.sequence, 20u);
  EXPECT_EQ(live[1].point.sequence, 21u);
}

}  // namespace
}  // namespace tidemark
