#include "replicator/log_window.h"

#include <algorithm>
#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {

LogWindow::LogWindow(const Options& options, const Position& base)
    : options_(options), base_(base), tail_(base), before_(base), sites_(options.sites) {
  assert(options.primaries > 0 && options.primaries <= options.sites);
}

bool LogWindow::MayAppend(uint64_t bytes) const {
  if (uncommitted_bytes_ == 0 || MUSEUM_BUG("window-unbounded")) return true;
  // Genesis, epoch-start and mode: without all three nothing might ever be committed.
  if (options_.may_use_quorum && tail_.sequence <= base_.sequence + 1) return true;
  return uncommitted_bytes_ <= options_.uncommitted_bytes_max &&
         bytes <= options_.uncommitted_bytes_max - uncommitted_bytes_;
}

void LogWindow::Append(const Position& position, uint64_t bytes) {
  assert(position.sequence == tail_.sequence + 1 && position.epoch >= tail_.epoch);
  assert(bytes > 0);
  held_.push_back({position, bytes});
  tail_ = position;
  uncommitted_bytes_ += bytes;
}

std::optional<Position> LogWindow::PositionOf(uint64_t sequence) const {
  if (sequence < before_.sequence || sequence > tail_.sequence) return std::nullopt;
  if (sequence == before_.sequence) return before_;
  return held_[sequence - before_.sequence - 1].position;
}

// True when a site with that position cannot hold a prefix of our log.
bool LogWindow::Contradicts(const Position& durable) const {
  if (durable.sequence > tail_.sequence) return true;
  const std::optional<Position> ours = PositionOf(durable.sequence);
  if (ours && MUSEUM_BUG("ack-digest-ignored")) return false;
  if (ours) return *ours != durable;
  return durable.epoch > before_.epoch;  // epochs never fall along a log
}

// Records of an older epoch at a site may be ones that its take-over never saw.
bool LogWindow::IsOldTail(const Position& durable) const {
  return options_.may_use_quorum && durable.sequence > 0 && durable.epoch < tail_.epoch;
}

bool LogWindow::IsOurs(const Position& durable) const {
  if (Contradicts(durable)) return false;
  return PositionOf(durable.sequence).has_value() || !IsOldTail(durable);
}

void LogWindow::SetMode(AckMode mode) {
  assert(mode == AckMode::kStrict || options_.may_use_quorum);
  mode_ = mode;
  if (mode == AckMode::kQuorum) quorum_from_ = tail_.sequence;
}

LogWindow::Feed LogWindow::Place(SiteIndex site, const Position& durable) {
  SiteView& view = sites_.at(site);
  view.up = true;
  if (!IsOurs(durable) && IsOldTail(durable)) {
    RARE_PATH("site-with-old-tail");
    view.durable = Position();
    view.confirmed = 0;
    view.feed = Feed::kFetch;
    return view.feed;
  }
  if (Contradicts(durable)) {
    view.feed = Feed::kDiverged;
    return view.feed;
  }
  view.durable = durable;
  view.next_to_send = durable.sequence + 1;
  if (durable.sequence >= before_.sequence) {
    view.confirmed = durable.sequence;
    view.feed = Feed::kLive;
  } else {
    // Only committed records are ever dropped, so what it misses can be fetched.
    assert(before_.sequence <= std::max(committed_, base_.sequence));
    view.confirmed = 0;
    view.feed = Feed::kFetch;
  }
  RecomputeCommitted();
  return view.feed;
}

LogWindow::Feed LogWindow::LinkUp(SiteIndex site, const Position& durable) {
  return Place(site, durable);
}

void LogWindow::LinkDown(SiteIndex site) { sites_.at(site).up = false; }

LogWindow::Feed LogWindow::FetchFinished(SiteIndex site, const Position& durable) {
  // A report of an earlier order changes nothing.
  if (!is_up(site) || feed(site) != Feed::kFetch) return feed(site);
  return Place(site, durable);
}

Position LogWindow::fetch_target(SiteIndex site) const {
  const bool adopts = IsPrimary(site) || options_.may_use_quorum;
  if (adopts && base_.sequence > committed_) return base_;
  return committed_position_;
}

std::optional<uint64_t> LogWindow::NextToSend(SiteIndex site) const {
  const SiteView& view = sites_.at(site);
  if (!view.up || view.feed != Feed::kLive) return std::nullopt;
  const bool sends_all =
      IsPrimary(site) || mode_ == AckMode::kQuorum || MUSEUM_BUG("witness-sent-uncommitted");
  const uint64_t last = sends_all ? tail_.sequence : committed_;
  if (view.next_to_send > last) return std::nullopt;
  assert(view.next_to_send > before_.sequence);
  return view.next_to_send;
}

