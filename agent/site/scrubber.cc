#include "agent/site/scrubber.h"

#include <algorithm>
#include <utility>

#include "agent/site/site.h"

namespace tidemark {
namespace {

constexpr FormatMark kScrubMark = {"TMSCRUBS", "scrub state"};
constexpr absl::Duration kKeepInterval = absl::Minutes(5);
// A store with nothing in it is looked at this often.
constexpr absl::Duration kEmptyRest = absl::Seconds(10);
// A pause is cut into such pieces: the pace follows what was found meanwhile.
constexpr uint64_t kRestSeconds = 5;

}  // namespace

Scrubber::Scrubber(Site* site)
    : site_(site),
      io_(site->io()),
      file_(io_, site->options().store_path + "/scrub", kScrubMark),
      pause_(io_) {}

Task<> Scrubber::Load() {
  absl::StatusOr<std::string> content = co_await file_.Load();
  if (content.ok()) Decode(*content);
  if (at_.began_nanos == 0) at_.began_nanos = absl::ToUnixNanos(io_->Now());
}

Task<> Scrubber::Run() {
  kept_ = io_->Monotonic();
  while (!pause_.was_cut()) {
    co_await CheckNext();
    const bool is_due = io_->Monotonic() - kept_ >= kKeepInterval;
    if (is_due) co_await Keep();
  }
  if (check_ != nullptr) co_await check_->Close();
  co_await Keep();
}

// The vault of the next record; at_ names it then. Null: the pass is over.
SiteVault* Scrubber::FindNext() {
  for (SiteVault* vault : site_->Vaults()) {
    if (vault->id() < at_.vault) continue;
    if (at_.vault < vault->id()) {
      at_.vault = vault->id();
      at_.sequence = 1;
    }
    at_.sequence = std::max<uint64_t>(at_.sequence, 1);
    if (at_.sequence <= vault->durable().sequence) return vault;
  }
  return nullptr;
}

Task<> Scrubber::CheckNext() {
  SiteVault* vault = FindNext();
  if (vault == nullptr) {
    co_await EndPass();
    co_return;
  }
  if (check_vault_ != vault) {
    if (check_ != nullptr) co_await check_->Close();
    check_ = std::make_unique<RecordCheck>(vault);
    check_vault_ = vault;
  }
  std::vector<Healer::Mended> mended;
  co_await site_->healer()->Mend(check_.get(), at_.sequence, &mended);
  if (pause_.was_cut()) co_return;  // perhaps cut short: it is read again
  ++at_.sequence;
  at_.bytes += check_->bytes();
  if (!mended.empty()) hurry_until_ = io_->Monotonic() + kScrubHurryFor;
  const uint64_t bytes = check_->bytes();
  co_await Rest(bytes);
}

Task<> Scrubber::EndPass() {
  co_await MendSmallFiles();
  if (at_.bytes > 0) {
    ++passes_;
    last_full_pass_nanos_ = absl::ToUnixNanos(io_->Now());
  }
  const bool was_empty = at_.bytes == 0;
  at_ = Place();
  at_.began_nanos = absl::ToUnixNanos(io_->Now());
  co_await Keep();
  const absl::Duration rest = was_empty ? kEmptyRest : site_->options().scrub_rest;
  const bool rested = co_await pause_.For(rest);
  (void)rested;
}

// What is not in a log: kept twice, and in memory.
Task<> Scrubber::MendSmallFiles() {
  uint64_t mended = co_await site_->MendSmallFiles();
  if (mended > 0) hurry_until_ = io_->Monotonic() + kScrubHurryFor;
  site_->healer()->NoteMended(mended);
}

uint64_t Scrubber::StoreBytes() const {
  uint64_t bytes = 0;
  for (const SiteVault* vault : site_->Vaults()) bytes += vault->log()->bytes();
  return bytes;
}

// A pass takes half the period: one that is disturbed still ends in time.
uint64_t Scrubber::BytesPerSecond() const {
  const SiteOptions& options = site_->options();
  const uint64_t seconds = std::max<uint64_t>(1, options.scrub_period_seconds / 2);
  uint64_t rate = std::max(StoreBytes() / seconds, options.scrub_bytes_per_second_min);
  if (io_->Monotonic() < hurry_until_) rate *= kScrubHurry;
  return std::clamp<uint64_t>(rate, 1, std::max<uint64_t>(1, options.scrub_bytes_per_second_max));
}

Task<> Scrubber::Rest(uint64_t bytes) {
  while (bytes > 0) {
    const uint64_t rate = BytesPerSecond();
    const uint64_t piece = std::min(bytes, rate * kRestSeconds);
    const bool passed = co_await pause_.For(absl::Seconds(piece) / static_cast<int64_t>(rate));
    if (!passed) break;
    bytes -= piece;
  }
}

Task<> Scrubber::Keep() {
  kept_ = io_->Monotonic();
  std::string content = Encode();
  absl::Status stored = co_await file_.Store(std::move(content));
  (void)stored;  // costs at most a part of a pass
}

std::string Scrubber::Encode() const {
  LayoutWriter out;
  out.Bytes(at_.vault.bytes).U64(at_.sequence).U64(at_.bytes).I64(at_.began_nanos);
  out.U64(passes_).I64(last_full_pass_nanos_);
  out.U64(site_->healer()->found()).U64(site_->healer()->healed());
  return std::string(AsText(out.view()));
}

void Scrubber::Decode(const std::string& content) {
  LayoutReader in(AsBytes(content));
  Place at;
  at.vault = in.Object<VaultId>();
  at.sequence = in.U64();
  at.bytes = in.U64();
  at.began_nanos = in.I64();
  const uint64_t passes = in.U64();
  const int64_t last_full_pass_nanos = in.I64();
  const uint64_t found = in.U64();
  const uint64_t healed = in.U64();
  if (!in.ok() || !in.at_end()) return;
  at_ = at;
  passes_ = passes;
  last_full_pass_nanos_ = last_full_pass_nanos;
  site_->healer()->SetCounts(found, healed);
}

wire::ScrubState Scrubber::State() const {
  wire::ScrubState state;
  state.set_covered_bytes(at_.bytes);
  state.set_store_bytes(StoreBytes());
  state.set_began_nanos(at_.began_nanos);
  state.set_last_full_pass_nanos(last_full_pass_nanos_);
  state.set_passes(passes_);
  state.set_bytes_per_second(BytesPerSecond());
  state.set_found(site_->healer()->found());
  state.set_healed(site_->healer()->healed());
  state.set_bad(site_->healer()->bad().size());
  state.set_period_seconds(site_->options().scrub_period_seconds);
  if (!site_->healer()->bad().empty()) {
    const auto& [damage, why] = *site_->healer()->bad().begin();
    const std::string text = damage.Describe() + ": " + std::string(why.message());
    state.set_worst(MakeFailure(wire::Failure::DAMAGED, text).message());
  }
  return state;
}

}  // namespace tidemark
