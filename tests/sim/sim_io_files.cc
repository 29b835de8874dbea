// What SimIo's operations do when their time has come: descriptors and files.
#include <algorithm>
#include <cassert>
#include <cerrno>

#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

constexpr Fd kFirstFd = 3;

bool IsAligned(const Op& op) {
  return op.offset % kDirectIoBytes == 0 && op.length % kDirectIoBytes == 0 &&
         reinterpret_cast<uintptr_t>(op.memory) % kDirectIoBytes == 0;
}

}  // namespace

uint32_t SimIo::FileOf(Fd fd) const {
  return fd >= 0 && static_cast<size_t>(fd) < descriptors_.size() ? descriptors_[fd] : 0;
}

size_t SimIo::open_descriptors() const {
  return descriptors_.size() - std::count(descriptors_.begin(), descriptors_.end(), 0u);
}

bool SimIo::DescriptorsUsedUp() const {
  const uint32_t limit = world_->faults_.descriptors_max;
  return limit != 0 && open_descriptors() >= limit;
}

Fd SimIo::AddDescriptor(std::unique_ptr<File> file) {
  file->references = 1;
  uint32_t at = static_cast<uint32_t>(files_.size());
  if (free_files_.empty()) {
    files_.push_back(std::move(file));
  } else {
    at = free_files_.back();
    free_files_.pop_back();
    files_[at] = std::move(file);
  }
  size_t fd = kFirstFd;
  while (fd < descriptors_.size() && descriptors_[fd] != 0) ++fd;
  if (fd >= descriptors_.size()) descriptors_.resize(fd + 1);
  descriptors_[fd] = at;
  return static_cast<Fd>(fd);
}

int32_t SimIo::CloseDescriptor(Fd fd) {
  const uint32_t file = FileOf(fd);
  if (file == 0) return -EBADF;
  descriptors_[fd] = 0;
  Release(file);
  return 0;
}

void SimIo::Release(uint32_t at) {
  File* file = Get(at);
  if (--file->references > 0) return;
  if (file->inode != nullptr) {
    if (file->lock != 0) file->inode->locked_by = 0;
    disk()->Close(file->inode.get());
  }
  if (file->socket != 0) world_->net_.Close(file->socket);
  files_[at] = nullptr;
  free_files_.push_back(at);
}

void SimIo::PassFile(Fd socket, Fd file) {
  const File& passed = *Get(FileOf(file));
  world_->net_.AttachFile(Get(FileOf(socket))->socket, {passed.inode, passed.flags});
}

uint16_t SimIo::BoundPort(Fd listening) const {
  const uint32_t file = FileOf(listening);
  return file == 0 || Get(file)->socket == 0 ? 0 : world_->net_.port(Get(file)->socket);
}

bool SimIo::IsDiskOp(const Op& op) const {
  return op.kind >= Op::Kind::kOpen && op.kind <= Op::Kind::kLock && op.kind != Op::Kind::kClose;
}

uint64_t SimIo::Shorten(uint64_t length, bool direct) {
  if (!random_.Chance(world_->faults_.short_transfer_ppm)) return length;
  const uint64_t unit = direct ? kDirectIoBytes : 1;
  return length <= unit ? length : unit * random_.Between(1, length / unit);
}

int32_t SimIo::Attempt(Slot* slot) {
  const Op& op = *slot->op;
  if (IsDiskOp(op)) {
    const int64_t hung_until = world_->machines_[world_->nodes_[node_].machine]->hung_until;
    if (hung_until > world_->now_) {
      world_->Push(hung_until, SimWorld::EventKind::kOp, index_, TokenOf(*slot));
      return kParked;
    }
    const bool cancelable =
        op.kind == Op::Kind::kRead || op.kind == Op::Kind::kWrite || op.kind == Op::Kind::kSync;
    if (slot->canceled && cancelable && random_.Coin()) return -ECANCELED;
    return AttemptDisk(slot);
  }
  switch (op.kind) {
    case Op::Kind::kClose:
      return CloseDescriptor(op.fd);
    case Op::Kind::kSleep:
      return slot->canceled ? -ECANCELED : 0;
    case Op::Kind::kCompute:
      if (slot->canceled && random_.Coin()) return -ECANCELED;
      op.work(op.context);
      return 0;
    default:
      return slot->canceled ? -ECANCELED : AttemptSocket(slot);
  }
}

int32_t SimIo::AttemptDisk(Slot* slot) {
  const Op& op = *slot->op;
  if (slot->injected != 0 && op.kind != Op::Kind::kSync) return slot->injected;
  disk()->set_now(Now());
  switch (op.kind) {
    case Op::Kind::kOpen:
      return OpenFile(op);
    case Op::Kind::kSyncDirectory:
      return disk()->SyncDirectory(op.path, slot->mark);
    case Op::Kind::kRename:
      return disk()->Rename(op.path, op.path2, /*replace=*/true);
    case Op::Kind::kRenameNew:
      return disk()->Rename(op.path, op.path2, /*replace=*/false);
    case Op::Kind::kUnlink:
      return disk()->Unlink(op.path);
    case Op::Kind::kMakeDirectory:
      return disk()->MakeDirectory(op.path);
    case Op::Kind::kList:
      return disk()->List(op.path, op.entries);
    case Op::Kind::kStat:
      if (!op.path.empty()) return disk()->Stat(op.path, op.stat);
      break;
    default:
      break;
  }
  return AttemptTransfer(slot);
}

