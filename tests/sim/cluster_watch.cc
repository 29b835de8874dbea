// Cluster: what the checkers are told, and a site that lies.
#include <ostream>

#include "absl/strings/str_cat.h"
#include "agent/source/lag_clock.h"
#include "tests/sim/cluster.h"

namespace tidemark {
namespace {

// Looking is dear.
constexpr uint64_t kEventsBetweenLooks = 100;
// Budgets of one process, far above what it needs and far below what a leak makes.
constexpr uint64_t kModeRecordsMax = 4, kModeRecordBytes = 8192;
// Agents that are killed every half millisecond leave sessions that end by their own limits.
constexpr size_t kOperationsMax = 400, kDescriptorsMax = 400;

std::string WithFlippedDigest(std::string digest) {
  if (!digest.empty()) digest[0] = static_cast<char>(digest[0] ^ 1);
  return digest;
}

}  // namespace

void Cluster::Look() {
  next_look_ = world_.events() + kEventsBetweenLooks;
  uint64_t held[kSites] = {};
  bool looked = false;
  for (int i = 0; i < kAgents; ++i) {
    AgentProcess* process = agents_[i].process.get();
    if (process == nullptr) continue;
    CheckBounds(world_.name(agents_[i].node), *process->io());
    LogWriter* log = process->vault()->log();
    if (!log->open()) continue;
    CheckWindow(process->vault());
    const LagBook* book = log->lag_or_null();
    if (book == nullptr || process->vault()->phase() != Vault::Phase::kOpen) continue;
    for (uint32_t site = 0; site < kSites; ++site) {
      // With quorum mode each agent's log may be another one.
      if (!looked || options_.quorum != 0) held[site] = HeldOf(log->window(), site);
      lag_.Look(static_cast<uint32_t>(i), site, world_.time(),
                book->Of(site, LagNow(process->io())), held[site], world_.time() > calm_since_);
      LookAtProof(i, site, held[site]);
    }
    looked = true;
  }
  for (const SiteNode& site : sites_) {
    if (site.process != nullptr) CheckBounds(site.name, *site.process->io());
  }
}

// What the receipts prove is no less than the truth either, as long as the clock is right in which
// they are told: captures are the agent's word.
void Cluster::LookAtProof(int agent, uint32_t site, uint64_t held) {
  if (options_.weight(Act::kJumpClock) > 0) return;
  AgentProcess* process = agents_[agent].process.get();
  const Ledger::Proven proven = process->agent()->proof()->ProvenOf(0, site);
  const absl::Time now = process->io()->Now();
  LagBook::Lag proved;
  if (proven.taken.has_value()) proved.replication_lag = now - absl::FromUnixNanos(*proven.taken);
  if (proven.restorable.has_value())
    proved.rpo_actual = now - absl::FromUnixNanos(*proven.restorable);
  lag_.Look(static_cast<uint32_t>(agent), site, world_.time(), proved, held, false);
}

// What a site holds of this log; where quorum mode is possible, its tail may be another one's.
uint64_t Cluster::HeldOf(const LogWindow& window, uint32_t site) {
  uint64_t held = ledger_->Held(site);
  while (options_.quorum != 0 && held > 0) {
    const std::optional<Position> ours = window.PositionOf(held);
    const bool unknown = !ours.has_value() && held <= window.tail().sequence;
    if (unknown || (ours.has_value() && ours->digest == ledger_->HeldAt(site, held))) break;
    --held;
  }
  return held;
}

// A record larger than the window may go alone; a few that change the mode go beside all others.
void Cluster::CheckWindow(Vault* vault) {
  const LogWindow& window = vault->log()->window();
  const uint64_t bytes = window.uncommitted_bytes();
  const uint64_t modes = options_.quorum != 0 ? kModeRecordsMax : 0;
  const bool alone = window.tail().sequence <= window.committed_sequence() + 1 + modes;
  const uint64_t limit = options_.window_bytes + modes * kModeRecordBytes;
  if (vault->phase() != Vault::Phase::kOpen || alone || bytes <= limit) return;
  findings_.Add(Invariant::kBounded, absl::StrCat(bytes, " bytes are not committed, the window is ",
                                                  options_.window_bytes));
}

void Cluster::CheckBounds(const std::string& name, const SimIo& io) {
  if (io.outstanding() <= kOperationsMax && io.open_descriptors() <= kDescriptorsMax) return;
  findings_.Add(Invariant::kBounded,
                absl::StrCat(name, " has ", io.outstanding(), " operations under way and ",
                             io.open_descriptors(), " descriptors open"));
}

void Cluster::CheckNothingLeft(const std::string& name, const SimIo& io) {
  if (io.outstanding() == 0 && io.open_descriptors() == 0) return;
  findings_.Add(Invariant::kNoLeak,
                absl::StrCat(name, " ends with ", io.outstanding(), " operations under way and ",
                             io.open_descriptors(), " descriptors open"));
}

// Lies that an agent can tell must end the session; only they are told. What is older than its
// window it cannot compare: a receipt about that would be believed, and convict the site later.
bool Cluster::Knows(const AgentNode& agent, uint64_t sequence) {
  const LogWriter* log = agent.process->vault()->log();
  if (!log->open()) return false;
  const std::optional<Position> ours = log->window().PositionOf(sequence);
  // Of an older epoch any two sites may have committed what this one never saw.
  return ours.has_value() && !log->window().IsOldTail(*ours);
}

bool Cluster::AgentsKnow(uint64_t sequence) const {
  bool know = true;
  for (const AgentNode& agent : agents_) {
    know = know && (agent.process == nullptr || Knows(agent, sequence));
  }
  return know;
}

// What was within the window when it was told can be behind it when it is heard: the site is then
// convicted by its own signature, for ever.
void Cluster::LookForBelievedLie(const AgentNode& agent, const std::string& receipt) {
  if (told_lies_.count(receipt) == 0) return;
  Say("a lie is heard");
  const absl::StatusOr<SignedReceipt> lie = ParseReceiptUnchecked(AsBytes(receipt));
  for (const VaultHead& head : lie->receipt.heads) {
    if (Knows(agent, head.durable.sequence)) return;
  }
  Say("a lie is believed");
  lie_believed_ = true;
}

bool Cluster::Lies(int site, wire::Control* message, std::vector<wire::Control>* more) {
  if (message->has_ack()) {
    wire::Position* durable = message->mutable_ack()->mutable_durable();
    if (!AgentsKnow(durable->sequence())) return false;
    if (lies_.Coin()) durable->set_sequence(durable->sequence() + lies_.Between(1, 3));
    durable->set_digest(WithFlippedDigest(durable->digest()));
    return true;
  }
  if (!message->has_receipt()) return false;
  const SigningKey& key = *sites_[site].key;
  const std::string& bytes = message->receipt().receipt();
  absl::StatusOr<SignedReceipt> told = ParseReceipt(key.public_key(), AsBytes(bytes));
  if (!told.ok() || told->receipt.heads.empty()) return false;
  Receipt other = told->receipt;
  for (VaultHead& head : other.heads) {
    if (!AgentsKnow(head.durable.sequence)) return false;
    head.durable.digest.bytes[0] ^= std::byte{1};
  }
  const std::string signed_again = ToWire(SignReceipt(key, std::move(other)).Encode());
  told_lies_.insert(signed_again);
  if (lies_.Coin()) {
    message->mutable_receipt()->set_receipt(signed_again);
    return true;
  }
  // Two histories under one number.
  more->emplace_back().mutable_receipt()->set_receipt(signed_again);
  return true;
}

bool Cluster::OnSaid(int party, uint64_t connection, wire::Control* message,
                     std::vector<wire::Control>* more) {
  if (text_ != nullptr)
    Say(absl::StrCat(world_.name(party), " says ", message->ShortDebugString()));
  for (int i = 0; i < kSites; ++i) {
    if (sites_[i].node != party) continue;
    ledger_->OnMessage(static_cast<uint32_t>(i), connection, *message);
    const bool lies = i == liar_ && lies_.Coin() && Lies(i, message, more);
    if (lies) Say("that was a lie");
    return lies;
  }
  if (message->has_checkpoint()) {
    ledger_->OnCheckpoint(agent_key_->public_key(), message->checkpoint().checkpoint());
  }
  return false;
}

void Cluster::OnHeard(int party, const PartyName& from, const wire::Control& message) {
  if (!message.has_heartbeat_reply() && !message.has_receipt()) return;
  for (int i = 0; i < kAgents; ++i) {
    if (agents_[i].node != party || agents_[i].process == nullptr) continue;
    if (message.has_receipt()) {
      LookForBelievedLie(agents_[i], message.receipt().receipt());
      continue;
    }
    const absl::Duration age = agents_[i].process->io()->Monotonic() -
                               absl::Nanoseconds(message.heartbeat_reply().sent_at_nanos());
    for (int site = 0; site < kSites; ++site) {
      if (sites_[site].name == from.name) {
        lag_.OnHeartbeat(static_cast<uint32_t>(i), static_cast<uint32_t>(site),
                         world_.time() - age);
      }
    }
  }
}

void Cluster::OnSend(uint32_t socket, uint32_t, uint32_t, ByteSpan bytes) {
  canaries_.OnSend(socket, bytes);
}

void Cluster::OnWrite(int, const std::string& path, ByteSpan bytes) {
  if (path.rfind("/restored/", 0) != 0) canaries_.OnWrite(path, bytes);
}

void Cluster::OnRead(int node, const std::string& path) {
  for (int i = 0; i < kAgents; ++i) {
    if (agents_[i].node == node) lag_.OnRead(static_cast<uint32_t>(i), path, world_.time());
  }
}

}  // namespace tidemark
