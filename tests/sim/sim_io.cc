#include "tests/sim/sim_io.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

// 2026-01-01, the start of every world.
constexpr int64_t kEpochSeconds = 1767225600;
constexpr int64_t kMicrosecond = 1000;
constexpr uint64_t kLockHeldAfterKillMicroseconds = 20000;
// Digested whole up to twice this; of larger memory the two ends.
constexpr uint64_t kDigestedEndBytes = 4096;

uint64_t Word(const std::byte* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, 8);
  return word;
}

uint64_t DigestRange(const std::byte* bytes, uint64_t length, uint64_t seed) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15u;
  uint64_t a = seed, b = ~seed, c = seed * 3, d = length;  // four lanes at once
  uint64_t at = 0;
  for (; at + 32 <= length; at += 32) {
    a = (a ^ Word(bytes + at)) * kOdd;
    b = (b ^ Word(bytes + at + 8)) * kOdd;
    c = (c ^ Word(bytes + at + 16)) * kOdd;
    d = (d ^ Word(bytes + at + 24)) * kOdd;
  }
  for (; at < length; ++at) a = (a ^ std::to_integer<uint64_t>(bytes[at])) * kOdd;
  uint64_t digest = 0;
  for (const uint64_t lane : {a, b, c, d}) digest = (digest ^ (lane >> 29) ^ lane) * kOdd;
  return digest;
}

uint64_t DigestMemory(const Op& op) {
  if (op.pieces != nullptr) {
    uint64_t digest = 3;
    for (const Piece& piece : std::span(op.pieces, op.piece_count))
      digest = DigestRange(piece.memory, piece.length, digest);
    return digest;
  }
  if (op.length <= 2 * kDigestedEndBytes) return DigestRange(op.memory, op.length, 1);
  const uint64_t front = DigestRange(op.memory, kDigestedEndBytes, 2);
  return DigestRange(op.memory + op.length - kDigestedEndBytes, kDigestedEndBytes, front);
}

bool IsDigested(const Op& op) { return op.kind == Op::Kind::kWrite || op.kind == Op::Kind::kSend; }

// A clock of `drift_ppm` after `elapsed` true nanoseconds, and the other way round (rounded up).
int64_t Drifted(int64_t elapsed, int64_t drift_ppm) {
  return elapsed + elapsed / 1000000 * drift_ppm + elapsed % 1000000 * drift_ppm / 1000000;
}
int64_t Undrifted(int64_t local, int64_t drift_ppm) {
  return static_cast<int64_t>(static_cast<__int128>(local) * 1000000 / (1000000 + drift_ppm)) + 1;
}

}  // namespace

SimIo::SimIo(SimWorld* world, int node, uint32_t index, uint64_t seed, uint64_t entropy_seed)
    : world_(world), node_(node), index_(index), random_(seed), entropy_(entropy_seed) {
  files_.emplace_back();
}

SimDisk* SimIo::disk() const { return world_->disk(node_); }
absl::Time SimIo::Now() const {
  const SimWorld::Machine& machine = *world_->machines_[world_->nodes_[node_].machine];
  const int64_t since = Drifted(world_->now_, machine.drift_ppm) + machine.clock_offset;
  return absl::FromUnixSeconds(kEpochSeconds) + absl::Nanoseconds(since);
}

absl::Duration SimIo::Monotonic() const {
  const SimWorld::Machine& machine = *world_->machines_[world_->nodes_[node_].machine];
  return absl::Nanoseconds(Drifted(world_->now_ - machine.booted, machine.drift_ppm));
}

int64_t SimIo::SleepUntil(absl::Duration duration) const {
  const SimWorld::Machine& machine = *world_->machines_[world_->nodes_[node_].machine];
  const int64_t local = Drifted(world_->now_ - machine.booted, machine.drift_ppm);
  const int64_t wanted = local + std::max<int64_t>(0, absl::ToInt64Nanoseconds(duration));
  return std::max(world_->now_, machine.booted + Undrifted(wanted, machine.drift_ppm));
}

void SimIo::Fill(MutableByteSpan out) {
  if (world_->nodes_[node_].entropy == SimWorld::Entropy::kStuck) {
    std::fill(out.begin(), out.end(), std::byte{0x42});
    return;
  }
  entropy_.Fill(out);
}

