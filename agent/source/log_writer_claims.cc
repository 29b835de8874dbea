// LogWriter: what it says of sites and of itself: pending bytes, lag, signed checkpoints.
#include <algorithm>

#include "agent/source/lag_clock.h"
#include "agent/source/log_writer.h"

namespace tidemark {

// Of this session's records, those up to `sequence`.
uint64_t LogWriter::AppendedUpto(uint64_t sequence) const {
  auto after = std::upper_bound(bytes_upto_.begin(), bytes_upto_.end(),
                                std::pair<uint64_t, uint64_t>(sequence, UINT64_MAX));
  return after == bytes_upto_.begin() ? 0 : std::prev(after)->second;
}

uint64_t LogWriter::PendingBytes(SiteIndex site) const {
  if (!window_.has_value()) return 0;
  return appended_bytes_ - AppendedUpto(window_->durable(site).sequence);
}

absl::Duration LogWriter::Behind() const {
  absl::Duration behind;
  for (SiteIndex site = 0; lag_ && site < options_.window.sites; ++site)
    behind = std::max(behind, lag_->Of(site, LagNow(io_)).replication_lag.value_or(behind));
  return behind;
}

SignedCheckpoint LogWriter::MakeCheckpoint(const Position& upto) {
  Checkpoint checkpoint;
  checkpoint.vault = options_.vault;
  checkpoint.upto = upto;
  const absl::Time now = io_->Now(), lag_now = LagNow(io_);
  // The lag book's clock never jumps; what is signed is the wall's.
  const auto wall = [now, lag_now](absl::Time at) {
    return at == absl::InfinitePast() ? 0 : absl::ToUnixNanos(now - (lag_now - at));
  };
  LagBook::Claims claims;
  if (lag_) claims = lag_->ClaimsFor(upto.sequence, lag_now);
  if (!waiting_.empty()) claims.restorable = std::min(claims.restorable, *waiting_.begin());
  checkpoint.captured_at_nanos = wall(claims.taken);
  checkpoint.restorable_at_nanos = wall(claims.restorable);
  checkpoint.made_at_nanos = absl::ToUnixNanos(now);
  checkpoint.bytes_upto = logged_before_ + AppendedUpto(upto.sequence);
  if (receipts_) checkpoint.receipts = receipts_();
  SignedCheckpoint made = SignCheckpoint(*agent_, std::move(checkpoint));
  if (on_checkpoint_) on_checkpoint_(made);
  return made;
}

const SignedCheckpoint* LogWriter::CurrentCheckpoint() {
  const Position committed = committed_position();
  if (committed.sequence == 0) return nullptr;
  const bool has_grown = !checkpoint_ || checkpoint_->checkpoint.upto != committed;
  const absl::Duration age = io_->Monotonic() - checkpointed_at_;
  const bool is_due =
      age >= (has_grown ? options_.checkpoint_interval : options_.idle_checkpoint_interval);
  if (!checkpoint_ || is_due) {
    checkpoint_ = MakeCheckpoint(committed);
    checkpointed_at_ = io_->Monotonic();
  }
  return &*checkpoint_;
}

}  // namespace tidemark
