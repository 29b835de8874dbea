// Goal: the simulated network fails as TCP does, and heals as TCP does.
// Method: two or three nodes, one conversation each, and the fault under test.
#include "tests/sim/sim_net.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "agent/io/sync.h"
#include "agent/io/transfer.h"
#include "tests/sim/sim_world.h"

namespace tidemark {
namespace {

// Listens, accepts one connection and receives until the stream ends.
struct Server {
  explicit Server(SimIo* on) : io_(on), story(Serve()) { story.Start(); }
  Io* io() const { return io_; }
  Task<> Serve() {
    std::string address = "0.0.0.0:7000";
    Op listen = io_->Listen(address);
    listening = co_await listen;
    Op accept = io_->Accept(listening);
    socket = co_await accept;
    std::byte memory[4096];
    const MutableByteSpan into(memory);
    while (reading) {
      Op recv = io_->Recv(socket, into);
      last = co_await recv;
      if (last <= 0) break;
      received.append(AsText(into.first(static_cast<size_t>(last))));
    }
  }
  Io* io_;
  Fd listening = -1, socket = -1;
  int32_t last = 99;
  bool reading = true;
  std::string received;
  Task<> story;
};

// Connects and then does what it is told: each Say sends one text.
struct Client {
  explicit Client(SimIo* on, std::string to = "b:7000") : io_(on), address(to), story(Dial()) {
    story.Start();
  }
  Io* io() const { return io_; }
  Task<> Dial() {
    Op connect = io_->Connect(address);
    socket = co_await connect;
  }
  void Say(std::string text) {
    talks.push_back(SayIt(std::move(text)));
    talks.back().Start();
  }
  Task<> SayIt(std::string text) {
    const ByteSpan from = AsBytes(text);
    size_t done = 0;
    while (done < from.size()) {
      const ByteSpan rest = from.subspan(done);
      Op send = io_->Send(socket, rest);
      last = co_await send;
      if (last < 0) co_return;
      done += static_cast<size_t>(last);
      sent += static_cast<size_t>(last);
    }
  }
  void Listen() {
    talks.push_back(ReceiveOnce());
    talks.back().Start();
  }
  Task<> ReceiveOnce() {
    std::byte memory[64];
    const MutableByteSpan into(memory);
    Op recv = io_->Recv(socket, into);
    heard = co_await recv;
  }
  Io* io_;
  std::string address;
  Fd socket = 99;
  int32_t last = 99, heard = 99;
  size_t sent = 0;
  Task<> story;
  std::list<Task<>> talks;
};

struct TwoNodes {
  explicit TwoNodes(FaultOptions faults = {}) : world(1, faults) {
    a = world.AddNode("a");
    b = world.AddNode("b");
    server.emplace(world.io(b));
    world.RunFor(absl::Milliseconds(1));
    client.emplace(world.io(a));
  }
  void Connect() {
    ASSERT_TRUE(world.Run([&] { return client->socket != 99 && server->socket != -1; }));
    ASSERT_GE(client->socket, 0);
  }
  SimWorld world;
  int a, b;
  std::optional<Server> server;
  std::optional<Client> client;
};

TEST(SimNet, BytesArriveInOrder) {
  TwoNodes two;
  two.Connect();
  std::string text(100000, '\0');
  for (size_t at = 0; at < text.size(); ++at) text[at] = static_cast<char>(at * 31 >> 3);
  two.client->Say(text);
  EXPECT_TRUE(two.world.Run([&] { return two.server->received.size() == text.size(); }));
  EXPECT_TRUE(two.server->received == text);
}

TEST(SimNet, ASenderWaitsForAReaderThatDoesNotRead) {
  FaultOptions faults;
  faults.send_window_bytes = 10000;
  TwoNodes two(faults);
  two.server->reading = false;
  two.Connect();
  two.client->Say(std::string(50000, 'x'));
  two.world.RunFor(absl::Hours(1));
  EXPECT_EQ(two.client->sent, 10000u);
}

TEST(SimNet, BlockedBytesWaitForTheHealing) {
  TwoNodes two;
  two.Connect();
  two.world.Block(two.a, two.b);
  two.client->Say("late");
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->sent, 4u);
  EXPECT_EQ(two.server->received, "");
  two.world.Heal(two.a, two.b);
  EXPECT_TRUE(two.world.Run([&] { return two.server->received == "late"; }, absl::Seconds(1)));
}

TEST(SimNet, AOneWayBlockLetsTheOtherWayThrough) {
  TwoNodes two;
  two.Connect();
  two.world.BlockOneWay(two.b, two.a);
  two.client->Say("heard");
  EXPECT_TRUE(two.world.Run([&] { return two.server->received == "heard"; }, absl::Seconds(1)));
}

TEST(SimNet, SilenceEndsOnlyTheEndThatWaitsForAnAnswer) {
  FaultOptions faults;
  faults.silence_timeout_us = 700000;
  TwoNodes two(faults);
  two.Connect();
  two.world.Block(two.a, two.b);
  two.client->Say("lost");
  two.client->Listen();
  EXPECT_TRUE(two.world.Run([&] { return two.client->heard != 99; }, absl::Seconds(2)));
  EXPECT_EQ(two.client->heard, -ETIMEDOUT);
  EXPECT_EQ(two.server->last, 99) << "half open: the other end knows nothing";
  two.world.HealAll();
  two.world.RunFor(absl::Seconds(5));
  EXPECT_EQ(two.server->received, "");
}

TEST(SimNet, ALossyBlockBreaksTheConnectionsThatUsedIt) {
  TwoNodes two;
  two.Connect();
  two.world.Block(two.a, two.b, /*lossy=*/true);
  two.client->Say("lost");
  two.client->Listen();
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->heard, 99);
  two.world.HealAll();
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->heard, -ECONNRESET);
  EXPECT_EQ(two.server->last, -ECONNRESET);
}

