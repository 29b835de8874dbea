// Goal: what is new is compressed where that pays and stays as it is where not, each chunk once,
// and what another push added meanwhile is not sealed again.
#include "agent/source/new_chunks.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "tests/agent/recover/test_vault.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

class ChunksOfASpan : public testing::Test {
 protected:
  ChunksOfASpan() : vault(7), pool(world.io, 1, kSpanBufferBytes) {
    span.buffer = pool.TryAcquire();
    key.emplace(Secret32::Random(world.io));
  }
  void Add(const std::string& bytes) {
    CutChunk chunk;
    chunk.begin = span.end;
    chunk.bytes = static_cast<uint32_t>(bytes.size());
    std::copy(AsBytes(bytes).begin(), AsBytes(bytes).end(), span.buffer.span().begin() + span.end);
    chunk.id = key->Identify(AsBytes(bytes));
    span.end += chunk.bytes;
    span.chunks.push_back(chunk);
  }
  static std::string Unpacked(const SealItem& item) {
    std::string plain(item.plaintext.size(), '\0');
    const size_t got =
        ZSTD_decompress(plain.data(), plain.size(), item.packed.data(), item.packed.size());
    return ZSTD_isError(got) || got != plain.size() ? "" : plain;
  }
  UringWorld world;
  TestVault vault;
  BufferPool pool;
  std::optional<ChunkIdKey> key;
  Span span;
};

TEST_F(ChunksOfASpan, AreCompressedWhereItPays) {
  std::vector<std::string> texts;
  for (int i = 0; i < 30; ++i) {
    texts.push_back(i % 3 == 0 ? vault.Noise(20'000 + i) : vault.Prose(60'000 + i));
    Add(texts.back());
  }
  NewChunks::Known known(span.chunks.size());
  NewChunks fresh(world.io, span, known);
  ASSERT_TRUE(Finish(world.io, fresh.Compress(1)).ok());
  ASSERT_EQ(fresh.items()->size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const SealItem* item = fresh.ItemOf(i);
    ASSERT_NE(item, nullptr);
    EXPECT_EQ(item->packed.empty(), i % 3 == 0) << i;
    EXPECT_TRUE(item->packed.empty() || Unpacked(*item) == texts[i]) << i;
  }
}

TEST_F(ChunksOfASpan, SmallOnesToo) {
  Add(vault.Prose(3000));
  NewChunks fresh(world.io, span, NewChunks::Known(1));
  ASSERT_TRUE(Finish(world.io, fresh.Compress(-1)).ok());
  EXPECT_FALSE(fresh.items()->front().packed.empty());
}

TEST_F(ChunksOfASpan, AreEachThereOnceAndKnownOnesNot) {
  const std::string one = vault.Noise(500), two = vault.Noise(600), three = vault.Noise(700);
  for (const std::string& text : {one, two, one, three, two}) Add(text);
  NewChunks::Known known(5);
  known[3].emplace();
  NewChunks fresh(world.io, span, known);
  ASSERT_EQ(fresh.items()->size(), 2u);
  EXPECT_EQ(fresh.ItemOf(0), fresh.ItemOf(2));
  EXPECT_EQ(fresh.ItemOf(1), fresh.ItemOf(4));
  EXPECT_EQ(fresh.ItemOf(3), nullptr);

  // Meanwhile another push sealed the first.
  const Catalog catalog;
  ChunkLookup lookup(world.io, nullptr, &catalog, &vault.keys);
  const ArchiveId archive = ArchiveId::Random(world.io);
  lookup.RememberArchiveKey(archive, Secret32::Random(world.io));
  ChunkLookup::Known stored;
  stored.location.sequence = 17;
  lookup.Add(span.chunks[0].id, stored, archive);
  fresh.DropKnown(&lookup, &known);
  ASSERT_EQ(fresh.items()->size(), 1u);
  for (const size_t i : {0u, 2u}) {
    EXPECT_EQ(fresh.ItemOf(i), nullptr);
    ASSERT_TRUE(known[i].has_value());
    EXPECT_EQ(known[i]->location.sequence, 17u);
  }
  for (const size_t i : {1u, 4u}) {
    ASSERT_NE(fresh.ItemOf(i), nullptr);
    EXPECT_EQ(fresh.ItemOf(i)->id, span.chunks[1].id);
  }
}

}  // namespace
}  // namespace tidemark
