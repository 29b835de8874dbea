#include "agent/source/store_rates.h"

#include <algorithm>
#include <utility>

namespace tidemark {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(10);

double Rate(uint64_t before, uint64_t after, double seconds) {
  return after < before ? 0 : static_cast<double>(after - before) / seconds;
}

}  // namespace

void StoreRates::Note(absl::Duration now, const wire::HeartbeatReply& reply) {
  Counts counts;
  counts.at = now;
  const uint64_t reads = reply.io_count() - std::min(reply.io_count(), reply.write_io_count());
  counts.site = {reply.write_io_count(), reads, reply.commit_count(), reply.bytes_written(),
                 reply.bytes_read()};
  for (const wire::VaultState& state : reply.vaults()) {
    counts.vaults[state.vault()] = {state.write_io_count(), state.read_io_count(), 0,
                                    state.bytes_written(), state.bytes_read()};
  }
  if (!window_.empty() && counts.site.write_ios < window_.back().site.write_ios) window_.clear();
  window_.push_back(std::move(counts));
  while (window_.size() > 2 && now - window_.front().at > kWindow) window_.pop_front();
}

std::optional<StoreRates::Rates> StoreRates::Between(const Count& first, const Count& last) const {
  const double over = absl::ToDoubleSeconds(window_.back().at - window_.front().at);
  if (over <= 0) return std::nullopt;
  Rates rates;
  rates.write_ios = Rate(first.write_ios, last.write_ios, over);
  rates.read_ios = Rate(first.read_ios, last.read_ios, over);
  rates.commits = Rate(first.commits, last.commits, over);
  rates.bytes_written = Rate(first.bytes_written, last.bytes_written, over);
  rates.bytes_read = Rate(first.bytes_read, last.bytes_read, over);
  return rates;
}

std::optional<StoreRates::Rates> StoreRates::Site() const {
  if (window_.size() < 2) return std::nullopt;
  return Between(window_.front().site, window_.back().site);
}

std::optional<StoreRates::Rates> StoreRates::Of(const VaultId& vault) const {
  if (window_.size() < 2) return std::nullopt;
  const std::string id = ToWire(ByteSpan(vault.bytes));
  const auto first = window_.front().vaults.find(id);
  const auto last = window_.back().vaults.find(id);
  if (first == window_.front().vaults.end() || last == window_.back().vaults.end())
    return std::nullopt;
  return Between(first->second, last->second);
}

}  // namespace tidemark
