// Cluster: bits that rot once everything is whole, and that verify --deep must put right.
#include "absl/strings/str_cat.h"
#include "tests/sim/cluster.h"

namespace tidemark {
namespace {

constexpr absl::Duration kHealLimit = absl::Hours(1);

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
      FileStat stat;
      if (disk->Stat(path, &stat) < 0 || stat.size == 0) continue;  // its making was cut short
      for (uint64_t n = random_.Below(4); n > 0; --n) {
        const uint64_t at = random_.Below(stat.size / 2 + 1);
        disk->FlipByte(path, at, static_cast<uint8_t>(1 + random_.Below(255)));
        ++flips;
      }
    }
  }
  Say(absl::StrCat("rot: ", flips, " bytes"));
  for (AgentNode& agent : agents_) {
    if (agent.process == nullptr) continue;
    // One that is fenced meanwhile is started again by its operator, who asks again.
    const bool done = RunUntil(
        [&agent] {
          if (!agent.process->verifying()) agent.process->StartVerify();
          return agent.process->verified().has_value();
        },
        kHealLimit);
    if (!done) return findings_.Add(Invariant::kLiveness, "verify --deep does not end");
    const absl::StatusOr<VerifyReport>& report = *agent.process->verified();
    if (!report.ok())
      return findings_.Add(Invariant::kLiveness, "verify --deep: " + report.status().ToString());
    for (const VerifyReport::Site& site : report->sites) {
      if (site.state == "right") continue;
      const std::string why = site.bad.empty() ? "" : site.bad.front();
      findings_.Add(Invariant::kDurability, absl::StrCat("verify --deep leaves site ", site.name,
                                                         " ", site.state, ": ", why));
    }
    for (const std::string& bad : report->bad)
      findings_.Add(Invariant::kDurability, "verify --deep: lost " + bad);
  }
}

}  // namespace tidemark
