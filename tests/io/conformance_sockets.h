// Part of conformance.h: listening, connecting, sending, ending.
#ifndef TIDEMARK_TESTS_IO_CONFORMANCE_SOCKETS_H_
#define TIDEMARK_TESTS_IO_CONFORMANCE_SOCKETS_H_

#include "absl/strings/str_cat.h"
#include "tests/io/conformance_files.h"

namespace tidemark {

struct Pair {
  Fd listening = -1;
  Fd server = -1;
  Fd client = -1;
  std::string address;
};

inline Task<> AcceptOne(Io* io, Pair* pair) {
  Op accept = io->Accept(pair->listening);
  pair->server = co_await accept;
  EXPECT_GE(pair->server, 0);
}

inline Task<> CloseFd(Io* io, Fd fd) {
  Op close = io->Close(fd);
  const int32_t closed = co_await close;
  EXPECT_EQ(closed, 0);
}

// "127.0.0.1:0" -> "127.0.0.1:41234".
inline std::string WithPort(Io* io, Fd listening, const std::string& address) {
  if (address.starts_with("unix:")) return address;
  return absl::StrCat(address.substr(0, address.rfind(':') + 1), io->BoundPort(listening));
}

inline Task<> ConnectPair(Io* io, std::string address, Pair* pair) {
  Op listen = io->Listen(address);
  pair->listening = co_await listen;
  EXPECT_GE(pair->listening, 0);
  pair->address = WithPort(io, pair->listening, address);
  Task<> accepting = AcceptOne(io, pair);
  accepting.Start();
  Op connect = io->Connect(pair->address);
  pair->client = co_await connect;
  EXPECT_GE(pair->client, 0);
  co_await accepting;
}

inline Task<> ClosePair(Io* io, Pair* pair) {
  for (const Fd fd : {pair->client, pair->server, pair->listening}) co_await CloseFd(io, fd);
}

inline Task<> Talks(Io* io, std::string address) {
  Pair pair;
  co_await ConnectPair(io, address, &pair);
  const ByteSpan question = AsBytes("what do you hold?");
  absl::Status sent = co_await SendFully(io, pair.client, question);
  EXPECT_TRUE(sent.ok()) << sent;
  std::byte memory[17];
  const MutableByteSpan into(memory);
  absl::Status received = co_await RecvFully(io, pair.server, into);
  EXPECT_TRUE(received.ok()) << received;
  EXPECT_EQ(AsText(into), "what do you hold?");
  // Streams have no message borders.
  const ByteSpan half = AsBytes("half ");
  sent = co_await SendFully(io, pair.server, half);
  sent = co_await SendFully(io, pair.server, half);
  const MutableByteSpan whole = into.first(10);
  received = co_await RecvFully(io, pair.client, whole);
  EXPECT_TRUE(received.ok()) << received;
  EXPECT_EQ(AsText(whole), "half half ");
  co_await ClosePair(io, &pair);
}

TEST_P(IoConformance, TwoSocketsTalk) { Finish(io_, Talks(io_, world_->any_address)); }

TEST_P(IoConformance, TwoUnixSocketsTalk) {
  if (!world_->has_unix_sockets) GTEST_SKIP() << "this world has no unix sockets";
  Finish(io_, Talks(io_, "unix:" + Path("socket")));
}

inline Task<> SeesTheEnd(Io* io, std::string address) {
  Pair pair;
  co_await ConnectPair(io, address, &pair);
  const ByteSpan last = AsBytes("last");
  absl::Status sent = co_await SendFully(io, pair.client, last);
  EXPECT_TRUE(sent.ok()) << sent;
  co_await CloseFd(io, pair.client);
  // What was sent before the close still arrives.
  std::byte memory[4];
  const MutableByteSpan into(memory);
  absl::Status received = co_await RecvFully(io, pair.server, into);
  EXPECT_TRUE(received.ok()) << received;
  Op recv = io->Recv(pair.server, into);
  int32_t result = co_await recv;
  EXPECT_EQ(result, 0);
  // Sooner or later the answer to a closed peer fails, and never ends the process.
  std::vector<std::byte> zeros(1 << 16);
  const ByteSpan answer(zeros);
  absl::Status answered = absl::OkStatus();
  for (int i = 0; i < 1000 && answered.ok(); ++i) {
    answered = co_await SendFully(io, pair.server, answer);
  }
  EXPECT_EQ(answered.code(), absl::StatusCode::kUnavailable) << answered;
  co_await CloseFd(io, pair.server);
  co_await CloseFd(io, pair.listening);
}

TEST_P(IoConformance, AClosedPeerEndsTheStream) {
  Finish(io_, SeesTheEnd(io_, world_->any_address));
}

inline Task<> RecvInto(Io* io, Fd fd, int32_t* result) {
  std::byte memory[8];
  const MutableByteSpan into(memory);
  Op recv = io->Recv(fd, into);
  *result = co_await recv;
}

inline Task<> ShutdownEndsBothSides(Io* io, std::string address) {
  Pair pair;
  co_await ConnectPair(io, address, &pair);
  int32_t own = 99;
  int32_t far = 99;
  Task<> here = RecvInto(io, pair.client, &own);
  Task<> there = RecvInto(io, pair.server, &far);
  here.Start();
  there.Start();
  Op pause = io->Sleep(absl::Milliseconds(5));
  co_await pause;
  Op shutdown = io->Shutdown(pair.client);
  const int32_t result = co_await shutdown;
  EXPECT_EQ(result, 0);
  co_await here;
  co_await there;
  EXPECT_EQ(own, 0);
  EXPECT_EQ(far, 0);
  const ByteSpan text = AsBytes("x");
  Op send = io->Send(pair.client, text);
  const int32_t sent = co_await send;
  EXPECT_EQ(sent, -EPIPE);
  co_await ClosePair(io, &pair);
}

TEST_P(IoConformance, ShutdownEndsPendingReceives) {
  Finish(io_, ShutdownEndsBothSides(io_, world_->any_address));
}

inline Task<> IsRefused(Io* io, std::string address) {
  Op listen = io->Listen(address);
  const Fd listening = co_await listen;
  std::string target = WithPort(io, listening, address);
  Op second = io->Listen(target);
  int32_t result = co_await second;
  EXPECT_EQ(result, -EADDRINUSE);
  co_await CloseFd(io, listening);
  Op connect = io->Connect(target);
  result = co_await connect;
  EXPECT_EQ(result, -ECONNREFUSED);
  // The port is free again at once.
  Op again = io->Listen(target);
  const Fd reopened = co_await again;
  EXPECT_GE(reopened, 0);
  co_await CloseFd(io, reopened);
}

TEST_P(IoConformance, NobodyListeningMeansRefused) {
  Finish(io_, IsRefused(io_, world_->any_address));
}

inline Task<> ServesMany(Io* io, std::string address) {
  Op listen = io->Listen(address);
  const Fd listening = co_await listen;
  std::string target = WithPort(io, listening, address);
  // Connections made before anybody accepts are kept.
  std::vector<Fd> all;
  for (int i = 0; i < 3; ++i) {
    Op connect = io->Connect(target);
    const Fd client = co_await connect;
    EXPECT_GE(client, 0);
    all.push_back(client);
  }
  for (int i = 0; i < 3; ++i) {
    Op accept = io->Accept(listening);
    const Fd server = co_await accept;
    EXPECT_GE(server, 0);
    all.push_back(server);
  }
  for (const Fd fd : all) co_await CloseFd(io, fd);
  co_await CloseFd(io, listening);
}

TEST_P(IoConformance, ConnectionsWaitToBeAccepted) {
  Finish(io_, ServesMany(io_, world_->any_address));
}

inline Task<> RefusesBadAddresses(Io* io) {
  for (const char* bad : {"", "no port", "127.0.0.1", "127.0.0.1:"}) {
    std::string address = bad;
    Op connect = io->Connect(address);
    const int32_t result = co_await connect;
    EXPECT_EQ(result, -EINVAL) << "'" << bad << "'";
  }
}

TEST_P(IoConformance, AnAddressNeedsAHostAndAPort) { Finish(io_, RefusesBadAddresses(io_)); }

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_IO_CONFORMANCE_SOCKETS_H_
