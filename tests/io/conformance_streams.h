// Part of conformance.h: streams longer than any socket's buffer.
#ifndef TIDEMARK_TESTS_IO_CONFORMANCE_STREAMS_H_
#define TIDEMARK_TESTS_IO_CONFORMANCE_STREAMS_H_

#include <string>
#include <vector>

#include "tests/io/conformance_sockets.h"

namespace tidemark {

// Of many sizes, and more than one Op takes.
inline std::vector<Piece> PiecesOf(const std::string& data) {
  std::vector<Piece> pieces;
  for (size_t at = 0, n = 0; at < data.size(); ++n) {
    const size_t length = std::min(data.size() - at, n * n % 40009);
    pieces.push_back({AsBytes(data).data() + at, length});
    at += length;
  }
  EXPECT_GT(pieces.size(), kPiecesMax);
  return pieces;
}

inline Task<> SendAll(Io* io, Fd fd, const std::string* data, bool in_pieces) {
  const ByteSpan from = AsBytes(*data);
  absl::Status sent;
  if (in_pieces) {
    std::vector<Piece> pieces = PiecesOf(*data);
    sent = co_await SendPiecesFully(io, fd, std::move(pieces), 0);
  } else {
    sent = co_await SendFully(io, fd, from);
  }
  EXPECT_TRUE(sent.ok()) << sent;
  Op shutdown = io->Shutdown(fd);
  const int32_t result = co_await shutdown;
  EXPECT_EQ(result, 0);
}

// More than any socket buffer holds, so that sends come up short or wait.
inline Task<> CarriesMuch(Io* io, std::string address, bool in_pieces) {
  Pair pair;
  co_await ConnectPair(io, address, &pair);
  std::string data(8 << 20, '\0');
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 2654435761u >> 13);
  Task<> sending = SendAll(io, pair.client, &data, in_pieces);
  sending.Start();
  std::vector<std::byte> memory(data.size());
  const MutableByteSpan into(memory);
  absl::Status received = co_await RecvFully(io, pair.server, into);
  EXPECT_TRUE(received.ok()) << received;
  EXPECT_TRUE(AsText(into) == data);
  const MutableByteSpan more = into.first(1);
  received = co_await RecvFully(io, pair.server, more);
  EXPECT_EQ(received.code(), absl::StatusCode::kUnavailable);
  co_await sending;
  co_await ClosePair(io, &pair);
}

TEST_P(IoConformance, MegabytesArriveInOrderAndWhole) {
  Finish(io_, CarriesMuch(io_, world_->any_address, false));
}

TEST_P(IoConformance, PiecesArriveInOrderAndWhole) {
  Finish(io_, CarriesMuch(io_, world_->any_address, true));
}

}  // namespace tidemark

#endif  // TIDEMARK_TESTS_IO_CONFORMANCE_STREAMS_H_
