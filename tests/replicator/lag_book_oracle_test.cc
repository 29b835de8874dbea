// Law 7 against the truth: every byte of a random history is followed on its own, and the lag that
// the book reports is compared with the lag that the bytes have, after every single event.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "replicator/lag_book.h"
#include "tests/replicator/positions.h"

namespace tidemark {
namespace {

constexpr uint32_t kSites = 3;
constexpr uint64_t kBase = 5;
absl::Time At(int64_t tick) { return absl::FromUnixNanos(1'000'000'000'000 + tick); }

struct Byte {
  int64_t taken_at;
  uint64_t push;
  uint64_t sequence = 0;  // 0: in no record
  bool abandoned = false;
};
struct Span {
  uint64_t number;
  std::vector<size_t> bytes;
  size_t placed = 0;
  uint64_t last_sequence = 0;
};
struct Push {
  uint64_t number;
  int64_t captured_at;
  uint64_t root = 0;
  bool abandoned = false;
};
struct Site {
  uint64_t durable = 0;  // what its disk holds
  bool reached = false;  // it told us something
  bool alive = true;
};

struct Faults {
  bool late_takes = false;  // a read is told after its time
  bool lost_tails = false;  // a site comes back with less
  bool starts_behind = false;
};

class World {
 public:
  World(uint64_t seed, const Faults& faults) : dice_(seed), faults_(faults) {
    for (Site& site : sites_) site.durable = faults.starts_behind ? dice_.Below(kBase + 1) : kBase;
    witness_dies_ = dice_.OneIn(2);
  }

  void Step() {
    now_ += static_cast<int64_t>(dice_.Below(5));
    switch (dice_.Below(12)) {
      case 0:
        Open();
        break;
      case 1:
      case 2:
        Take();
        break;
      case 3:
      case 4:
      case 5:
        PlaceOne();
        break;
      case 6:
        Close();
        break;
      case 7:
      case 8:
        Flush();
        break;
      case 9:
        SpeakOf(PickSite());
        break;
      case 10:
        Finish();
        break;
      default:
        if (dice_.OneIn(8)) Disturb();
        break;
    }
  }

  // Empty when every reported lag is at least the true one.
  std::string Flattery() const {
    for (uint32_t s = 0; s < kSites; ++s) {
      const LagBook::Lag lag = book_.Of(s, At(now_));
      if (!sites_[s].reached) {
        if (lag.replication_lag || lag.rpo_actual) return "a lag for a site never reached";
        continue;
      }
      if (lag.replication_lag && *lag.replication_lag < TrueLag(s))
        return Say("lag", s, *lag.replication_lag, TrueLag(s));
      if (lag.rpo_actual && *lag.rpo_actual < TrueRpo(s))
        return Say("rpo", s, *lag.rpo_actual, TrueRpo(s));
      if (lag.rpo_actual.has_value() != lag.replication_lag.has_value()) return "half an answer";
      if (lag.pending_records < last_closed_ - std::min(last_closed_, sites_[s].durable))
        return "pending records";
    }
    return "";
  }

  // Everybody is healthy and all is placed, closed and held: the lag is the heartbeat's age.
  void Settle() {
    for (Site& site : sites_) site.alive = true;
    while (!spans_.empty()) PlaceOne();
    while (!open_pushes_.empty()) Root(0);
    Close();
    Close();
    for (Site& site : sites_) site.durable = last_closed_;
    now_ += 7;
    for (uint32_t s = 0; s < kSites; ++s) Heartbeat(s, now_);
    now_ += 11;
  }
  const LagBook& book() const { return book_; }
  absl::Time now() const { return At(now_); }

 private:
  std::string Say(const char* what, uint32_t site, absl::Duration said,
                  absl::Duration truth) const {
    return std::string(what) + " of site " + std::to_string(site) + " at tick " +
           std::to_string(now_) + ": said " + absl::FormatDuration(said) + ", true " +
           absl::FormatDuration(truth);
  }
  uint32_t PickSite() {
    const uint32_t site = static_cast<uint32_t>(dice_.Below(kSites));
    if (site == 2 && witness_dies_ && now_ > 100) sites_[2].alive = false;
    return site;
  }

  // The truth. A site behind the base misses bytes of before: its lag is at least the session's
  // age.
  absl::Duration TrueLag(uint32_t site) const {
    int64_t oldest = now_;
    if (sites_[site].durable < kBase) oldest = 0;
    for (const Byte& byte : bytes_) {
      const bool held = byte.sequence != 0 && byte.sequence <= last_closed_ &&
                        byte.sequence <= sites_[site].durable;
      if (!byte.abandoned && !held) oldest = std::min(oldest, byte.taken_at);
    }
    return At(now_) - At(oldest);
  }
  absl::Duration TrueRpo(uint32_t site) const {
    absl::Duration truth = absl::ZeroDuration();
    for (const auto& [number, push] : pushes_) {
      const bool restorable =
          push.root != 0 && push.root <= std::min(last_closed_, sites_[site].durable);
      if (push.abandoned || restorable) continue;
      truth = std::max(truth, At(now_) - At(push.captured_at));
    }
    return truth;
  }

