// Goal: a call over a real unix socket reaches the service with its descriptor, is answered, and is
// cancelled when its caller goes. Method: the command line's own client on a second thread.
#include "agent/control_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <future>
#include <optional>

#include "agent/cli/client.h"
#include "agent/failure.h"
#include "agent/io/transfer.h"
#include "agent/report_json.h"
#include "agent/unix_peer.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

using ::testing::HasSubstr;

// Answers from what it is told; a push reads its source to the end or waits to be cancelled.
class FakeService : public AgentService {
 public:
  Task<absl::StatusOr<RpoReport>> Rpo(RpoCall, Call*) override {
    co_return absl::UnimplementedError("no receipts here");
  }
  explicit FakeService(Io* io) : io_(io), cancelled_(io) {}
  Io* io() const { return io_; }

  Task<absl::StatusOr<PushReport>> Push(PushCall call, tidemark::Call* events) override {
    last_push = call;
    events->Note("reading");
    if (call.name == "wait") {
      events->OnCancel([this] { WakeUp(); });
      waiting = true;
      while (!woken_) co_await cancelled_.Wait();
      was_cancelled = true;
      co_return absl::CancelledError("the caller went away");
    }
    if (call.name == "full") co_return WithHint(absl::ResourceExhaustedError("site full"), "grow");
    std::vector<std::byte> memory(1 << 16);
    const MutableByteSpan into(memory);
    absl::StatusOr<size_t> got = co_await ReadUpTo(io_, call.source, into, kNoOffset);
    if (!got.ok()) co_return got.status();
    for (int i = 0; i < notes; ++i) events->Note(std::string(1000, 'n'));
    PushReport report;
    report.archive = call.name;
    report.vault = call.vault;
    report.source_bytes = *got;
    co_return report;
  }
  Task<absl::StatusOr<RestoreReport>> Restore(RestoreCall call, tidemark::Call* events) override {
    events->Progress(1, 2);
    const ByteSpan text = AsBytes("restored");
    absl::Status written = co_await WriteFully(io_, call.output, text, kNoOffset);
    if (!written.ok()) co_return written;
    RestoreReport report;
    report.archive = call.name;
    co_return report;
  }
  Task<absl::StatusOr<VerifyReport>> Verify(VerifyCall, tidemark::Call*) override {
    co_return VerifyReport{};
  }
  absl::StatusOr<ReplaceReport> Replace(ReplaceCall call) override {
    ReplaceReport report;
    report.site = call.site;
    return report;
  }
  absl::StatusOr<std::vector<ListedVersion>> List(const std::string& vault,
                                                  const std::string*) override {
    if (vault != "default") return absl::NotFoundError("no vault " + vault);
    return std::vector<ListedVersion>(1);
  }
  StatusReport Status() override {
    StatusReport report;
    report.status = "ok";
    return report;
  }
  void WakeUp() {
    woken_ = true;
    cancelled_.WakeAll();
  }

  PushCall last_push;
  bool waiting = false, was_cancelled = false;
  int notes = 0;

 private:
  Io* io_;
  bool woken_ = false;
  Event cancelled_;
};

// The daemon's side on this thread, until `done` says so on the pipe.
struct Daemon {
  Daemon()
      : service(world.io),
        log(
            LogLevel::kDebug, [] { return absl::UnixEpoch(); },
            [this](const std::string& line) { logged += line; }) {
    options.path = world.directory + "/agent.sock";
    EXPECT_EQ(pipe2(done, O_CLOEXEC), 0);
  }
  ~Daemon() {
    close(done[0]);
    close(done[1]);
  }
  UringWorld world;
  FakeService service;
  std::string logged;
  Logger log;
  ControlSocketOptions options;
  std::unique_ptr<ControlSocket> socket;
  std::promise<void> open;
  int done[2];
};

Task<> StopWhenDone(Io* io, Daemon* daemon) {
  std::byte memory[1];
  const MutableByteSpan into(memory);
  Op read = io->Read(daemon->done[0], into, kNoOffset);
  co_await read;
  daemon->socket->Stop();
}

Task<> Serve(Io* io, Daemon* daemon) {
  ControlSocketOptions options = daemon->options;
  absl::StatusOr<std::unique_ptr<ControlSocket>> socket =
      co_await ControlSocket::Open(io, std::move(options), &daemon->service, &daemon->log);
  EXPECT_TRUE(socket.ok()) << socket.status();
  if (!socket.ok()) co_return;
  daemon->socket = *std::move(socket);
  daemon->open.set_value();
  TaskGroup helpers(io);
  helpers.Spawn(StopWhenDone(io, daemon));
  absl::Status served = co_await daemon->socket->Serve();
  EXPECT_TRUE(served.ok()) << served;
  co_await helpers.Join();
}

// Runs `client` on a thread of its own once the socket is open, while the daemon serves here.
template <class Client>
auto With(Daemon* daemon, Client client) {
  auto answer = std::async(std::launch::async, [daemon, client] {
    daemon->open.get_future().wait();
    auto result = client();
    EXPECT_EQ(write(daemon->done[1], "x", 1), 1);
    return result;
  });
  Task<> serving = Serve(daemon->world.io, daemon);
  serving.Start();
  daemon->world.io->Run();
  EXPECT_TRUE(serving.done());
  return answer.get();
}

