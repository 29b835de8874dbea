// PushWorld: what there is afterwards.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "agent/source/lag_clock.h"
#include "tests/agent/source/push_world.h"

namespace tidemark {
namespace {

Task<> RestoreStory(Io* io, Agent* agent, RestoreCall request, std::string path, bool* done) {
  Op open = io->Open(path, kOpenWrite | kOpenRead | kOpenCreate | kOpenTruncate);
  request.output = co_await open;
  const Fd fd = request.output;
  TestCall call;
  absl::StatusOr<RestoreReport> report = co_await agent->Restore(std::move(request), &call);
  EXPECT_TRUE(report.ok()) << report.status();
  Op close = io->Close(fd);
  co_await close;
  *done = true;
}

Task<> VerifyStory(Io* io, Agent* agent, absl::StatusOr<VerifyReport>* report, bool* done) {
  (void)io;
  TestCall call;
  VerifyCall request;
  request.deep = true;
  *report = co_await agent->Verify(std::move(request), &call);
  *done = true;
}

Task<> FetchStory(Io*, SiteLink* link, VaultId vault, SiteAddress peer, SignedCheckpoint upto,
                  std::optional<absl::Status>* outcome) {
  absl::StatusOr<Position> reached = co_await link->Fetch(vault, std::move(peer), std::move(upto));
  *outcome = reached.status();
}

}  // namespace

std::string PushWorld::Restored(const std::string& name, uint64_t version,
                                const std::string& from) {
  RestoreCall request;
  request.name = name;
  request.version = version;
  request.from = from;
  const std::string path = absl::StrCat("/restored/", ++outputs_);
  bool done = false;
  stories_->Spawn(
      RestoreStory(world_.io(agent_node_), agent_.get(), std::move(request), path, &done));
  EXPECT_TRUE(world_.Run([&done] { return done; }, kPatience));
  return world_.disk(agent_node_)->ReadFile(path).value_or("");
}

VerifyReport PushWorld::VerifyDeep() {
  absl::StatusOr<VerifyReport> report = absl::UnknownError("not done");
  bool done = false;
  stories_->Spawn(VerifyStory(world_.io(agent_node_), agent_.get(), &report, &done));
  EXPECT_TRUE(world_.Run([&done] { return done; }, kPatience));
  EXPECT_TRUE(report.ok()) << report.status();
  return report.ok() ? *report : VerifyReport();
}

absl::Status PushWorld::FetchTo(int site, int from) {
  std::optional<absl::Status> outcome;
  LogWriter* log = vault()->log();
  SignedCheckpoint upto = log->MakeCheckpoint(log->fetch_target(static_cast<SiteIndex>(site)));
  SiteAddress peer = link(from)->options().address;
  stories_->Spawn(FetchStory(world_.io(agent_node_), link(site), vault_, std::move(peer),
                             std::move(upto), &outcome));
  world_.Run([&outcome] { return outcome.has_value(); }, kPatience);
  return outcome.value_or(absl::DeadlineExceededError("a fetch does not end"));
}

LagBook::Lag PushWorld::LagOf(int site) {
  const LogWriter* log = agent_->vaults().front()->log();
  return log->lag_or_null()->Of(static_cast<uint32_t>(site), LagNow(world_.io(agent_node_)));
}

absl::StatusOr<SignedCheckpoint> PushWorld::KeptCheckpoint() {
  const std::string content =
      world_.disk(agent_node_)->ReadFile("/state/checkpoint-default").value_or("");
  return ParseCheckpoint(agent_key_->public_key(), AsBytes(content));
}

std::vector<ListedVersion> PushWorld::Listed(const std::string& name) {
  absl::StatusOr<std::vector<ListedVersion>> listed = agent_->List("default", &name);
  return listed.ok() ? *listed : std::vector<ListedVersion>();
}

}  // namespace tidemark
