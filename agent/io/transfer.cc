#include "agent/io/transfer.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"
#include "agent/io/socket_flags.h"
#include "crypto/museum.h"

namespace tidemark {
namespace {

constexpr size_t kSmallFileBytes = 4096;  // read first; eight times as many next

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return absl::StatusCode::kResourceExhausted;
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
    case EADDRINUSE:
    case EWOULDBLOCK:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case EPIPE:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ETIMEDOUT:
      return absl::StatusCode::kUnavailable;
    case ECANCELED:
      return absl::StatusCode::kCancelled;
    default:
      return absl::StatusCode::kUnknown;
  }
}

uint64_t Advance(uint64_t offset, size_t by) {
  return offset == kNoOffset ? kNoOffset : offset + by;
}

}  // namespace

absl::Status ErrnoStatus(int32_t result, const std::string& what) {
  const int error = -result;
  return absl::Status(CodeOf(error), absl::StrFormat("%s: %s", what, std::strerror(error)));
}

Task<absl::StatusOr<size_t>> ReadUpTo(Io* io, Fd fd, MutableByteSpan into, uint64_t offset) {
  size_t done = 0;
  while (done < into.size()) {
    Op read = io->Read(fd, into.subspan(done), Advance(offset, done));
    const int32_t got = co_await read;
    // Direct I/O that stopped off its grid has met the end of the file; asking there is invalid.
    if (got == -EINVAL && done % kDirectIoBytes != 0) break;
    if (got < 0) {
      absl::StatusOr<size_t> failed = ErrnoStatus(got, "read");
      co_return failed;
    }
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  absl::StatusOr<size_t> total = done;
  co_return total;
}

Task<absl::Status> ReadFully(Io* io, Fd fd, MutableByteSpan into, uint64_t offset) {
  absl::StatusOr<size_t> got = co_await ReadUpTo(io, fd, into, offset);
  if (!got.ok()) co_return got.status();
  if (*got < into.size()) {
    co_return absl::OutOfRangeError(
        absl::StrFormat("the file ends after %u of %u bytes", *got, into.size()));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> WriteFully(Io* io, Fd fd, ByteSpan from, uint64_t offset) {
  size_t done = 0;
  while (done < from.size()) {
    Op write = io->Write(fd, from.subspan(done), Advance(offset, done));
    const int32_t put = co_await write;
    if (put < 0) co_return ErrnoStatus(put, "write");
    if (put == 0) co_return ErrnoStatus(-EIO, "write of nothing");
    done += MUSEUM_BUG("short-write-believed") ? from.size() : static_cast<size_t>(put);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SendFully(Io* io, Fd fd, ByteSpan from) {
  size_t done = 0;
  while (done < from.size()) {
    Op send = io->Send(fd, from.subspan(done));
    const int32_t put = co_await send;
    if (put < 0) co_return ErrnoStatus(put, "send");
    done += static_cast<size_t>(put);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SendPiecesFully(Io* io, Fd fd, std::vector<Piece> pieces, uint32_t flags) {
  size_t at = 0;
  while (at < pieces.size()) {
    const size_t count = std::min(pieces.size() - at, kPiecesMax);
    Op send = io->SendMany(fd, std::span<const Piece>(pieces).subspan(at, count));
    send.flags = at + count < pieces.size() ? flags | kSendMore : flags;
    const int32_t put = co_await send;
    if (put < 0) co_return ErrnoStatus(put, "send");
    uint64_t left = static_cast<uint64_t>(put);
    while (at < pieces.size() && left >= pieces[at].length) left -= pieces[at++].length;
    if (left == 0) continue;
    pieces[at].memory += left;
    pieces[at].length -= left;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> RecvFully(Io* io, Fd fd, MutableByteSpan into) {
  size_t done = 0;
  while (done < into.size()) {
    Op recv = io->Recv(fd, into.subspan(done));
    recv.flags = kRecvWhole;
    const int32_t got = co_await recv;
    if (got < 0) co_return ErrnoStatus(got, "receive");
    if (got == 0) {
      co_return absl::UnavailableError(absl::StrFormat(
          "the peer closed the connection after %u of %u bytes", done, into.size()));
    }
    done += static_cast<size_t>(got);
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::string>> ReadSmallFile(Io* io, std::string path, size_t bytes_max) {
  Op open = io->Open(path, kOpenRead);
  const Fd fd = co_await open;
  if (fd < 0) co_return ErrnoStatus(fd, "open " + path);
  // Most files are far below their limit. One byte more than allowed tells one that is too large.
  std::string content;
  absl::Status failed;
  for (size_t room = kSmallFileBytes; content.size() <= bytes_max; room *= 8) {
    const size_t had = content.size();
    content.resize(std::min(had + room, bytes_max + 1));
    const MutableByteSpan all(reinterpret_cast<std::byte*>(content.data()), content.size());
    absl::StatusOr<size_t> got = co_await ReadUpTo(io, fd, all.subspan(had), had);
    if (!got.ok()) {
      failed = got.status();
      break;
    }
    content.resize(had + *got);
    if (content.size() < all.size()) break;
  }
  Op close = io->Close(fd);
  co_await close;
  if (!failed.ok()) {
    co_return absl::Status(failed.code(), path + ": " + std::string(failed.message()));
  }
  if (content.size() > bytes_max) {
    co_return absl::InvalidArgumentError(
        absl::StrFormat("%s is larger than %u bytes", path, bytes_max));
  }
  co_return std::move(content);
}

namespace {

Task<absl::Status> WriteNewFile(Io* io, std::string path, std::string content) {
  Op open = io->Open(path, kOpenWrite | kOpenCreate | kOpenTruncate);
  const Fd fd = co_await open;
  if (fd < 0) co_return ErrnoStatus(fd, "create " + path);
  const ByteSpan from = AsBytes(content);
  absl::Status written = co_await WriteFully(io, fd, from, 0);
  int32_t synced = 0;
  if (written.ok() && !MUSEUM_BUG("rename-before-flush")) {
    Op sync = io->Sync(fd);
    synced = co_await sync;
  }
  Op close = io->Close(fd);
  const int32_t closed = co_await close;
  if (!written.ok()) {
    co_return absl::Status(written.code(), path + ": " + std::string(written.message()));
  }
  if (synced < 0) co_return ErrnoStatus(synced, "flush " + path);
  if (closed < 0) co_return ErrnoStatus(closed, "close " + path);
  co_return absl::OkStatus();
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

}  // namespace

Task<absl::Status> WriteSmallFileDurably(Io* io, std::string path, std::string content) {
  std::string temporary = path + ".new";
  absl::Status written = co_await WriteNewFile(io, temporary, std::move(content));
  if (!written.ok()) {
    Op unlink = io->Unlink(temporary);
    co_await unlink;
    co_return written;
  }
  Op rename = io->Rename(temporary, path);
  const int32_t renamed = co_await rename;
  if (renamed < 0) co_return ErrnoStatus(renamed, "rename " + temporary);
  if (MUSEUM_BUG("rename-not-flushed")) co_return absl::OkStatus();
  std::string directory = DirectoryOf(path);
  Op sync = io->SyncDirectory(directory);
  const int32_t synced = co_await sync;
  if (synced < 0) co_return ErrnoStatus(synced, "flush directory " + directory);
  co_return absl::OkStatus();
}

}  // namespace tidemark