absl::StatusOr<std::string> Ask(const std::string& path, const CallRequest& request, int passed,
                                std::vector<std::string>* notes = nullptr) {
  const Interrupt interrupt;
  CallListener listener;
  if (notes != nullptr)
    listener.note = [notes](const std::string& line) { notes->push_back(line); };
  return CallAgent(path, request, passed, interrupt, listener);
}

TEST(ControlSocket, APushReachesTheServiceWithItsDescriptor) {
  Daemon daemon;
  int source[2];
  ASSERT_EQ(pipe2(source, O_CLOEXEC), 0);
  ASSERT_EQ(write(source[1], "twelve bytes", 12), 12);
  close(source[1]);
  PushCall call;
  call.name = "x";
  call.vault = "other";
  call.wait_all = true;
  std::vector<std::string> notes;
  const absl::StatusOr<std::string> answer =
      With(&daemon, [&] { return Ask(daemon.options.path, call, source[0], &notes); });
  ASSERT_TRUE(answer.ok()) << answer.status();
  const absl::StatusOr<PushReport> report = ParsePushReport(*answer);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->source_bytes, 12u);
  EXPECT_EQ(report->vault, "other");
  EXPECT_TRUE(daemon.service.last_push.wait_all);
  EXPECT_THAT(notes, ::testing::ElementsAre("reading"));
  close(source[0]);
}

TEST(ControlSocket, ARestoreWritesToTheCallersDescriptor) {
  Daemon daemon;
  int output[2];
  ASSERT_EQ(pipe2(output, O_CLOEXEC), 0);
  RestoreCall call;
  call.name = "x";
  const absl::StatusOr<std::string> answer =
      With(&daemon, [&] { return Ask(daemon.options.path, call, output[1]); });
  ASSERT_TRUE(answer.ok()) << answer.status();
  close(output[1]);
  char text[64];
  EXPECT_EQ(read(output[0], text, sizeof(text)), 8);
  EXPECT_EQ(read(output[0], text, sizeof(text)), 0) << "the daemon must not keep the descriptor";
  close(output[0]);
}

TEST(ControlSocket, AFailureKeepsCodeMessageAndHint) {
  Daemon daemon;
  PushCall call;
  call.name = "full";
  const absl::StatusOr<std::string> answer =
      With(&daemon, [&] { return Ask(daemon.options.path, call, STDIN_FILENO); });
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(HintOf(answer.status()), "grow");
}

