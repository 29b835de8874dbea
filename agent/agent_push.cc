// A push as its caller sees it: it waits for its vault, is watched, and says what it waits for.
#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/agent.h"
#include "agent/failure.h"
#include "agent/source/lag_clock.h"

namespace tidemark {
namespace {

PushReport ReportOf(const PushCall& call, const Vault& vault, const PushResult& result) {
  PushReport report;
  report.archive = call.name;
  report.vault = call.vault;
  report.ack_mode = vault.ack_mode();
  report.version = result.version;
  report.sequence = result.sequence;
  report.committed_at = result.committed_at;
  report.source_bytes = result.source_bytes;
  report.data_bytes = result.data_bytes;
  report.new_bytes = result.new_bytes;
  report.stored_bytes = result.stored_bytes;
  report.chunks = result.chunks;
  report.new_chunks = result.new_chunks;
  report.segments = result.segments;
  report.resumed_at_bytes = result.resumed_at_bytes;
  report.complete = result.complete;
  return report;
}

}  // namespace

Task<absl::StatusOr<PushReport>> Agent::Push(PushCall call, tidemark::Call* events) {
  absl::StatusOr<Vault*> vault = FindVault(call.vault);
  if (!vault.ok()) co_return vault.status();
  Watch watch;
  watch.vault = *vault;
  watch.events = events;
  watch.timeout = call.timeout;
  events->OnCancel([&watch] {
    watch.interrupt = absl::CancelledError("the push was interrupted");
    if (watch.push != nullptr) watch.push->Cancel(watch.interrupt);
    watch.vault->changed().WakeAll();
    watch.vault->log()->WakeWaiters();
  });
  Task<> watching = WatchCall(&watch);
  watching.Start();
  ++pushes_running_;
  watch.opened = LagNow(io_);
  watch.vault->log()->PushWaits(watch.opened);
  absl::StatusOr<PushReport> report = co_await PushWhenOpen(&call, &watch);
  watch.vault->log()->PushIsKnown(watch.opened);
  --pushes_running_;
  events->OnCancel(nullptr);
  co_await EndWatch(&watch, &watching);
  co_return report;
}

Task<absl::StatusOr<PushReport>> Agent::PushWhenOpen(const PushCall* call, Watch* watch) {
  Vault* vault = watch->vault;
  const absl::Time captured_at = io_->Now(), lags_from = watch->opened;
  while (vault->phase() != Vault::Phase::kOpen && vault->phase() != Vault::Phase::kFailed &&
         watch->interrupt.ok() && !stopping_) {
    co_await vault->changed().Wait();
  }
  if (!watch->interrupt.ok()) co_return watch->interrupt;
  if (stopping_) co_return absl::AbortedError("the agent stops; try again");
  if (vault->phase() == Vault::Phase::kFailed) co_return vault->trouble();
  if (!call->idempotency_key.empty()) {
    const Digest key =
        KeyedHash(vault->keys().secrets.k_dir.view(), AsBytes(call->idempotency_key));
    const CatalogVersion* before = vault->catalog()->FindIdempotent(call->name, key);
    if (before != nullptr && !before->committed) {  // pushed, and its caller gave up waiting
      const uint64_t sequence = before->sequence;
      absl::Status committed = co_await vault->log()->WaitCommitted(sequence, &watch->interrupt);
      if (!committed.ok()) co_return committed;
      before = vault->catalog()->FindIdempotent(call->name, key);
    }
    if (before != nullptr && before->committed) {
      PushResult found;
      found.version = before->envelope.version;
      found.sequence = before->sequence;
      found.committed_at = before->committed_at;
      found.complete = before->envelope.complete;
      found.source_bytes = before->envelope.source_bytes;
      co_return ReportOf(*call, *vault, found);
    }
  }
  absl::Status may = vault->MayPush();
  if (!may.ok()) co_return WithHint(may, "try again once the site has caught up: tidemark status");
  PushRequest request;
  request.name = call->name;
  request.source = call->source;
  request.is_stream = call->is_stream;
  request.captured_at = captured_at;
  request.lags_from = lags_from;
  request.idempotency_key = call->idempotency_key;
  request.compress = call->compress;
  request.resume = call->resume;
  request.note = [watch](const std::string& line) { watch->events->Note(line); };
  for (const VaultSetup& setup : options_.vaults) {
    if (setup.options.name == call->vault && !setup.compress) request.compress = false;
  }
  class Push push(io_, vault, std::move(request));
  watch->push = &push;
  absl::StatusOr<PushResult> result = co_await push.Run();
  watch->push = nullptr;
  if (!result.ok()) {
    if (stopping_)
      co_return absl::AbortedError("the agent stops; try again: the version may still appear");
    co_return result.status();
  }
  if (call->wait_all) {
    absl::Status everywhere = co_await WaitForAll(vault, result->sequence, watch);
    if (!everywhere.ok()) co_return everywhere;
  }
  co_return ReportOf(*call, *vault, *result);
}

Task<absl::Status> Agent::WaitForAll(Vault* vault, uint64_t sequence, Watch* watch) {
  watch->for_all = true;
  while (watch->interrupt.ok() && !stopping_ && vault->log()->open()) {
    bool everywhere = true;
    for (const std::unique_ptr<SiteLink>& link : links_) {
      everywhere =
          everywhere && vault->log()->window().durable(link->options().index).sequence >= sequence;
    }
    if (everywhere) co_return absl::OkStatus();
    Op sleep = io_->Sleep(absl::Milliseconds(20));
    const int32_t slept = co_await sleep;
    (void)slept;
  }
  if (!watch->interrupt.ok()) co_return watch->interrupt;
  co_return absl::AbortedError("committed, but not every site has it yet");
}

// Tells the caller what is waited for, one line a change, and gives up when nothing moved for long.
Task<> Agent::WatchCall(Watch* watch) {
  std::string reason;
  uint64_t moved = 0, moved_when_told = 0;
  absl::Duration moved_at = io_->Monotonic(), reason_since = moved_at;
  while (!watch->done) {
    Op sleep = io_->Sleep(options_.watch_interval);
    watch->sleep = &sleep;
    const int32_t slept = co_await sleep;
    watch->sleep = nullptr;
    (void)slept;
    if (watch->done) co_return;
    const absl::Duration now = io_->Monotonic();
    uint64_t position = watch->vault->log()->committed_sequence();
    if (watch->push != nullptr) {
      position += watch->push->read_bytes();
      watch->events->Progress(watch->push->read_bytes(), watch->push->expected_bytes());
    }
    const std::string now_waiting_for = WaitReason(*watch->vault, watch->for_all);
    if (position != moved) {
      moved = position;
      moved_at = now;
    }
    // A site that comes and is refused again and again is no news until something has moved.
    const bool is_news = !now_waiting_for.empty() || moved != moved_when_told;
    if (now_waiting_for != reason && is_news) {
      moved_when_told = moved;
      reason_since = now;
      reason = now_waiting_for;
      const int64_t seconds = absl::ToInt64Seconds(now - std::min(moved_at, reason_since));
      watch->events->Note(reason.empty()
                              ? "going on"
                              : absl::StrFormat("waiting for %s (since %d s)", reason, seconds));
    }
    if (now - moved_at < watch->timeout || !watch->interrupt.ok()) continue;
    watch->interrupt = WithHint(absl::DeadlineExceededError(absl::StrFormat(
                                    "no progress for %s%s%s", absl::FormatDuration(watch->timeout),
                                    reason.empty() ? "" : ": waiting for ", reason)),
                                "nothing is lost; the version may still appear; push again with "
                                "the same --idempotency-key to find out");
    if (watch->push != nullptr) watch->push->Cancel(watch->interrupt);
    watch->vault->changed().WakeAll();
    watch->vault->log()->WakeWaiters();
  }
}

Task<> Agent::EndWatch(Watch* watch, Task<>* watching) {
  watch->done = true;
  if (watch->sleep != nullptr) io_->Cancel(watch->sleep);
  while (!watching->done()) {
    Op turn = io_->Sleep(absl::ZeroDuration());
    const int32_t slept = co_await turn;
    (void)slept;
  }
}

// What a push waits for right now; empty when nothing stands in its way.
std::string Agent::WaitReason(const Vault& vault, bool for_all) const {
  std::string reason;
  for (const std::unique_ptr<SiteLink>& link : links_) {
    if (!link->options().is_primary && !for_all) continue;
    const LinkState state = link->StateFor(vault.options().id);
    if (state == LinkState::kStreaming) continue;
    // It is there and waits itself: for another site, or for the take-over.
    if (state == LinkState::kConnecting && link->up()) continue;
    if (!reason.empty()) reason += ", ";
    reason += (link->options().is_primary ? "primary " : "witness ") + link->name() + ": " +
              (link->last_error().empty() ? std::string(LinkStateName(state)) : link->last_error());
  }
  if (reason.empty() && vault.phase() != Vault::Phase::kOpen &&
      vault.phase() != Vault::Phase::kFailed) {
    reason = "vault " + vault.options().name + ": taking over";
    if (!vault.trouble().ok()) reason += ": " + std::string(vault.trouble().message());
  }
  return reason;
}

}  // namespace tidemark