TEST(SimNet, AnErrorIsToldOnceThenTheStreamHasEnded) {
  TwoNodes two;
  two.Connect();
  two.world.ResetConnections(two.a, two.b);
  two.client->Listen();
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->heard, -ECONNRESET);
  two.client->Listen();
  two.client->Say("x");
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->heard, 0);
  EXPECT_EQ(two.client->last, -EPIPE);
}

TEST(SimNet, ConnectingFailsAsItShould) {
  TwoNodes two;
  two.Connect();
  Client nobody(two.world.io(two.a), "b:7001"), unknown(two.world.io(two.a), "c:7000");
  Client by_number(two.world.io(two.a), "10.0.0.2:7000");
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(nobody.socket, -ECONNREFUSED);
  EXPECT_EQ(unknown.socket, -EHOSTUNREACH);
  EXPECT_GE(by_number.socket, 0);
}

TEST(SimNet, ABlockedConnectTimesOutOrIsMadeAfterTheHealing) {
  FaultOptions faults;
  faults.connect_timeout_us = 3000000;
  TwoNodes two(faults);
  two.world.Block(two.a, two.b);
  two.world.RunFor(absl::Seconds(2));
  EXPECT_EQ(two.client->socket, 99);
  Client second(two.world.io(two.a));
  two.world.RunFor(absl::Seconds(2));
  EXPECT_EQ(two.client->socket, -ETIMEDOUT);
  two.world.HealAll();
  two.world.RunFor(absl::Seconds(2));
  EXPECT_GE(second.socket, 0);
}

TEST(SimNet, ACrashIsSeenAsAReset) {
  TwoNodes two;
  two.Connect();
  two.client->Listen();
  two.world.Crash(two.b);
  two.server.reset();
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->heard, -ECONNRESET);
  Client again(two.world.io(two.a));
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(again.socket, -ECONNREFUSED);
}

TEST(SimNet, ASilentCrashIsNoticedBySendingAfterTheRestart) {
  FaultOptions faults;
  faults.silent_crash_ppm = 1000000;
  TwoNodes two(faults);
  two.Connect();
  two.client->Listen();
  two.world.Crash(two.b);
  two.server.reset();
  two.world.RunFor(absl::Hours(1));
  EXPECT_EQ(two.client->heard, 99);
  two.world.Restart(two.b);
  two.client->Say("still there?");
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->heard, -ECONNRESET);
}

TEST(SimNet, AKilledProcessEndsItsConnections) {
  TwoNodes two;
  two.Connect();
  two.client->Listen();
  two.world.Kill(two.b);
  two.server.reset();
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->heard, 0);
  two.client->Say("x");
  two.world.RunFor(absl::Seconds(1));
  two.client->Say("y");
  two.world.RunFor(absl::Seconds(1));
  EXPECT_EQ(two.client->last, -ECONNRESET);
}

TEST(SimNet, RandomResetsHitBothEnds) {
  FaultOptions faults;
  faults.reset_ppm = 200000;
  TwoNodes two(faults);
  two.Connect();
  two.client->Say(std::string(1000000, 'x'));
  two.world.RunFor(absl::Minutes(1));
  EXPECT_LT(two.client->last, 0);
  EXPECT_EQ(two.server->last, -ECONNRESET);
  EXPECT_LT(two.server->received.size(), 1000000u);
}

Task<> SendsAFile(Io* io, SimIo* sim, Fd* listening, std::string path) {
  std::string address = "unix:/agent.sock";
  Op connect = io->Connect(address);
  const Fd socket = co_await connect;
  Op open = io->Open(path, kOpenRead);
  const Fd file = co_await open;
  sim->PassFile(socket, file);
  const ByteSpan text = AsBytes("take this");
  absl::Status sent = co_await SendFully(io, socket, text);
  EXPECT_TRUE(sent.ok()) << sent;
  Op close = io->Close(file);
  co_await close;
  *listening = socket;
}

Task<> TakesAFile(Io* io, std::string* content) {
  std::string address = "unix:/agent.sock";
  Op listen = io->Listen(address);
  const Fd listening = co_await listen;
  Op accept = io->Accept(listening);
  const Fd socket = co_await accept;
  std::byte memory[64];
  const MutableByteSpan into(memory);
  Fd passed = -1;
  Op recv = io->RecvWithFd(socket, into, &passed);
  const int32_t got = co_await recv;
  EXPECT_GT(got, 0);
  EXPECT_GE(passed, 0);
  absl::StatusOr<size_t> read = co_await ReadUpTo(io, passed, into, 0);
  *content = std::string(AsText(into.first(read.value_or(0))));
}

TEST(SimNet, AnOpenFileTravelsThroughAUnixSocket) {
  SimWorld world(1);
  const int agent = world.AddNode("agent"), cli = world.AddNode("cli", agent);
  world.disk(cli)->WriteFile("/archive", "content");
  std::string content;
  Fd socket = -1;
  Task<> taking = TakesAFile(world.io(agent), &content);
  taking.Start();
  world.RunFor(absl::Milliseconds(1));
  Task<> sending = SendsAFile(world.io(cli), world.io(cli), &socket, "/archive");
  sending.Start();
  EXPECT_TRUE(world.Run([&] { return taking.done() && sending.done(); }));
  EXPECT_EQ(content, "content");
}

}  // namespace
}  // namespace tidemark