SimIo::Slot* SimIo::FindSlot(uint64_t token) const {
  const uint32_t at = static_cast<uint32_t>(token);
  if (at >= slots_.size()) return nullptr;
  Slot* slot = &slots_[at];
  return slot->op != nullptr && slot->generation == token >> 32 ? slot : nullptr;
}

uint64_t SimIo::TokenOf(const Slot& slot) const {
  return uint64_t{slot.generation} << 32 | static_cast<uint64_t>(&slot - slots_.data());
}

int32_t SimIo::InjectedResult(const Op& op, uint32_t file) {
  for (SimInjection& injection : injections_) {
    if (injection.kind != op.kind || injection.count == 0) continue;
    const std::string& path = file != 0 ? Get(file)->path : op.path;
    if (path.find(injection.path_part) == std::string::npos) continue;
    if (injection.skip > 0) {
      --injection.skip;
      continue;
    }
    --injection.count;
    return injection.result;
  }
  return 0;
}

void SimIo::Submit(Op* op) {
  if (dead_) return;
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  Slot* slot = &slots_[free_slots_.back()];
  free_slots_.pop_back();
  slot->op = op;
  slot->canceled = false;
  slot->file = FileOf(op->fd);
  if (slot->file != 0) ++Get(slot->file)->references;
  slot->injected = injections_.empty() ? 0 : InjectedResult(*op, slot->file);
  if (IsDigested(*op)) slot->digest = DigestMemory(*op);
  if (op->kind == Op::Kind::kSyncDirectory) slot->mark = disk()->mark();
  if (op->kind == Op::Kind::kSync && slot->file != 0 && Get(slot->file)->inode != nullptr) {
    slot->mark = Get(slot->file)->inode->file.mark();
  }
  if (op->kind == Op::Kind::kConnect) {
    slot->deadline =
        world_->now_ + static_cast<int64_t>(world_->faults_.connect_timeout_us) * kMicrosecond;
  }
  ++outstanding_;
  const uint64_t token = TokenOf(*slot);
  op->token = token;
  op->held_by = this;
  if (op->kind == Op::Kind::kSleep && op->duration == absl::InfiniteDuration()) return;
  world_->Push(StartTime(*op), SimWorld::EventKind::kOp, index_, token);
}

void SimIo::Cancel(Op* op) {
  Slot* slot = FindSlot(op->token);
  if (dead_ || slot == nullptr || slot->op != op) return;
  slot->canceled = true;
  world_->Push(world_->now_ + kMicrosecond, SimWorld::EventKind::kOp, index_, op->token);
}

int64_t SimIo::DiskTime(uint64_t us_min, uint64_t us_max, uint64_t bytes) {
  uint64_t took = random_.Between(us_min * kMicrosecond, us_max * kMicrosecond) + bytes;
  if (world_->Strikes(&random_, world_->faults_.slow_disk_ppm))
    took *= world_->faults_.slow_disk_factor;
  return world_->now_ + static_cast<int64_t>(took);
}

int64_t SimIo::StartTime(const Op& op) {
  const FaultOptions& faults = world_->faults_;
  const auto soon = [&](uint64_t us_min, uint64_t us_max) {
    return world_->now_ +
           static_cast<int64_t>(random_.Between(us_min * kMicrosecond, us_max * kMicrosecond));
  };
  switch (op.kind) {
    case Op::Kind::kRead:
      return DiskTime(faults.read_us_min, faults.read_us_max, op.length);
    case Op::Kind::kWrite:
      return DiskTime(faults.write_us_min, faults.write_us_max, op.length);
    case Op::Kind::kSync:
    case Op::Kind::kSyncDirectory:
      return DiskTime(faults.sync_us_min, faults.sync_us_max, 0);
    case Op::Kind::kSleep:
      // A timer is late by up to its slack, never early.
      return SleepUntil(op.duration) + static_cast<int64_t>(random_.Below(60 * kMicrosecond));
    case Op::Kind::kCompute: {
      const int64_t due = soon(faults.compute_us_min, faults.compute_us_max);
      if (!world_->Strikes(&random_, faults.slow_compute_ppm)) return due;
      return world_->now_ + (due - world_->now_) * 100;
    }
    case Op::Kind::kConnect:
      return soon(2 * faults.net_us_min, 2 * faults.net_us_max);
    default:
      return IsDiskOp(op) ? DiskTime(1, faults.read_us_max, 0) : soon(1, 5);
  }
}

