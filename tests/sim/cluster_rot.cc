// Cluster: bits that rot once everything is whole, and that verify --deep must put right.
#include "absl/strings/str_cat.h"
#include "tests/sim/cluster.h"

namespace tidemark {
namespace {

constexpr absl::Duration kHealLimit = absl::Minutes(10);
// A connection that a fault from before the heal breaks only now is made again.
constexpr int kTries = 5;

struct QuietCall : Call {
  void Note(const std::string&) override {}
  void Progress(uint64_t, uint64_t) override {}
};

struct Verified {
  QuietCall call;
  absl::StatusOr<VerifyReport> report = absl::UnknownError("not done");
  bool done = false;
};

Task<> VerifyDeep(Io* io, Agent* agent, Verified* verified) {
  VerifyCall call;
  call.deep = true;
  for (int tries = 0; tries < kTries; ++tries) {
    VerifyCall again = call;
    verified->report = co_await agent->Verify(std::move(again), &verified->call);
    bool all_there = verified->report.ok();
    for (size_t i = 0; all_there && i < verified->report->sites.size(); ++i) {
      all_there = verified->report->sites[i].state != "unreachable";
    }
    if (all_there) break;
    Op rest = io->Sleep(absl::Seconds(5));
    const int32_t rested = co_await rest;
    (void)rested;
  }
  verified->done = true;
}

}  // namespace

// At two sites, so that the third one has it all; not in the newest records, which the checkers
// look at while sites speak of them. The end of the play compares every byte.
void Cluster::RotAndHeal() {
  const uint64_t spared = random_.Below(kSites);
  uint64_t flips = 0;
  for (uint64_t i = 0; i < kSites; ++i) {
    if (i == spared) continue;
    SimDisk* disk = world_.disk(sites_[i].node);
    for (const std::string& path : disk->Files(kSimStorePath)) {
      if (path.find("/log-") == std::string::npos) continue;
      const uint64_t bytes = disk->ReadFile(path)->size();
      if (bytes == 0) continue;  // its making was cut short
      for (uint64_t n = random_.Below(4); n > 0; --n) {
        const uint64_t at = random_.Below(bytes / 2 + 1);
        disk->FlipByte(path, at, static_cast<uint8_t>(1 + random_.Below(255)));
        ++flips;
      }
    }
  }
  Say(absl::StrCat("rot: ", flips, " bytes"));
  for (AgentNode& agent : agents_) {
    if (agent.process == nullptr) continue;
    Verified verified;
    Task<> verifying = VerifyDeep(world_.io(agent.node), agent.process->agent(), &verified);
    verifying.Start();
    const bool done = RunUntil([&verified] { return verified.done; }, kHealLimit);
    if (!done) return findings_.Add(Invariant::kLiveness, "verify --deep does not end");
    if (!verified.report.ok())
      return findings_.Add(Invariant::kLiveness,
                           "verify --deep: " + verified.report.status().ToString());
    for (const VerifyReport::Site& site : verified.report->sites) {
      if (site.state == "right") continue;
      const std::string why = site.bad.empty() ? "" : site.bad.front();
      findings_.Add(Invariant::kDurability, absl::StrCat("verify --deep leaves site ", site.name,
                                                         " ", site.state, ": ", why));
    }
    for (const std::string& bad : verified.report->bad)
      findings_.Add(Invariant::kDurability, "verify --deep: lost " + bad);
  }
}

}  // namespace tidemark
