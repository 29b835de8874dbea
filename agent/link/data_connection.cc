#include "agent/link/data_connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/socket_flags.h"
#include "agent/io/transfer.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

Secret32 DirectionKey(const ControlConnection& control, const SessionId& session,
                      uint8_t connection, Direction direction) {
  const std::array<std::byte, 18> context = DataKeyContext(session, connection, direction);
  return control.ExportKey(kDataLabel, context);
}

constexpr uint32_t kBlocksPerSend = 16;  // 1 MiB: each send is a turn of the loop
using EncodedHeader = std::array<std::byte, kFrameHeaderBytes>;

FrameHeader HeadFrame(const CanonicalHeader& header, uint32_t request) {
  FrameHeader frame;
  frame.kind = FrameKind::kRecordHead;
  frame.request = request;
  frame.vault = header.vault;
  frame.epoch = header.epoch;
  frame.sequence = header.sequence;
  frame.payload_digest = header.digest();
  return frame;
}

Piece PieceOf(ByteSpan bytes) { return {bytes.data(), bytes.size()}; }

// A frame. Packets are filled up and the other end is woken less often when it is said what more
// follows.
Task<absl::Status> SendEncoded(Io* io, Fd fd, const EncodedHeader* header, ByteSpan payload,
                               bool more_follows) {
  std::vector<Piece> pieces = {PieceOf(*header)};
  if (!payload.empty()) pieces.push_back(PieceOf(payload));
  const uint32_t flags = more_follows ? uint32_t{kSendMore} : 0;
  absl::Status sent = co_await SendPiecesFully(io, fd, std::move(pieces), flags);
  co_return sent;
}

}  // namespace

DataConnection::DataConnection(Io* io, Fd fd, const ControlConnection& control,
                               const SessionId& session, uint8_t connection, bool is_site)
    : io_(io),
      fd_(fd),
      name_(control.name()),
      session_(session),
      connection_(connection),
      is_site_(is_site),
      sender_(DirectionKey(control, session, connection,
                           is_site ? Direction::kFromSite : Direction::kToSite)),
      receiver_(DirectionKey(control, session, connection,
                             is_site ? Direction::kToSite : Direction::kFromSite)),
      tasks_(io) {}

Task<absl::Status> DataConnection::Greet() {
  tasks_.Spawn(GuardGreeting());
  absl::Status greeted = co_await ExchangeHellos();
  greeted_ = true;
  if (guard_sleep_ != nullptr) io_->Cancel(guard_sleep_);
  co_return greeted;
}

// A peer that lost power says nothing, and nothing is sent that would show it.
Task<> DataConnection::GuardGreeting() {
  if (greeted_) co_return;
  Op sleep = io_->Sleep(kGreetLimit);
  guard_sleep_ = &sleep;
  const int32_t slept = co_await sleep;
  guard_sleep_ = nullptr;
  if (slept >= 0 && !greeted_) Close();
}

Task<absl::Status> DataConnection::ExchangeHellos() {
  if (!is_site_) {
    const std::array<std::byte, kPrefaceBytes> preface = EncodePreface(session_, connection_);
    absl::Status sent = co_await SendFully(io_, fd_, preface);
    if (!sent.ok()) co_return sent;
  }
  FrameHeader hello;
  hello.kind = FrameKind::kHello;
  absl::Status sent = co_await SendFrame(hello, {});
  if (!sent.ok()) co_return sent;
  absl::StatusOr<Arrival> answer = co_await ReceiveHeader();
  if (!answer.ok()) co_return answer.status();
  if (answer->frame.kind != FrameKind::kHello) {
    co_return absl::InvalidArgumentError(name_ + ": data connection did not open with a hello");
  }
  co_return absl::OkStatus();
}

