// Whole transfers over Ops that may come up short. In one place, used by everybody.
#ifndef TIDEMARK_AGENT_IO_TRANSFER_H_
#define TIDEMARK_AGENT_IO_TRANSFER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/task.h"

namespace tidemark {

// -errno as a Status: what was done, to what, why. ENOSPC, EDQUOT: kResourceExhausted; ENOENT:
// kNotFound; EEXIST: kAlreadyExists; EACCES, EPERM: kPermissionDenied; ECONN*, EPIPE, ENETUNREACH,
// EHOSTUNREACH, ETIMEDOUT: kUnavailable; ECANCELED: kCancelled; EADDRINUSE, EWOULDBLOCK:
// kAlreadyExists; else kUnknown (an I/O error).
absl::Status ErrnoStatus(int32_t result, const std::string& what);

// Reads exactly into.size() bytes. kOutOfRange when the file ends first.
Task<absl::Status> ReadFully(Io* io, Fd fd, MutableByteSpan into, uint64_t offset);
// Reads until `into` is full or the end; gives the count. For streams pass kNoOffset.
Task<absl::StatusOr<size_t>> ReadUpTo(Io* io, Fd fd, MutableByteSpan into, uint64_t offset);
Task<absl::Status> WriteFully(Io* io, Fd fd, ByteSpan from, uint64_t offset);
Task<absl::Status> SendFully(Io* io, Fd fd, ByteSpan from);
// One after another; their bytes stay where they are meanwhile. `flags`: of socket_flags.h.
Task<absl::Status> SendPiecesFully(Io* io, Fd fd, std::vector<Piece> pieces, uint32_t flags);
// kUnavailable when the connection ends first.
Task<absl::Status> RecvFully(Io* io, Fd fd, MutableByteSpan into);

// Small files, whole. Write: to path + ".new", flushed, renamed over path, directory flushed.
Task<absl::StatusOr<std::string>> ReadSmallFile(Io* io, std::string path, size_t bytes_max);
Task<absl::Status> WriteSmallFileDurably(Io* io, std::string path, std::string content);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_TRANSFER_H_