  void Open() {
    if (open_pushes_.size() >= 4) return;
    const uint64_t number = next_number_++;
    // A resumed push was captured earlier, even before the session.
    const int64_t captured_at = now_ - (dice_.OneIn(6) ? static_cast<int64_t>(dice_.Below(40)) : 0);
    pushes_[number] = {number, captured_at};
    open_pushes_.push_back(number);
    book_.OnPushOpened(number, At(captured_at));
  }
  void Take() {
    if (open_pushes_.empty() || spans_.size() >= 6) return;
    const uint64_t push = open_pushes_[dice_.Below(open_pushes_.size())];
    int64_t taken_at = now_;
    if (faults_.late_takes && dice_.OneIn(3)) taken_at -= static_cast<int64_t>(dice_.Below(10));
    Span span{next_number_++, {}};
    for (uint64_t i = 0; i <= dice_.Below(4); ++i) {
      span.bytes.push_back(bytes_.size());
      bytes_.push_back({taken_at, push});
    }
    book_.OnTaken(span.number, At(taken_at));
    spans_.push_back(span);
  }
  // Two records are open: one is being sealed, the next one fills. Spans overtake each other.
  uint64_t OpenRecord() { return last_closed_ + 1 + dice_.Below(2); }
  void PlaceOne() {
    if (spans_.empty()) return;
    const size_t pick = dice_.Below(spans_.size());
    Span& span = spans_[pick];
    uint64_t& sequence = bytes_[span.bytes[span.placed++]].sequence;
    sequence = OpenRecord();
    span.last_sequence = std::max(span.last_sequence, sequence);
    if (span.placed < span.bytes.size()) return;
    book_.OnPlaced(span.number, span.last_sequence);
    spans_.erase(spans_.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  void Close() { book_.OnRecordClosed(++last_closed_, At(now_)); }
  void Flush() {
    Site& site = sites_[PickSite()];
    if (site.alive && site.durable < last_closed_)
      site.durable += 1 + dice_.Below(last_closed_ - site.durable);
  }
  // What a site says travels: an ack may be older than its disk, a heartbeat's question than now.
  void SpeakOf(uint32_t s) {
    Site& site = sites_[s];
    if (!site.alive) return;
    if (dice_.OneIn(2)) {
      site.reached = true;
      const uint64_t told = site.durable - dice_.Below(std::min<uint64_t>(site.durable, 3) + 1);
      book_.OnAck(s, told, At(now_));
      return;
    }
    Heartbeat(s, now_ - static_cast<int64_t>(dice_.Below(6)));
  }
  void Heartbeat(uint32_t s, int64_t sent_at) {
    sites_[s].reached = true;
    book_.OnHeartbeat(s, At(sent_at), sites_[s].durable);
  }
  void Root(size_t pick) {
    Push& push = pushes_[open_pushes_[pick]];
    push.root = OpenRecord();
    book_.OnPushRooted(push.number, push.root);
    open_pushes_.erase(open_pushes_.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  // A push whose bytes are all placed is rooted; any may be abandoned.
  void Finish() {
    if (open_pushes_.empty()) return;
    const size_t pick = dice_.Below(open_pushes_.size());
    const uint64_t number = open_pushes_[pick];
    const auto of_push = [&](const Span& span) { return bytes_[span.bytes[0]].push == number; };
    if (std::none_of(spans_.begin(), spans_.end(), of_push) && !dice_.OneIn(4)) return Root(pick);
    if (!dice_.OneIn(3)) return;
    for (const Span& span : spans_) {
      if (!of_push(span)) continue;
      book_.OnDropped(span.number);
      for (size_t byte : span.bytes) bytes_[byte].abandoned = true;
    }
    spans_.erase(std::remove_if(spans_.begin(), spans_.end(), of_push), spans_.end());
    pushes_[number].abandoned = true;
    book_.OnPushAbandoned(number);
    open_pushes_.erase(open_pushes_.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  void Disturb() {
    const uint32_t s = PickSite();
    if (faults_.lost_tails && dice_.OneIn(2)) {
      // Nobody can know before the site says so; it says so as it comes back.
      sites_[s].durable -= dice_.Below(std::min<uint64_t>(sites_[s].durable, 12) + 1);
      sites_[s].alive = true;
      Heartbeat(s, now_);
    } else {
      sites_[s].alive = !sites_[s].alive;
    }
  }

  Dice dice_;
  Faults faults_;
  bool witness_dies_ = false;
  int64_t now_ = 0;
  LagBook book_{kSites, kBase, At(0)};
  uint64_t last_closed_ = kBase;
  uint64_t next_number_ = 1;
  Site sites_[kSites];
  std::vector<Byte> bytes_;
  std::vector<Span> spans_;  // not placed whole
  std::map<uint64_t, Push> pushes_;
  std::vector<uint64_t> open_pushes_;
};

void RunSeeds(uint64_t seeds, const Faults& faults) {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    World world(seed, faults);
    for (int step = 0; step < 250; ++step) {
      world.Step();
      const std::string flattery = world.Flattery();
      ASSERT_EQ(flattery, "") << "seed " << seed << " step " << step;
    }
    world.Settle();
    ASSERT_EQ(world.Flattery(), "") << "seed " << seed;
    for (uint32_t site = 0; site < kSites; ++site) {
      const LagBook::Lag lag = world.book().Of(site, world.now());
      ASSERT_EQ(lag.replication_lag, absl::Nanoseconds(11)) << "seed " << seed << " site " << site;
      ASSERT_EQ(lag.rpo_actual, absl::Nanoseconds(11)) << "seed " << seed << " site " << site;
      ASSERT_EQ(lag.pending_records, 0u);
    }
  }
}

TEST(TrueLag, IsNeverAboveTheReported) { RunSeeds(3000, Faults()); }
TEST(TrueLag, IsNeverAboveTheReportedWhenReadsAreToldLate) {
  Faults faults;
  faults.late_takes = true;
  RunSeeds(2000, faults);
}
TEST(TrueLag, IsNeverAboveTheReportedWhenSitesLoseTheirTails) {
  Faults faults;
  faults.lost_tails = true;
  RunSeeds(2000, faults);
}
TEST(TrueLag, IsNeverAboveTheReportedWithEverythingAtOnce) {
  RunSeeds(3000, Faults{true, true, true});
}

}  // namespace
}  // namespace tidemark
