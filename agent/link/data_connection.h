// A data connection: frames with MACs over plain TCP; the payload is ciphertext already.
//
// It belongs to a control session, whose TLS exporter made its keys, and ends with it. Connection
// 0 carries appends to the site, connection 1 carries records from the site (reads, peers). On a
// long line the agent opens more for appends, from 2 on.
#ifndef TIDEMARK_AGENT_LINK_DATA_CONNECTION_H_
#define TIDEMARK_AGENT_LINK_DATA_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/io/pool.h"
#include "agent/link/control_connection.h"
#include "agent/link/pacer.h"
#include "replicator/frame.h"
#include "replicator/record.h"

namespace tidemark {

inline constexpr uint8_t kAppendConnection = 0;
inline constexpr uint8_t kReadConnection = 1;
inline constexpr uint32_t kAppendConnectionsMax = 8;
inline uint8_t AppendConnectionNumber(uint32_t index) {
  return static_cast<uint8_t>(index == 0 ? kAppendConnection : index + 1);
}
inline bool IsAppendConnection(uint8_t number) {
  return number != kReadConnection && number <= kAppendConnectionsMax;
}
inline constexpr absl::Duration kGreetLimit = absl::Seconds(5);

// One record in memory: 4 KiB for its head (where the site adds its placement), then the payload.
// The buffer is a pool's, and holds both.
struct RecordBuffer {
  PooledBuffer memory;
  CanonicalHeader header;
  Digest digest;  // of the canonical header
  MutableByteSpan head() const { return memory.span().first(kRecordHeaderBytes); }
  MutableByteSpan payload() const {
    return memory.span().subspan(kRecordHeaderBytes, header.payload_bytes);
  }
  MutableByteSpan payload_room() const { return memory.span().subspan(kRecordHeaderBytes); }
};

class DataConnection {
 public:
  // Takes the socket. Keys come from `control`, which must be established.
  DataConnection(Io* io, Fd fd, const ControlConnection& control, const SessionId& session,
                 uint8_t connection, bool is_site);
  DataConnection(const DataConnection&) = delete;
  Io* io() const { return io_; }
  // The caller's end sends its preface and both exchange a hello frame, which proves the keys.
  // Within kGreetLimit; afterwards silence is for the control connection to notice.
  Task<absl::Status> Greet();

  // Blocks are sent, and those of ReceiveRecord read, no faster than this allows. Outlives the
  // connection.
  void Pace(Pacer* pacer) { pacer_ = pacer; }

  // Whole records. The head must hold the canonical header's encoding.
  Task<absl::Status> SendRecord(const CanonicalHeader* header, ByteSpan payload, uint32_t request);
  Task<absl::Status> SendHead(const CanonicalHeader* header, uint32_t request);
  // `count` blocks of a record from `first` on; `bytes` starts at block `first`.
  Task<absl::Status> SendBlocks(const CanonicalHeader* header, uint32_t first, uint32_t count,
                                ByteSpan bytes, uint32_t request);
  Task<absl::Status> SendEnd(uint32_t request);

  // What comes next: a head with the record's canonical header, a block header, or an end.
  struct Arrival {
    FrameHeader frame;
    std::optional<CanonicalHeader> head;  // set for kRecordHead, its digest checked
  };
  Task<absl::StatusOr<Arrival>> ReceiveHeader();
  // Why it is over, once it is: for an end that only sends. TCP tells of a connection that died
  // with bytes under way to whoever reads from it, or sends once more.
  Task<absl::Status> WaitForEnd();
  // After ReceiveHeader gave a block: its bytes. The digest is not checked here: whoever knows the
  // canonical header checks, in bulk, on a worker.
  Task<absl::Status> ReceivePayload(MutableByteSpan into);
  // The payload of the record whose head just arrived: every block in order, digests checked on a
  // worker.
  Task<absl::Status> ReceiveRecord(const CanonicalHeader* header, MutableByteSpan payload);

  void Close();
  bool closed() const { return closed_; }
  Task<> Finish();

 private:
  Task<absl::Status> SendFrame(FrameHeader frame, ByteSpan payload);
  Task<absl::Status> ExchangeHellos();
  Task<> GuardGreeting();
  Task<> ShutDownSocket();
  Io* io_;
  Fd fd_;
  std::string name_;
  SessionId session_;
  uint8_t connection_;
  bool is_site_;
  FrameSender sender_;
  FrameReceiver receiver_;
  Pacer* pacer_ = nullptr;
  bool closed_ = false, greeted_ = false;
  Op* guard_sleep_ = nullptr;
  TaskGroup tasks_;
};

// Worker job: checks a payload against its header. For Io::Compute.
struct PayloadCheck {
  const CanonicalHeader* header = nullptr;
  ByteSpan payload;
  absl::Status result;
  static void Run(void* self);
};
Task<absl::Status> CheckPayloadOnWorker(Io* io, const CanonicalHeader* header, ByteSpan payload);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_LINK_DATA_CONNECTION_H_
