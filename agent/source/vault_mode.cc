// Vault: which sites a commit waits for (law 5), and whom reads may believe.
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/source/vault.h"
#include "crypto/rare_path.h"

namespace tidemark {

bool Vault::LacksAPrimary(const TakeOverPlan& plan) const {
  size_t primaries = 0;
  for (const SiteLink* link : parts_.links) {
    for (const SitePromise& given : plan.promises) {
      if (link->options().is_primary && given.site == link->name()) ++primaries;
    }
  }
  return primaries < options_.window.primaries;
}

bool Vault::IsLate(const SiteLink& link) const {
  if (!link.options().is_primary) return false;
  return mode_rule_.has_value() ? mode_rule_->late(link.options().index) : !link.up();
}

std::string Vault::WhyMode(AckMode mode) const {
  std::string late;
  for (const SiteLink* link : parts_.links) {
    if (IsLate(*link)) late += (late.empty() ? "" : " and ") + link->name();
  }
  if (mode == AckMode::kStrict) return "both primaries hold what is committed";
  return absl::StrFormat("primary %s is late: two of three sites commit", late);
}

// The turn is the caller's. The epoch rests on one primary and the witness.
Task<absl::Status> Vault::BeginInQuorum() {
  log_.RequestMode({AckMode::kQuorum, absl::ToUnixNanos(io_->Now()), WhyMode(AckMode::kQuorum)});
  RARE_PATH("epoch-begun-in-quorum");
  absl::Status appended = co_await pack_->AppendMode();
  co_return appended;
}

Task<> Vault::ModeLoop() {
  mode_rule_.emplace(options_.window.primaries, options_.quorum_after, io_->Monotonic());
  while (!stopping_ && log_.open()) {
    ModeRule::View view;
    view.mode = log_.mode();
    view.tail = log_.window().tail().sequence;
    view.committed = log_.committed_sequence();
    for (const SiteLink* link : parts_.links) {
      const SiteIndex site = link->options().index;
      const bool live =
          log_.window().is_up(site) && log_.window().feed(site) == LogWindow::Feed::kLive;
      if (link->options().is_primary) {
        view.primaries.push_back({live, log_.window().durable(site).sequence});
      } else {
        view.witness_live = log_.window().is_up(site);
      }
    }
    const std::optional<AckMode> wanted = mode_rule_->Look(io_->Monotonic(), view);
    if (wanted.has_value()) co_await ChangeMode(*wanted);
    if (stopping_) co_return;
    Op sleep = io_->Sleep(options_.retry);
    mode_pause_ = &sleep;
    const int32_t slept = co_await sleep;
    mode_pause_ = nullptr;
    (void)slept;
  }
}

// Who holds the turn and waits for room appends the record meanwhile.
Task<> Vault::ChangeMode(AckMode mode) {
  log_.RequestMode({mode, absl::ToUnixNanos(io_->Now()), WhyMode(mode)});
  if (mode == AckMode::kQuorum) {
    RARE_PATH("quorum-begun");
  } else {
    RARE_PATH("quorum-ended");
  }
  co_await pack_->TakeTurn(nullptr);
  if (log_.mode_requested() && log_.open()) {
    absl::Status appended = co_await pack_->AppendMode();
    if (!appended.ok()) log_.Fail(appended);
  }
  pack_->GiveTurn();
}

// A site that was absent when an epoch began may hold another record under the same sequence.
bool Vault::HoldsOurLog(const RecordSource* source) const {
  if (!options_.window.may_use_quorum) return true;
  for (size_t i = 0; i < parts_.sources.size(); ++i) {
    if (parts_.sources[i] != source) continue;
    if (log_.open()) {
      return log_.window().durable(static_cast<SiteIndex>(i)).sequence > 0;
    }
    if (phase_ == Phase::kTakingOver) return holders_.count(parts_.links[i]->name()) > 0;
  }
  return true;
}

}  // namespace tidemark