void LogWindow::Sent(SiteIndex site, uint64_t sequence) {
  SiteView& view = sites_.at(site);
  // The ack may be here before the sender hears that its last byte has gone.
  if (sequence < view.next_to_send && sequence <= view.durable.sequence) return;
  assert(view.feed == Feed::kLive && view.next_to_send == sequence);
  view.next_to_send = sequence + 1;
}

absl::StatusOr<bool> LogWindow::OnAck(SiteIndex site, const Position& durable) {
  SiteView& view = sites_.at(site);
  if (!view.up) return false;  // of a link that is gone; LinkUp will say what the site holds
  if (view.feed == Feed::kFetch && !IsOurs(durable) && IsOldTail(durable)) return false;
  if (view.feed == Feed::kDiverged || Contradicts(durable)) {
    RARE_PATH("ack-of-another-log");
    view.feed = Feed::kDiverged;
    const std::optional<Position> ours = PositionOf(durable.sequence);
    return absl::DataLossError(absl::StrFormat(
        "site %d diverged: it holds sequence %d of epoch %d with digest %s, ours is %s", site,
        durable.sequence, durable.epoch, durable.digest.hex().substr(0, 16),
        ours ? ours->digest.hex().substr(0, 16) : absl::StrFormat("at %d", tail_.sequence)));
  }
  if (durable.sequence <= view.durable.sequence) return false;
  view.durable = durable;
  view.next_to_send = std::max(view.next_to_send, durable.sequence + 1);
  // Older than the window: true progress, but no digest of ours to commit by.
  if (durable.sequence < before_.sequence) return false;
  view.confirmed = durable.sequence;
  return RecomputeCommitted();
}

bool LogWindow::RecomputeCommitted() {
  uint64_t everywhere = tail_.sequence;
  for (SiteIndex site = 0; site < options_.primaries; ++site) {
    everywhere = std::min(everywhere, sites_[site].confirmed);
  }
  if (MUSEUM_BUG("commit-by-one-ack"))
    everywhere = std::max(sites_[0].confirmed, sites_[1].confirmed);
  if (mode_ == AckMode::kQuorum) {
    const uint64_t by_two = HeldByTwo();
    if (by_two >= quorum_from_ || MUSEUM_BUG("quorum-before-its-record"))
      everywhere = std::max(everywhere, by_two);
  }
  // What this epoch adopted is committed with its first record: counted alone, a tail of a newer
  // epoch that took no part could still win over it (Raft's figure 8).
  if (everywhere <= base_.sequence && !MUSEUM_BUG("adopted-tail-counted")) return false;
  if (everywhere <= committed_ || everywhere < before_.sequence) return false;
  for (uint64_t s = std::max(committed_, before_.sequence) + 1; s <= everywhere; ++s) {
    uncommitted_bytes_ -= held_[s - before_.sequence - 1].bytes;
  }
  committed_ = everywhere;
  committed_position_ = *PositionOf(everywhere);
  return true;
}

// The longest prefix of our log that two sites hold.
uint64_t LogWindow::HeldByTwo() const {
  uint64_t best = 0, second = 0;
  for (const SiteView& view : sites_) {
    second = std::max(second, std::min(best, view.confirmed));
    best = std::max(best, view.confirmed);
  }
  return second;
}

std::optional<uint64_t> LogWindow::oldest() const {
  if (held_.empty()) return std::nullopt;
  return held_.front().position.sequence;
}

bool LogWindow::MayEvict(bool for_room) const {
  if (held_.empty()) return false;
  const uint64_t sequence = held_.front().position.sequence;
  if (sequence > committed_ && !MUSEUM_BUG("uncommitted-forgotten")) return false;
  if (for_room) return true;
  return std::all_of(sites_.begin(), sites_.end(), [sequence](const SiteView& view) {
    return view.durable.sequence >= sequence;
  });
}

void LogWindow::Evict() {
  assert(MayEvict(true));
  before_ = held_.front().position;
  held_.pop_front();
  for (SiteView& view : sites_) {
    if (view.up && view.feed == Feed::kLive && view.next_to_send <= before_.sequence) {
      RARE_PATH("site-fell-out-of-window");
      view.feed = Feed::kFetch;
    }
  }
}

}  // namespace tidemark
