#include "agent/recover/replay.h"

#include <algorithm>
#include <utility>

#include "agent/io/transfer.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

constexpr size_t kRowsPerPut = 4096;

// One index call, for Io::Compute.
struct IndexJob {
  ChunkIndex* index = nullptr;
  std::vector<ChunkRow> rows;
  IndexCoverage coverage;
  absl::StatusOr<std::optional<IndexCoverage>> found;
  absl::Status result;

  static void Ask(void* self) {
    IndexJob* job = static_cast<IndexJob*>(self);
    job->found = job->index->Coverage();
  }
  static void Put(void* self) {
    IndexJob* job = static_cast<IndexJob*>(self);
    job->result = job->index->Put(job->rows, job->coverage);
  }
  static void Clear(void* self) {
    IndexJob* job = static_cast<IndexJob*>(self);
    job->result = job->index->Clear();
  }
  static void Flush(void* self) {
    IndexJob* job = static_cast<IndexJob*>(self);
    job->result = job->index->Flush();
  }
};

class Replay {
 public:
  Replay(Io* io, RecordSource* source, const OpenedVault* vault, ChunkIndex* index, Position upto,
         ReplayUpto kind)
      : io_(io),
        source_(source),
        vault_(vault),
        reader_(source, &vault->keys),
        upto_(upto),
        kind_(kind) {
    job_.index = index;
  }
  Io* io() const { return io_; }

  Task<absl::StatusOr<ReplayResult>> Run() {
    absl::Status began = co_await FindBeginning();
    if (!began.ok()) co_return began;
    if (is_ahead_) co_return result_;
    const std::vector<Envelope> envelopes = LaterVersions();
    for (const Envelope& envelope : envelopes) {
      const Envelope* version = &envelope;
      absl::Status replayed = co_await ReplayVersion(version);
      if (!replayed.ok()) co_return replayed;
    }
    const std::vector<ResumeNotice> points = vault_->resume.Live(upto_.sequence, io_->Now());
    for (const ResumeNotice& notice : points) {
      if (notice.point.sequence <= covered_.sequence) continue;
      const ResumeNotice* point = &notice;
      absl::Status replayed = co_await ReplayPoint(point);
      // A damaged one costs dedup, and the push that wanted it begins anew.
      if (absl::IsUnavailable(replayed)) co_return replayed;
    }
    if (covered_.sequence == upto_.sequence && result_.rows == 0) co_return result_;
    // Only now does the index cover `upto`: cut short before, it replays from where it stood.
    job_.coverage = {upto_.epoch, upto_.sequence, upto_.digest};
    absl::Status put = co_await Call(&IndexJob::Put);
    if (!put.ok()) co_return put;
    absl::Status flushed = co_await Call(&IndexJob::Flush);
    if (!flushed.ok()) co_return flushed;
    co_return result_;
  }

 private:
  Task<absl::Status> Call(void (*work)(void*)) {
    job_.result = absl::OkStatus();
    Op compute = io_->Compute(work, &job_);
    const int32_t ran = co_await compute;
    if (ran < 0) co_return ErrnoStatus(ran, "working on the chunk index");
    job_.rows.clear();
    co_return job_.result;
  }

  // Where the index stands; clears it when that is nowhere in this log.
  Task<absl::Status> FindBeginning() {
    absl::Status asked = co_await Call(&IndexJob::Ask);
    if (!asked.ok()) co_return asked;
    IndexCoverage covered;  // one that cannot be read is of a cache that is damaged: made anew
    if (job_.found.ok()) covered = job_.found->value_or(IndexCoverage());
    if (job_.found.ok() && covered.sequence == 0) co_return absl::OkStatus();
    is_ahead_ = kind_ == ReplayUpto::kAtLeast && covered.sequence > upto_.sequence;
    if (is_ahead_) co_return absl::OkStatus();
    if (job_.found.ok() && covered.sequence <= upto_.sequence) {
      absl::StatusOr<CanonicalHeader> head =
          co_await source_->Head(vault_->keys.vault, covered.sequence);
      if (!head.ok() && !absl::IsNotFound(head.status())) co_return head.status();
      if (head.ok() && head->digest() == covered.digest) {
        covered_ = covered;
        job_.coverage = covered;
        co_return absl::OkStatus();
      }
    }
    RARE_PATH("index-rebuilt");
    result_.rebuilt = true;
    absl::Status cleared = co_await Call(&IndexJob::Clear);
    co_return cleared;
  }

