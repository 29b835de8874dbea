#include "tests/sim/isolation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/sim/cluster.h"

namespace tidemark {
namespace {

constexpr const char* kNames[kWitnesses] = {"alive", "down", "cut off"};
constexpr absl::Duration kOpens = absl::Minutes(1), kLoadLimit = absl::Minutes(30);
constexpr uint64_t kReadUs = 100, kWriteUs = 100, kSyncUs = 2000, kNetUs = 200, kComputeUs = 50;

}  // namespace

ClusterOptions Isolation::Options(uint64_t seed) {
  ClusterOptions options = ClusterOptions::Draw(seed);
  for (const ClusterOptions::Field& field : options.Fields()) {
    if (field.calm != ClusterOptions::kNoCalm) field.set(field.calm);
  }
  FaultOptions& world = options.faults;
  world.short_transfer_ppm = world.split_recv_ppm = 0;
  world.read_us_min = world.read_us_max = kReadUs;
  world.write_us_min = world.write_us_max = kWriteUs;
  world.sync_us_min = world.sync_us_max = kSyncUs;
  world.net_us_min = world.net_us_max = kNetUs;
  world.compute_us_min = world.compute_us_max = kComputeUs;
  options.quorum = 0;            // where the witness may commit, it is one of two
  options.restorers = 0;         // they read from any site
  options.may_wait_for_all = 0;  // those that ask for it do wait
  return options;
}

std::string Isolation::Add(const ClusterOptions& options) {
  std::array<AckTimes, kWitnesses> times;
  for (size_t i = 0; i < kWitnesses; ++i) {
    times[i] = Cluster(options).PlayIsolated(static_cast<Witness>(i));
    if (!times[i].finding.empty())
      return absl::StrCat("with the witness ", kNames[i], ": ", times[i].finding);
  }
  for (size_t i = 0; i < kWitnesses; ++i) {
    sums_[i].p50_seconds += times[i].p50_seconds;
    sums_[i].p99_seconds += times[i].p99_seconds;
  }
  ++seeds_;
  return "";
}

double Isolation::Longer(Witness witness) const {
  const AckTimes& usual = sums_[0];
  const AckTimes& now = sums_[static_cast<size_t>(witness)];
  if (seeds_ == 0) return 0;
  return std::max(now.p50_seconds / usual.p50_seconds, now.p99_seconds / usual.p99_seconds) - 1;
}

bool Isolation::holds() const {
  return seeds_ > 0 && Longer(Witness::kDown) <= kIsolationTolerance &&
         Longer(Witness::kCutOff) <= kIsolationTolerance;
}

std::string Isolation::Text() const {
  std::string text = absl::StrFormat("%d seeds\n", seeds_);
  for (size_t i = 0; i < kWitnesses; ++i) {
    absl::StrAppendFormat(
        &text, "witness %-7s  acks of the primaries p50 %.0f us, p99 %.0f us, %+.2f %% at most\n",
        kNames[i], sums_[i].p50_seconds * 1e6 / std::max<uint64_t>(1, seeds_),
        sums_[i].p99_seconds * 1e6 / std::max<uint64_t>(1, seeds_),
        100 * Longer(static_cast<Witness>(i)));
  }
  return text;
}

AckTimes Cluster::PlayIsolated(Witness witness) {
  constexpr int kWitness = kSites - 1;
  chaos_ = false;
  for (int i = 0; i < kSites; ++i) StartSite(i);  // a new vault is made with all of them
  StartAgent(0);
  AgentProcess* process = agents_[0].process.get();
  const bool opened =
      RunUntil([process] { return process->vault()->phase() == Vault::Phase::kOpen; }, kOpens);
  if (opened && witness == Witness::kDown) DropSite(kWitness, false);
  if (opened && witness == Witness::kCutOff) {
    for (const int node : {agents_[0].node, sites_[0].node, sites_[1].node})
      world_.Block(node, sites_[kWitness].node);
  }
  const bool done = RunUntil([this] { return workload_->all_ok(); }, kLoadLimit);
  AckTimes times;
  times.finding = findings_.first();
  if (times.finding.empty() && !done) times.finding = "the load is not done: " + WhyNotConverged();
  for (size_t i = 0; i < kWitness; ++i) {
    const SiteLink::View view = process->agent()->links()[i]->view(vault_);
    times.p50_seconds += view.ack_p50_seconds.value_or(0) / kWitness;
    times.p99_seconds += view.ack_p99_seconds.value_or(0) / kWitness;
  }
  return times;
}

}  // namespace tidemark