Task<absl::Status> DataConnection::SendFrame(FrameHeader frame, ByteSpan payload) {
  if (closed_) co_return absl::UnavailableError(name_ + ": data connection closed");
  frame.connection = connection_;
  frame.payload_bytes = static_cast<uint32_t>(payload.size());
  EncodedHeader encoded;
  sender_.Encode(frame, encoded);
  absl::Status sent = co_await SendEncoded(io_, fd_, &encoded, payload, false);
  co_return sent;
}

Task<absl::Status> DataConnection::SendHead(const CanonicalHeader* header, uint32_t request) {
  const std::vector<std::byte> body = header->Encode();
  const FrameHeader frame = HeadFrame(*header, request);
  absl::Status sent = co_await SendFrame(frame, body);
  co_return sent;
}

// Many at once, unless they are rationed. The last one goes out at once; those before it wait for
// company.
Task<absl::Status> DataConnection::SendBlocks(const CanonicalHeader* header, uint32_t first,
                                              uint32_t count, ByteSpan bytes, uint32_t request) {
  FrameHeader frame = HeadFrame(*header, request);
  frame.kind = FrameKind::kBlock;
  frame.connection = connection_;
  for (uint32_t i = first; i < first + count;) {
    const bool rationed = pacer_ != nullptr && pacer_->limits();
    if (rationed) co_await pacer_->Pass(kFrameHeaderBytes + header->BlockBytes(i), &closed_);
    if (closed_) co_return absl::UnavailableError(name_ + ": data connection closed");
    std::vector<EncodedHeader> headers(rationed ? 1 : std::min(kBlocksPerSend, first + count - i));
    std::vector<Piece> pieces;
    for (EncodedHeader& encoded : headers) {
      frame.block_index = i;
      frame.payload_digest = header->blocks[i];
      frame.payload_bytes = static_cast<uint32_t>(header->BlockBytes(i));
      sender_.Encode(frame, encoded);
      pieces.push_back(PieceOf(encoded));
      pieces.push_back(
          PieceOf(bytes.subspan(size_t{i - first} * kBlockBytes, frame.payload_bytes)));
      ++i;
    }
    const uint32_t flags = i < first + count ? uint32_t{kSendMore} : 0;
    absl::Status sent = co_await SendPiecesFully(io_, fd_, std::move(pieces), flags);
    if (!sent.ok()) co_return sent;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> DataConnection::SendRecord(const CanonicalHeader* header, ByteSpan payload,
                                              uint32_t request) {
  if (closed_) co_return absl::UnavailableError(name_ + ": data connection closed");
  const std::vector<std::byte> body = header->Encode();
  FrameHeader frame = HeadFrame(*header, request);
  frame.connection = connection_;
  frame.payload_bytes = static_cast<uint32_t>(body.size());
  EncodedHeader encoded;
  sender_.Encode(frame, encoded);
  const uint32_t count = static_cast<uint32_t>(header->blocks.size());
  absl::Status head = co_await SendEncoded(io_, fd_, &encoded, body, count > 0);
  if (!head.ok()) co_return head;
  absl::Status blocks = co_await SendBlocks(header, 0, count, payload, request);
  co_return blocks;
}

Task<absl::Status> DataConnection::SendEnd(uint32_t request) {
  FrameHeader frame;
  frame.kind = FrameKind::kReadEnd;
  frame.request = request;
  absl::Status sent = co_await SendFrame(frame, {});
  co_return sent;
}

Task<absl::StatusOr<DataConnection::Arrival>> DataConnection::ReceiveHeader() {
  std::array<std::byte, kFrameHeaderBytes> raw;
  absl::Status got = co_await RecvFully(io_, fd_, raw);
  if (!got.ok()) co_return got;
  absl::StatusOr<FrameHeader> frame = receiver_.Decode(raw);
  if (!frame.ok()) co_return frame.status();
  Arrival arrival;
  arrival.frame = *frame;
  if (frame->kind != FrameKind::kRecordHead) co_return std::move(arrival);
  if (frame->payload_bytes > kCanonicalBytesMax) {
    co_return absl::InvalidArgumentError(name_ + ": record head is too long");
  }
  std::array<std::byte, kCanonicalBytesMax> encoded;
  const MutableByteSpan head = MutableByteSpan(encoded).first(frame->payload_bytes);
  absl::Status body = co_await RecvFully(io_, fd_, head);
  if (!body.ok()) co_return body;
  absl::StatusOr<CanonicalHeader> header = ParseCanonicalHeader(head);
  if (!header.ok()) co_return header.status();
  if (header->digest() != frame->payload_digest || header->sequence != frame->sequence ||
      header->vault != frame->vault) {
    co_return absl::DataLossError(
        absl::StrFormat("%s: head of record %d does not match its frame", name_, frame->sequence));
  }
  arrival.head = std::move(*header);
  co_return std::move(arrival);
}

Task<absl::Status> DataConnection::WaitForEnd() {
  std::array<std::byte, 1> nothing;
  absl::Status ended = co_await RecvFully(io_, fd_, nothing);
  if (ended.ok()) ended = absl::InvalidArgumentError(name_ + ": what only listens has spoken");
  co_return ended;
}

Task<absl::Status> DataConnection::ReceivePayload(MutableByteSpan into) {
  absl::Status got = co_await RecvFully(io_, fd_, into);
  co_return got;
}

Task<absl::Status> DataConnection::ReceiveRecord(const CanonicalHeader* header,
                                                 MutableByteSpan payload) {
  for (size_t i = 0; i < header->blocks.size(); ++i) {
    if (pacer_ != nullptr && pacer_->limits())
      co_await pacer_->Pass(kFrameHeaderBytes + header->BlockBytes(i), &closed_);
    absl::StatusOr<Arrival> arrival = co_await ReceiveHeader();
    if (!arrival.ok()) co_return arrival.status();
    const FrameHeader& frame = arrival->frame;
    if (frame.kind != FrameKind::kBlock || frame.sequence != header->sequence ||
        frame.vault != header->vault || frame.block_index != i ||
        frame.payload_bytes != header->BlockBytes(i) || frame.payload_digest != header->blocks[i]) {
      co_return absl::InvalidArgumentError(
          absl::StrFormat("%s: expected block %d of record %d", name_, i, header->sequence));
    }
    absl::Status got =
        co_await ReceivePayload(payload.subspan(i * kBlockBytes, frame.payload_bytes));
    if (!got.ok()) co_return got;
  }
  if (MUSEUM_BUG("payload-not-checked")) co_return absl::OkStatus();
  absl::Status checked = co_await CheckPayloadOnWorker(io_, header, payload);
  if (!checked.ok()) RARE_PATH("payload-changed-underway");
  co_return checked;
}

void DataConnection::Close() {
  if (closed_) return;
  closed_ = true;
  tasks_.Spawn(ShutDownSocket());
}

Task<> DataConnection::ShutDownSocket() {
  Op shutdown = io_->Shutdown(fd_);
  const int32_t done = co_await shutdown;
  (void)done;
}

Task<> DataConnection::Finish() {
  Close();
  co_await tasks_.Join();
  if (fd_ >= 0 && !MUSEUM_BUG("descriptor-leaked")) {
    Op close = io_->Close(std::exchange(fd_, -1));
    const int32_t closed = co_await close;
    (void)closed;
  }
}

void PayloadCheck::Run(void* self) {
  PayloadCheck* check = static_cast<PayloadCheck*>(self);
  check->result = CheckPayload(*check->header, check->payload);
}

Task<absl::Status> CheckPayloadOnWorker(Io* io, const CanonicalHeader* header, ByteSpan payload) {
  PayloadCheck check;
  check.header = header;
  check.payload = payload;
  if (payload.size() < 32 * 1024) {  // a worker's wake-up costs more
    PayloadCheck::Run(&check);
    co_return check.result;
  }
  Op compute = io->Compute(&PayloadCheck::Run, &check);
  const int32_t ran = co_await compute;
  if (ran < 0) co_return ErrnoStatus(ran, "checking a payload");
  co_return check.result;
}

}  // namespace tidemark