TEST(ControlSocket, QueriesNeedNoDescriptorButAPushDoes) {
  Daemon daemon;
  PushCall push;
  push.name = "x";
  const std::vector<absl::Status> statuses = With(&daemon, [&] {
    const std::string& path = daemon.options.path;
    return std::vector<absl::Status>{
        Ask(path, StatusCall{}, -1).status(), Ask(path, ListCall{}, -1).status(),
        Ask(path, ListCall{"none", {}}, -1).status(), Ask(path, VerifyCall{}, -1).status(),
        Ask(path, push, -1).status()};
  });
  EXPECT_TRUE(statuses[0].ok()) << statuses[0];
  EXPECT_TRUE(statuses[1].ok()) << statuses[1];
  EXPECT_EQ(statuses[2].code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(statuses[3].ok()) << statuses[3];
  EXPECT_EQ(statuses[4].code(), absl::StatusCode::kInvalidArgument);
}

int RawConnection(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

std::string Everything(int fd) {
  std::string text;
  char memory[4096];
  for (ssize_t got = 1; got > 0;) {
    got = recv(fd, memory, sizeof(memory), 0);
    if (got > 0) text.append(memory, static_cast<size_t>(got));
  }
  close(fd);
  return text;
}

TEST(ControlSocket, AStrangerIsRefusedAndOthersAreServed) {
  Daemon daemon;
  const std::string answer = With(&daemon, [&] {
    const int silent = RawConnection(daemon.options.path);
    const int stranger = RawConnection(daemon.options.path);
    EXPECT_EQ(send(stranger, "GET / HTTP/1.1\n", 15, MSG_NOSIGNAL), 15);
    const std::string text = Everything(stranger);
    EXPECT_TRUE(Ask(daemon.options.path, StatusCall{}, -1).ok());
    close(silent);
    return text;
  });
  EXPECT_THAT(answer, HasSubstr("not a request"));
}

TEST(ControlSocket, SilenceIsNotWaitedForForEver) {
  Daemon daemon;
  daemon.options.request_limit = absl::Milliseconds(20);
  const std::string answer =
      With(&daemon, [&] { return Everything(RawConnection(daemon.options.path)); });
  EXPECT_THAT(answer, HasSubstr("did not come whole"));
}

TEST(ControlSocket, OneMoreThanTheLimitIsToldToTryAgain) {
  Daemon daemon;
  daemon.options.connections_max = 1;
  const absl::Status second = With(&daemon, [&] {
    const int first = RawConnection(daemon.options.path);
    const Interrupt interrupt;
    absl::Status status =
        CallAgent(daemon.options.path, StatusCall{}, -1, interrupt, CallListener{}).status();
    close(first);
    return status;
  });
  EXPECT_EQ(ExitOf(second), kExitTryAgain) << second;
}

TEST(ControlSocket, ACallerThatGoesAwayCancelsItsCall) {
  Daemon daemon;
  PushCall call;
  call.name = "wait";
  With(&daemon, [&] {
    const int fd = RawConnection(daemon.options.path);
    int source[2];
    EXPECT_EQ(pipe2(source, O_CLOEXEC), 0);
    // The request as the client sends it, by a caller that dies at once.
    const std::string line = EncodeRequest(call);
    iovec piece = {const_cast<char*>(line.data()), line.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    *reinterpret_cast<int*>(CMSG_DATA(header)) = source[0];
    EXPECT_GT(sendmsg(fd, &message, MSG_NOSIGNAL), 0);
    char first[1];
    EXPECT_EQ(recv(fd, first, 1, 0), 1) << "the note: the call is running";
    close(fd);
    close(source[0]);
    // The daemon closes its copy of the pipe only when the call has ended.
    pollfd readers = {source[1], 0, 0};
    EXPECT_EQ(poll(&readers, 1, -1), 1);
    EXPECT_NE(readers.revents & POLLERR, 0);
    close(source[1]);
    return true;
  });
  EXPECT_TRUE(daemon.service.was_cancelled);
}

TEST(ControlSocket, StoppingCancelsCallsAndSaysSo) {
  Daemon daemon;
  PushCall call;
  call.name = "wait";
  const absl::Status status = With(&daemon, [&] {
    const Interrupt interrupt;
    CallListener listener;
    listener.note = [&daemon](const std::string&) { EXPECT_EQ(write(daemon.done[1], "x", 1), 1); };
    return CallAgent(daemon.options.path, call, STDIN_FILENO, interrupt, listener).status();
  });
  EXPECT_EQ(ExitOf(status), kExitTryAgain) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("stopping"));
  EXPECT_NE(access(daemon.options.path.c_str(), F_OK), 0) << "the path is gone";
}

TEST(ControlSocket, ACallerThatDoesNotReadLosesNotesNotItsResult) {
  Daemon daemon;
  daemon.service.notes = 2000;  // 2 MB: more than is kept
  int source[2];
  ASSERT_EQ(pipe2(source, O_CLOEXEC), 0);
  close(source[1]);
  PushCall call;
  call.name = "x";
  std::vector<std::string> notes;
  const absl::StatusOr<std::string> answer =
      With(&daemon, [&] { return Ask(daemon.options.path, call, source[0], &notes); });
  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_LT(notes.size(), 2000u);
  EXPECT_GT(notes.size(), 10u);
  close(source[0]);
}

TEST(ControlSocket, WhoMovesDataIsLogged) {
  Daemon daemon;
  daemon.options.peer = UnixPeer;
  RestoreCall call;
  call.name = "secret-name";
  const absl::StatusOr<std::string> answer =
      With(&daemon, [&] { return Ask(daemon.options.path, call, STDERR_FILENO); });
  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(daemon.logged, HasSubstr("info  restore by uid " + std::to_string(getuid())));
  EXPECT_EQ(daemon.logged.find("secret-name"), std::string::npos);
}

TEST(ControlSocket, ItsModeSaysWhoMayUseIt) {
  Daemon daemon;
  daemon.options.mode = 0666;
  const mode_t mode = With(&daemon, [&] {
    EXPECT_TRUE(Ask(daemon.options.path, StatusCall{}, -1).ok());
    struct stat found{};
    EXPECT_EQ(stat(daemon.options.path.c_str(), &found), 0);
    return found.st_mode;
  });
  EXPECT_EQ(mode & 0777, 0666u);
}

TEST(Client, NobodyServingIsUnreachable) {
  const Interrupt interrupt;
  const absl::Status status =
      CallAgent("/nonexistent/agent.sock", StatusCall{}, -1, interrupt, CallListener{}).status();
  EXPECT_EQ(ExitOf(status), kExitUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent/agent.sock"));
  EXPECT_FALSE(HintOf(status).empty());
}

TEST(Client, AnAgentThatDiesInACallLeavesTheOutcomeUnknown) {
  UringWorld world;
  const std::string path = world.directory + "/dying.sock";
  const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listening, 1), 0);
  auto dying = std::async(std::launch::async, [listening] {
    const int fd = accept(listening, nullptr, nullptr);
    char memory[4096];
    EXPECT_GT(recv(fd, memory, sizeof(memory), 0), 0);
    close(fd);
  });
  const Interrupt interrupt;
  const absl::Status status = CallAgent(path, StatusCall{}, -1, interrupt, CallListener{}).status();
  EXPECT_EQ(ExitOf(status), kExitTryAgain) << status;
  dying.get();
  close(listening);
}

}  // namespace
}  // namespace tidemark