void SimIo::OnEvent(uint64_t token) {
  Slot* slot = FindSlot(token);
  if (slot == nullptr) return;  // an event of an operation that has ended otherwise
  const int32_t result = Attempt(slot);
  // Attempt may run a compute that grows the slots.
  if (result != kParked) Complete(FindSlot(token), result);
}

void SimIo::CheckMemory(const Slot& slot) const {
  if (!IsDigested(*slot.op) || DigestMemory(*slot.op) == slot.digest) return;
  std::fprintf(stderr,
               "SimIo: memory of a %s (fd %d, %llu bytes) on node %s changed between its submit "
               "and its end\n",
               slot.op->kind == Op::Kind::kWrite ? "write" : "send", slot.op->fd,
               static_cast<unsigned long long>(slot.op->length), world_->name(node_).c_str());
  std::abort();
}

void SimIo::Complete(Slot* slot, int32_t result) {
  CheckMemory(*slot);
  Op* op = slot->op;
  world_->Note(node_, *op, result);
  Drop(slot);
  op->result = result;
  Ready(op->waiter);
}

// Ends an operation's place here; its events and places in queues find nothing any more.
void SimIo::Drop(Slot* slot) {
  if (slot->file != 0) Release(slot->file);
  slot->op->held_by = nullptr;
  slot->op = nullptr;
  ++slot->generation;
  free_slots_.push_back(static_cast<uint32_t>(slot - slots_.data()));
  --outstanding_;
}

// An operation that was under way when its process or its coroutine died: it may have reached the
// disk, in part or whole, and nobody will be told.
void SimIo::MayReachTheDisk(Slot* slot) {
  const Op::Kind kind = slot->op->kind;
  const bool changes = kind == Op::Kind::kWrite || kind == Op::Kind::kSync ||
                       (kind >= Op::Kind::kSyncDirectory && kind <= Op::Kind::kMakeDirectory);
  CheckMemory(*slot);
  if (!changes || random_.Coin()) return;
  // A disk that fails flushes may be why the process was killed: nobody hears of this one.
  const bool fails = kind == Op::Kind::kSync && world_->faults_.sync_eio_ppm != 0;
  if (fails && random_.Below(4) == 0) slot->injected = -EIO;
  AttemptDisk(slot);
}

void SimIo::Forget(Op* op) {
  Slot* slot = FindSlot(op->token);
  if (slot == nullptr || slot->op != op) return;
  const bool stream = slot->file != 0 && Get(slot->file)->socket != 0;
  if (!stream) MayReachTheDisk(slot);
  Drop(slot);
}

bool SimIo::Poll(bool may_wait) {
  if (driven_) return false;  // the world looks for the next event itself
  if (outstanding_ == 0) return false;
  if (!may_wait) return true;
  in_own_run_ = true;
  const bool stepped = world_->Step();
  in_own_run_ = false;
  return stepped;
}

void SimIo::RunWhatIsReady() {
  driven_ = true;
  Run();
  driven_ = false;
}

void SimIo::Abandon(bool power, bool silent) {
  for (Slot& slot : slots_) {
    if (slot.op != nullptr) Forget(slot.op);
  }
  for (uint32_t at = 1; at < files_.size(); ++at) {
    if (files_[at] == nullptr) continue;
    File* file = Get(at);
    if (power && file->socket != 0) {
      world_->net_.Abandon(file->socket, silent);
      files_[at] = nullptr;
      continue;
    }
    if (file->lock != 0 && !power) {
      // io_uring lets go of a killed process's files late.
      const absl::Duration late = absl::Microseconds(random_.Below(kLockHeldAfterKillMicroseconds));
      world_->Schedule(late, [inode = file->inode, lock = std::exchange(file->lock, 0)] {
        if (inode->locked_by == lock) inode->locked_by = 0;
      });
    }
    file->references = 1;
    Release(at);
  }
  descriptors_.clear();
  dead_ = true;
  Stop();
}

}  // namespace tidemark
