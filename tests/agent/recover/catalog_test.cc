// Goal: the catalogue answers "which version" as the contract says, committed ones only.
#include "agent/recover/catalog.h"

#include <gtest/gtest.h>

namespace tidemark {
namespace {

ArchiveId Archive(int number) {
  ArchiveId id;
  id.bytes[0] = static_cast<std::byte>(number);
  return id;
}

CatalogVersion Version(const std::string& name, uint64_t version, uint64_t sequence,
                       bool complete = true) {
  CatalogVersion made;
  made.envelope.name = name;
  made.envelope.archive = Archive(name[0]);
  made.envelope.version = version;
  made.envelope.complete = complete;
  made.envelope.captured_at_nanos = static_cast<int64_t>(sequence) * 1000;
  made.envelope.closed_at_nanos = static_cast<int64_t>(sequence) * 1000 + 7;
  made.envelope.source_bytes = 10;
  made.sequence = sequence;
  return made;
}

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(Catalogue, GivesTheNewestCompleteCommittedVersion) {
  Catalog catalog;
  catalog.Add(Version("db", 1, 10));
  catalog.Add(Version("db", 2, 20));
  catalog.Add(Version("db", 3, 30, /*complete=*/false));
  catalog.Add(Version("db", 4, 40));
  EXPECT_EQ(catalog.Find("db", std::nullopt, std::nullopt).status().code(),
            absl::StatusCode::kNotFound);
  catalog.Commit(30, kNow);
  absl::StatusOr<const CatalogVersion*> found = catalog.Find("db", std::nullopt, std::nullopt);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)->envelope.version, 2u);
  EXPECT_EQ((*found)->committed_at, kNow);
}

TEST(Catalogue, GivesAnIncompleteVersionOnlyByNumber) {
  Catalog catalog;
  catalog.Add(Version("db", 1, 10, /*complete=*/false));
  catalog.Commit(10, kNow);
  const absl::Status none = catalog.Find("db", std::nullopt, std::nullopt).status();
  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(std::string(none.message()).find("db@1 (incomplete)"), std::string::npos) << none;
  EXPECT_TRUE(catalog.Find("db", 1, std::nullopt).ok());
  const absl::Status missing = catalog.Find("db", 2, std::nullopt).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
}