  // Those whose envelope is not covered yet, in the order of the log.
  std::vector<Envelope> LaterVersions() const {
    std::vector<Envelope> later;
    for (const Envelope& envelope : vault_->catalog.EnvelopesUpTo(upto_.sequence)) {
      if (envelope.root.sequence > covered_.sequence) later.push_back(envelope);
    }
    std::sort(later.begin(), later.end(), [](const Envelope& a, const Envelope& b) {
      return std::pair(a.root.sequence, a.root.offset) < std::pair(b.root.sequence, b.root.offset);
    });
    return later;
  }

  Task<absl::Status> ReplayVersion(const Envelope* version) {
    absl::StatusOr<Secret32> archive_key = ArchiveKey(vault_->keys, *version);
    if (!archive_key.ok()) co_return archive_key.status();
    const Secret32 mask_key = IndexMaskKey(*archive_key);
    absl::StatusOr<ManifestRoot> root = co_await reader_.ReadRoot(version);
    if (!root.ok()) co_return root.status();
    absl::Status walked = co_await ReplayTrees(version->archive, root->segments, &mask_key);
    if (walked.ok()) ++result_.versions;
    co_return walked;
  }

  // What a push that was cut off had stored, so that the one that goes on from its resume point
  // knows it, and others after that.
  Task<absl::Status> ReplayPoint(const ResumeNotice* notice) {
    absl::StatusOr<Secret32> archive_key = ArchiveKey(vault_->keys, *notice);
    if (!archive_key.ok()) co_return absl::OkStatus();  // it will not be used either
    const Secret32 mask_key = IndexMaskKey(*archive_key);
    const Secret32* key = &*archive_key;
    ResumeNotice copy = *notice;
    absl::StatusOr<ResumePoint> point = co_await reader_.ReadResumePoint(std::move(copy), key);
    if (!point.ok()) co_return point.status();
    std::vector<SegmentRef> trees = point->root.segments;
    for (const Node& open : point->open) {
      for (const NodeRef& child : open.children) {
        const uint8_t level = static_cast<uint8_t>(open.level - 1);
        trees.push_back({0, child.source_bytes, level, child});
      }
    }
    absl::Status walked = co_await ReplayTrees(notice->archive, std::move(trees), &mask_key);
    co_return walked;
  }

  Task<absl::Status> ReplayTrees(ArchiveId archive, std::vector<SegmentRef> trees,
                                 const Secret32* mask_key) {
    for (const SegmentRef& tree : trees) {
      LeafWalker walker(&reader_, archive, tree, 0);
      while (true) {
        absl::StatusOr<LeafWalker::Leaf> leaf = co_await walker.Next();
        if (!leaf.ok()) co_return leaf.status();
        if (leaf->entries.empty()) break;
        for (const LeafEntry& entry : leaf->entries) AddRow(entry, archive, *mask_key);
        if (job_.rows.size() < kRowsPerPut) continue;
        absl::Status put = co_await Call(&IndexJob::Put);
        if (!put.ok()) co_return put;
      }
    }
    co_return absl::OkStatus();
  }

  // Also what was born in covered records: when a replay ended inside a version, its rows are not
  // in the index yet. What is there already is put again; that is a few versions at most.
  void AddRow(const LeafEntry& entry, const ArchiveId& archive, const Secret32& mask_key) {
    if (entry.kind == LeafEntry::Kind::kHole) return;
    if (entry.location.sequence > upto_.sequence) return;
    ChunkRow row;
    row.id = entry.id;
    row.masked_key = entry.key.bytes;
    MaskWithIndexKey(mask_key, entry.id, row.masked_key);
    row.archive = archive;
    row.sequence = entry.location.sequence;
    row.offset = entry.location.offset;
    row.sealed_bytes = entry.location.sealed_bytes;
    row.plain_bytes = static_cast<uint32_t>(entry.bytes);
    row.codec = static_cast<uint8_t>(entry.codec);
    job_.rows.push_back(row);
    ++result_.rows;
  }

  Io* io_;
  RecordSource* source_;
  const OpenedVault* vault_;
  SealedReader reader_;
  Position upto_;
  ReplayUpto kind_;
  bool is_ahead_ = false;
  IndexJob job_;
  IndexCoverage covered_;  // at the start
  ReplayResult result_;
};

}  // namespace

Task<absl::StatusOr<ReplayResult>> ReplayIndex(Io* io, RecordSource* source,
                                               const OpenedVault* vault, ChunkIndex* index,
                                               Position upto, ReplayUpto kind) {
  Replay replay(io, source, vault, index, upto, kind);
  absl::StatusOr<ReplayResult> result = co_await replay.Run();
  co_return std::move(result);
}

}  // namespace tidemark
