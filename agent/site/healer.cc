#include "agent/site/healer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/site/site.h"

namespace tidemark {
namespace {

constexpr absl::Duration kHealPause = absl::Milliseconds(250);
// What a read found is healed after this: a restore that asks this site alone reads it again, and
// is to say what it found.
constexpr absl::Duration kReportRest = absl::Seconds(2);
constexpr absl::Duration kRetryInterval = absl::Seconds(15);
// A session that was not used for this long ends.
constexpr absl::Duration kSessionRest = absl::Seconds(3);
constexpr int kRetriesPerRound = 100;

absl::Status CannotBe(const std::string& what, const absl::Status& why) {
  return absl::DataLossError(absl::StrFormat("%s: %s", what, std::string(why.message())));
}

}  // namespace

Healer::Healer(Site* site)
    : site_(site),
      io_(site->io()),
      buffer_(io_, 1, kRecordHeaderBytes + kBlockBytes),
      turn_(io_, 1),
      pause_(io_) {}

void Healer::SetPeers(std::vector<PeerAddress> peers) {
  if (peers != peers_) retried_ = absl::ZeroDuration();
  peers_ = std::move(peers);
}

void Healer::SetCounts(uint64_t found, uint64_t healed) {
  found_ = found;
  healed_ = healed;
}

void Healer::NoteMended(uint64_t count) {
  if (count == 0) return;
  found_ += count;
  healed_ += count;
  Log(absl::StrFormat("healed %d small files or receipts", count));
}

void Healer::Report(const Damage& damage) {
  const auto is_same = [&damage](const Reported& other) { return other.damage == damage; };
  const bool known = bad_.contains(damage) || std::ranges::any_of(reported_, is_same);
  if (!known && reported_.size() < kDamageRememberedMax)
    reported_.push_back({damage, io_->Monotonic()});
}

Task<> Healer::Run() {
  while (true) {
    const bool passed = co_await pause_.For(kHealPause);
    if (!passed) break;
    while (!reported_.empty() && !stopped_) {
      if (io_->Monotonic() - reported_.front().at < kReportRest) break;
      const Damage damage = reported_.front().damage;
      absl::Status healed = co_await Heal(damage);
      (void)healed;  // noted
      reported_.pop_front();
    }
    const absl::Duration now = io_->Monotonic();
    if (!bad_.empty() && !peers_.empty() && now - retried_ >= kRetryInterval) co_await RetryBad();
    if (session_ != nullptr && io_->Monotonic() - session_used_ > kSessionRest) {
      co_await turn_.Acquire(1);
      co_await DropSession();
      turn_.Release(1);
    }
  }
  co_await turn_.Acquire(1);
  co_await DropSession();
  turn_.Release(1);
}

Task<> Healer::RetryBad() {
  std::vector<Damage> again;
  for (const auto& [damage, why] : bad_) {
    if (again.size() < kRetriesPerRound) again.push_back(damage);
  }
  for (const Damage& damage : again) {
    if (stopped_) break;
    absl::Status healed = co_await Heal(damage);
    if (absl::IsUnavailable(healed)) break;  // nobody is there: later
  }
  retried_ = io_->Monotonic();
}

void Healer::Stop() {
  stopped_ = true;
  pause_.Cut();
  if (session_ != nullptr) session_->Stop();
}

Task<absl::Status> Healer::Heal(Damage damage) {
  co_await turn_.Acquire(1);
  was_bad_ = false;
  absl::Status healed = absl::CancelledError("the site stops");
  if (!stopped_) healed = co_await HealNow(damage);
  Note(damage, healed);
  turn_.Release(1);
  co_return healed;
}

void Healer::Note(const Damage& damage, const absl::Status& healed) {
  const bool was_known = bad_.erase(damage) > 0;
  if (!was_bad_) return;
  was_bad_ = false;
  if (!was_known) ++found_;
  if (healed.ok()) {
    ++healed_;
    Log("healed " + damage.Describe());
    return;
  }
  if (bad_.size() < kDamageRememberedMax) bad_.emplace(damage, healed);
  if (!was_known) Log(damage.Describe() + " is bad: " + std::string(healed.message()));
}

// What a head's blocks should be is known once it is whole: then they are checked too.
Task<> Healer::Mend(RecordCheck* check, uint64_t sequence, std::vector<Mended>* mended) {
  bool again = true;
  while (again && !stopped_) {
    again = false;
    std::vector<RecordCheck::Found> found;
    // Not longer than for reading: those who restore go in between.
    PooledBuffer buffer = co_await site_->read_pool()->Acquire();
    co_await check->Check(sequence, buffer.span(), &found);
    buffer.Release();
    for (const RecordCheck::Found& each : found) {
      absl::Status healed = co_await Heal(each.damage);
      const bool is_head = each.damage.part == Damage::Part::kHead;
      again = again || (is_head && each.damage.sequence == sequence && healed.ok());
      mended->push_back({each.damage, each.why, std::move(healed)});
    }
  }
}

Task<absl::Status> Healer::HealNow(Damage damage) {
  SiteVault* vault = site_->Find(damage.vault);
  if (vault == nullptr) co_return absl::NotFoundError("no such vault here");
  LogReader reader(vault->log());
  absl::Status healed;
  if (damage.part == Damage::Part::kFileHeader) {
    healed = co_await HealFileHeader(&reader, damage.sequence);
  } else {
    healed = co_await HealHeads(vault, &reader, damage.sequence);
  }
  if (damage.part == Damage::Part::kBlock) {
    Note(Damage{damage.vault, damage.sequence, Damage::Part::kHead, 0}, healed);
  }
  if (healed.ok() && damage.part == Damage::Part::kBlock) {
    PooledBuffer page = co_await buffer_.Acquire();
    absl::StatusOr<CanonicalHeader> header = co_await reader.ReadHead(damage.sequence, page.span());
    page.Release();
    healed = header.status();
    if (healed.ok()) healed = co_await HealBlock(&reader, &*header, damage.block);
  }
  co_await reader.Close();
  co_return healed;
}

// What it must be is known here.
Task<absl::Status> Healer::HealFileHeader(LogReader* reader, uint64_t sequence) {
  const std::optional<VaultLog::Place> place = reader->log()->FindPlace(sequence);
  if (!place.has_value()) co_return absl::NotFoundError("the record is not in the log");
  PooledBuffer buffer = co_await buffer_.Acquire();
  absl::Status checked = co_await reader->CheckFileHeader(sequence, buffer.span());
  if (checked.ok()) co_return checked;
  was_bad_ = true;
  const std::vector<std::byte> header = EncodeLogFileHeader(place->file);
  std::memcpy(buffer.span().data(), header.data(), header.size());
  const ByteSpan bytes = buffer.span().first(header.size());
  std::string path = place->path;
  absl::Status written = co_await Write(std::move(path), 0, bytes);
  if (written.ok()) written = co_await reader->CheckFileHeader(sequence, buffer.span());
  co_return written;
}

// A run of bad heads is healed from its end: each is known by the one behind it.
Task<absl::Status> Healer::HealHeads(SiteVault* vault, LogReader* reader, uint64_t sequence) {
  uint64_t top = sequence;
  PooledBuffer buffer = co_await buffer_.Acquire();
  while (top < vault->flushed().sequence && !stopped_) {
    absl::StatusOr<CanonicalHeader> next = co_await reader->ReadHead(top + 1, buffer.span());
    if (next.ok()) break;
    ++top;
  }
  buffer.Release();
  absl::Status healed;
  for (; top >= sequence && top > 0 && healed.ok(); --top) {
    healed = co_await HealHead(vault, reader, top);
    if (top != sequence) Note(Damage{vault->id(), top, Damage::Part::kHead, 0}, healed);
  }
  co_return healed;
}

Task<absl::Status> Healer::HealHead(SiteVault* vault, LogReader* reader, uint64_t sequence) {
  PooledBuffer buffer = co_await buffer_.Acquire();
  Wanted wanted;
  wanted.vault = vault->id();
  wanted.sequence = sequence;
  wanted.digest = vault->flushed().digest;
  if (sequence != vault->flushed().sequence) {
    absl::StatusOr<CanonicalHeader> next = co_await reader->ReadHead(sequence + 1, buffer.span());
    if (!next.ok()) co_return next.status();
    wanted.digest = next->previous;
  }
  absl::StatusOr<CanonicalHeader> own = co_await reader->ReadHead(sequence, buffer.span());
  if (own.ok() && own->digest() == wanted.digest) co_return absl::OkStatus();
  const std::optional<VaultLog::Place> place = vault->log()->FindPlace(sequence);
  if (!place.has_value()) co_return absl::NotFoundError("the record is not in the log");
  was_bad_ = true;
  absl::Status fetched = co_await FetchAnywhere(&wanted);
  if (!fetched.ok()) co_return fetched;
  PlacementHeader placement;
  placement.store = place->file.store;
  placement.file_number = place->file_number;
  placement.file_salt = place->file.file_salt;
  placement.own_offset = place->offset;
  placement.sequence = sequence;
  placement.durable_upto = sequence - 1;  // true, and never more than a later truncation keeps
  placement.record_digest = wanted.digest;
  const std::vector<std::byte> head = EncodeRecordHead(*wanted.header, placement);
  std::memcpy(buffer.span().data(), head.data(), head.size());
  const ByteSpan bytes = buffer.span().first(head.size());
  std::string path = place->path;
  absl::Status written = co_await Write(std::move(path), place->offset, bytes);
  if (!written.ok()) co_return written;
  own = co_await reader->ReadHead(sequence, buffer.span());
  if (own.ok() && own->digest() == wanted.digest) co_return absl::OkStatus();
  co_return CannotBe("read again after it was rewritten", own.status());
}

Task<absl::Status> Healer::HealBlock(LogReader* reader, const CanonicalHeader* header,
                                     uint32_t block) {
  if (block >= header->blocks.size()) co_return absl::NotFoundError("no such block");
  PooledBuffer buffer = co_await buffer_.Acquire();
  const MutableByteSpan bytes =
      buffer.span().subspan(kRecordHeaderBytes, header->BlockBytes(block));
  absl::Status good = co_await reader->ReadBlocks(header, block, bytes);
  if (good.ok()) good = CheckBlock(*header, block, bytes);
  if (good.ok()) co_return good;
  const std::optional<VaultLog::Place> place = reader->log()->FindPlace(header->sequence);
  if (!place.has_value()) co_return absl::NotFoundError("the record is not in the log");
  was_bad_ = true;
  Wanted wanted;
  wanted.vault = header->vault;
  wanted.sequence = header->sequence;
  wanted.block = &block;
  wanted.digest = header->blocks[block];
  wanted.bytes = bytes;
  absl::Status fetched = co_await FetchAnywhere(&wanted);
  if (!fetched.ok()) co_return fetched;
  const uint64_t offset = place->offset + kRecordHeaderBytes + uint64_t{block} * kBlockBytes;
  std::string path = place->path;
  absl::Status written = co_await Write(std::move(path), offset, bytes);
  if (!written.ok()) co_return written;
  std::memset(bytes.data(), 0, bytes.size());
  good = co_await reader->ReadBlocks(header, block, bytes);
  if (good.ok()) good = CheckBlock(*header, block, bytes);
  if (!good.ok()) co_return CannotBe("read again after it was rewritten", good);
  co_return good;
}

// Durable when OK. A failed write leaves what was bad before; the next try writes all of it again.
Task<absl::Status> Healer::Write(std::string path, uint64_t offset, ByteSpan bytes) {
  Op open = io_->Open(path, kOpenRead | kOpenWrite | kOpenDirect);
  const Fd fd = co_await open;
  if (fd < 0) co_return CannotBe("rewriting", ErrnoStatus(fd, "open " + path));
  absl::Status written = co_await WriteFully(io_, fd, bytes, offset);
  site_->counters()->OnWrite(bytes.size());
  if (written.ok()) {
    Op sync = io_->Sync(fd);
    const int32_t synced = co_await sync;
    site_->counters()->OnCommit();
    if (synced < 0) written = ErrnoStatus(synced, "flush " + path);
  }
  Op close = io_->Close(fd);
  const int32_t closed = co_await close;
  (void)closed;
  if (!written.ok()) co_return CannotBe("rewriting", written);
  co_return written;
}

void Healer::Log(const std::string& line) const {
  if (site_->options().log) site_->options().log(line);
}

}  // namespace tidemark