TEST(Catalogue, GivesTheNewestCapturedAtOrBeforeATime) {
  Catalog catalog;
  for (uint64_t i = 1; i <= 3; ++i) catalog.Add(Version("db", i, i * 10));
  catalog.Commit(30, kNow);
  auto version_at = [&](int64_t nanos) {
    absl::StatusOr<const CatalogVersion*> found =
        catalog.Find("db", std::nullopt, absl::FromUnixNanos(nanos));
    return found.ok() ? (*found)->envelope.version : 0;
  };
  EXPECT_EQ(version_at(9'999), 0u);
  EXPECT_EQ(version_at(10'000), 1u);
  EXPECT_EQ(version_at(29'999), 2u);
  EXPECT_EQ(version_at(30'000), 3u);
}

TEST(Catalogue, NamesWhatThereIsInsteadOfAnUnknownName) {
  Catalog catalog;
  const absl::Status empty = catalog.Find("db", std::nullopt, std::nullopt).status();
  EXPECT_NE(std::string(empty.message()).find("there is: nothing"), std::string::npos) << empty;
  catalog.Add(Version("alpha", 1, 1));
  catalog.Add(Version("beta", 1, 2));
  const absl::Status other = catalog.Find("db", std::nullopt, std::nullopt).status();
  EXPECT_EQ(other.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(std::string(other.message()).find("alpha, beta"), std::string::npos) << other;
}

TEST(Catalogue, CountsVersionsOnAlsoOverUncommittedOnes) {
  Catalog catalog;
  EXPECT_EQ(catalog.NextVersion("db"), 1u);
  catalog.Add(Version("db", 1, 10));
  EXPECT_EQ(catalog.NextVersion("db"), 2u);
  EXPECT_EQ(catalog.FindArchive("db"), Archive('d'));
  EXPECT_EQ(catalog.FindArchive("other"), std::nullopt);
}

TEST(Catalogue, CommitsAVersionThatReplacedAnotherWithItsOwnRecord) {
  Catalog catalog;
  catalog.Add(Version("db", 1, 10));
  catalog.Add(Version("db", 1, 20));
  catalog.Commit(10, kNow);
  EXPECT_FALSE(catalog.Find("db", 1, std::nullopt).ok());
  catalog.Commit(20, kNow);
  EXPECT_TRUE(catalog.Find("db", 1, std::nullopt).ok());
}

TEST(Catalogue, ForgetsAnAbandonedVersion) {
  Catalog catalog;
  catalog.Add(Version("db", 1, 10));
  catalog.Add(Version("db", 2, 20));
  catalog.Remove(Archive('d'), 2);
  EXPECT_EQ(catalog.NextVersion("db"), 2u);
  EXPECT_NE(catalog.FindByArchive(Archive('d')), nullptr);
  catalog.Remove(Archive('x'), 1);
  EXPECT_EQ(catalog.archives(), 1u);
  catalog.Remove(Archive('d'), 1);
  EXPECT_EQ(catalog.archives(), 0u);
  EXPECT_EQ(catalog.FindByArchive(Archive('d')), nullptr);
}

TEST(Catalogue, FindsAPushAgainByItsIdempotencyKey) {
  Catalog catalog;
  CatalogVersion version = Version("db", 1, 10);
  version.envelope.idempotency.bytes[3] = std::byte{9};
  const Digest key = version.envelope.idempotency;
  catalog.Add(version);
  catalog.Add(Version("db", 2, 20));
  ASSERT_NE(catalog.FindIdempotent("db", key), nullptr);
  EXPECT_EQ(catalog.FindIdempotent("db", key)->envelope.version, 1u);
  EXPECT_EQ(catalog.FindIdempotent("db", Digest()), nullptr);
  EXPECT_EQ(catalog.FindIdempotent("other", key), nullptr);
}

TEST(Catalogue, ListsCommittedVersionsInOrder) {
  Catalog catalog;
  catalog.Add(Version("beta", 1, 5));
  catalog.Add(Version("alpha", 2, 9));
  catalog.Add(Version("alpha", 1, 3));
  catalog.Add(Version("alpha", 3, 99));
  catalog.CommitAsPlaced(50);
  std::string all;
  for (const CatalogVersion* version : catalog.List(nullptr)) {
    all += version->envelope.name + std::to_string(version->envelope.version) + " ";
  }
  EXPECT_EQ(all, "alpha1 alpha2 beta1 ");
  const std::string name = "alpha";
  EXPECT_EQ(catalog.List(&name).size(), 2u);
  EXPECT_EQ(catalog.source_bytes(), 30u);
  EXPECT_EQ(catalog.EnvelopesUpTo(5).size(), 2u);
  EXPECT_EQ(catalog.List(&name)[0]->committed_at, absl::FromUnixNanos(3007));
}

TEST(Catalogue, CountsAsItChanges) {
  Catalog catalog;
  catalog.Add(Version("db", 1, 10));
  catalog.Add(Version("db", 2, 20));
  EXPECT_EQ(catalog.versions(), 2u);
  EXPECT_EQ(catalog.source_bytes(), 0u) << "none is committed";
  catalog.CommitAsPlaced(10);
  const uint64_t one = catalog.source_bytes();
  EXPECT_GT(one, 0u);
  catalog.CommitAsPlaced(10);
  EXPECT_EQ(catalog.source_bytes(), one) << "a version counts once";
  CatalogVersion again = Version("db", 1, 10);
  again.committed = true;
  catalog.Add(again);  // as a replay does
  EXPECT_EQ(catalog.versions(), 2u);
  EXPECT_EQ(catalog.source_bytes(), one);
  EXPECT_EQ(catalog.VersionsUpTo(10), 1u);
  EXPECT_EQ(catalog.VersionsUpTo(20), 2u);
  catalog.Remove(Archive('d'), 1);
  EXPECT_EQ(catalog.versions(), 1u);
  EXPECT_EQ(catalog.source_bytes(), 0u);
}

TEST(ArchiveReferences, ReadNameAndVersion) {
  EXPECT_EQ(ParseArchiveReference("db")->name, "db");
  EXPECT_EQ(ParseArchiveReference("db")->version, std::nullopt);
  EXPECT_EQ(ParseArchiveReference("a/b c.tar@12")->name, "a/b c.tar");
  EXPECT_EQ(ParseArchiveReference("a/b c.tar@12")->version, 12u);
}

TEST(ArchiveReferences, RefuseWhatIsNotOne) {
  for (const char* text : {"", "@1", "db@", "db@0", "db@-1", "db@1x", "db@1@2", "db@ 1",
                           "db@99999999999999999999", "d\nb"}) {
    EXPECT_EQ(ParseArchiveReference(text).status().code(), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace tidemark