int32_t SimIo::AttemptTransfer(Slot* slot) {
  const Op& op = *slot->op;
  if (slot->file == 0) return -EBADF;
  File* file = Get(slot->file);
  SimInode* inode = file->inode.get();
  if (inode == nullptr) {
    const bool stream = op.kind == Op::Kind::kRead || op.kind == Op::Kind::kWrite;
    return stream && !slot->canceled ? AttemptSocket(slot) : stream ? -ECANCELED : -EINVAL;
  }
  const bool writes = op.kind == Op::Kind::kWrite || op.kind == Op::Kind::kAllocate ||
                      op.kind == Op::Kind::kPunch || op.kind == Op::Kind::kTruncate;
  if (writes && (file->flags & kOpenWrite) == 0) return -EBADF;
  switch (op.kind) {
    case Op::Kind::kRead:
      return ReadFile(op, file);
    case Op::Kind::kWrite:
      return WriteFile(op, file);
    case Op::Kind::kSync:
      return SyncFile(*slot, file);
    case Op::Kind::kAllocate:
      return disk()->Allocate(inode, op.offset, op.length);
    case Op::Kind::kPunch:
      return disk()->Punch(inode, op.offset, op.length);
    case Op::Kind::kTruncate:
      return disk()->Truncate(inode, op.length);
    case Op::Kind::kStat:
      disk()->StatInode(*inode, op.stat);
      return 0;
    case Op::Kind::kNextData:
      return inode->file.NextData(op.offset, op.extent_begin, op.extent_end) ? 0 : -ENXIO;
    case Op::Kind::kLock:
      return LockFile(file);
    default:
      return -EINVAL;
  }
}

int32_t SimIo::OpenFile(const Op& op) {
  if (DescriptorsUsedUp()) return -EMFILE;
  auto file = std::make_unique<File>();
  const int32_t result = disk()->Open(op.path, op.flags, &file->inode);
  if (result < 0) return result;
  file->flags = op.flags;
  file->path = op.path;
  return AddDescriptor(std::move(file));
}

int32_t SimIo::ReadFile(const Op& op, File* file) {
  const bool direct = (file->flags & kOpenDirect) != 0;
  if ((file->flags & kOpenRead) == 0) return -EBADF;
  if (direct && !IsAligned(op)) return -EINVAL;
  if (world_->Strikes(&random_, world_->faults_.read_eio_ppm)) return -EIO;
  const uint64_t offset = op.offset == kNoOffset ? file->position : op.offset;
  const MutableByteSpan into(op.memory, Shorten(op.length, direct));
  const int32_t result = disk()->Read(file->inode.get(), offset, into);
  if (result > 0 && serves_ && file->path.find("/log-") != std::string::npos &&
      world_->Strikes(&random_, world_->faults_.read_flip_ppm)) {
    into[random_.Below(result)] ^= static_cast<std::byte>(1u << random_.Below(8));
  }
  if (world_->observer_ != nullptr && result >= 0) world_->observer_->OnRead(node_, file->path);
  if (op.offset == kNoOffset && result > 0) file->position += result;
  return result;
}

// Writes and flushes; now and then, or for a while every other one.
bool SimIo::DiskFails(uint32_t per_million) {
  const bool bad = world_->machines_[world_->nodes_[node_].machine]->fails_until > world_->now_;
  return world_->Strikes(&random_, bad ? 500000 : per_million);
}

int32_t SimIo::WriteFile(const Op& op, File* file) {
  const FaultOptions& faults = world_->faults_;
  const bool direct = (file->flags & kOpenDirect) != 0;
  if (direct && !IsAligned(op)) return -EINVAL;
  uint64_t offset = op.offset == kNoOffset ? file->position : op.offset;
  const uint64_t length = Shorten(op.length, direct);
  SimInode* inode = file->inode.get();
  if (world_->Strikes(&random_, faults.misdirected_write_ppm) && inode->file.size() > length) {
    offset = random_.Below((inode->file.size() - length) / kDirectIoBytes + 1) * kDirectIoBytes;
  }
  if (DiskFails(faults.write_eio_ppm)) {
    // Some of it may be on the disk all the same.
    const uint64_t part = random_.Below(length / kSectorBytes + 1) * kSectorBytes;
    if (part > 0) disk()->Write(inode, offset, ByteSpan(op.memory, part));
    return -EIO;
  }
  const int32_t result = disk()->Write(inode, offset, ByteSpan(op.memory, length));
  if (world_->observer_ != nullptr && result > 0) {
    world_->observer_->OnWrite(node_, file->path, ByteSpan(op.memory, result));
  }
  if (op.offset == kNoOffset && result > 0) file->position += result;
  return result;
}

int32_t SimIo::SyncFile(const Slot& slot, File* file) {
  SimFile& content = file->inode->file;
  if (slot.injected != 0 || DiskFails(world_->faults_.sync_eio_ppm)) {
    content.LosePending();
    return slot.injected != 0 ? slot.injected : -EIO;
  }
  if (!world_->Strikes(&random_, world_->faults_.lying_sync_ppm)) content.MakeDurable(slot.mark);
  return 0;
}

int32_t SimIo::LockFile(File* file) {
  if (file->lock != 0) return 0;
  if (file->inode->locked_by != 0) return -EWOULDBLOCK;
  file->lock = file->inode->locked_by = ++world_->next_lock_;
  return 0;
}

}  // namespace tidemark
