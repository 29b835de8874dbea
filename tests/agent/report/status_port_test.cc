// Goal: the port answers what was published, refuses what it must, and changes nothing.
#include "agent/report/status_port.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemark {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

int Connected(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  return fd;
}

std::string ToTheEnd(int fd) {
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = recv(fd, buffer, sizeof(buffer), 0)) > 0;)
    answer.append(buffer, static_cast<size_t>(got));
  return answer;
}

// One connection, these bytes, everything that comes back until the end.
std::string Talk(uint16_t port, const std::string& request) {
  const int fd = Connected(port);
  (void)!send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer = ToTheEnd(fd);
  close(fd);
  return answer;
}

std::string Get(uint16_t port, const std::string& path, const std::string& headers = "") {
  return Talk(port,
              "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n");
}

std::unique_ptr<StatusPort> Opened(const std::string& token) {
  StatusPort::Options options;
  options.host = "127.0.0.1";
  options.token = token;
  absl::StatusOr<std::unique_ptr<StatusPort>> port = StatusPort::Open(options);
  EXPECT_TRUE(port.ok()) << port.status();
  return port.ok() ? *std::move(port) : nullptr;
}

void PublishPath(StatusPort* port) {
  port->Publish(std::make_shared<const StatusPort::Pages>(
      [](const std::string& path, absl::Duration) -> HttpAnswer {
        if (path == "/no") return {404, "text/plain", "no such page"};
        return {200, "text/plain", "page " + path};
      }));
}

TEST(StatusPort, AnswersWhatWasPublishedLast) {
  const std::unique_ptr<StatusPort> port = Opened("");
  EXPECT_THAT(Get(port->port(), "/x"), StartsWith("HTTP/1.1 503"));
  PublishPath(port.get());
  const std::string answer = Get(port->port(), "/x?y=z");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("page /x"));
  EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'none'"));
  EXPECT_THAT(Get(port->port(), "/no"), StartsWith("HTTP/1.1 404"));
}

TEST(StatusPort, ATokenIsAskedForEverywhereButOnTheEmptyPage) {
  const std::unique_ptr<StatusPort> port = Opened("secret");
  PublishPath(port.get());
  EXPECT_THAT(Get(port->port(), "/status"), StartsWith("HTTP/1.1 401"));
  for (const char* wrong :
       {"Bearer secre", "Bearer secret2", "Bearer ", "Basic secret", "secret"}) {
    const std::string answer =
        Get(port->port(), "/status", std::string("Authorization: ") + wrong + "\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 403")) << wrong;
    EXPECT_THAT(answer, HasSubstr("the token is wrong"));
  }
  EXPECT_THAT(Get(port->port(), "/status", "Authorization: Bearer secret\r\n"),
              StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get(port->port(), "/"), StartsWith("HTTP/1.1 200")) << "it holds no data";
}

TEST(StatusPort, OnlyReadsAreTaken) {
  const std::unique_ptr<StatusPort> port = Opened("");
  PublishPath(port.get());
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const std::string answer = Talk(port->port(), std::string(method) +
                                                      " /status HTTP/1.1\r\nHost: x\r\nConnection: "
                                                      "close\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405")) << method;
  }
  EXPECT_THAT(Get(port->port(), "/x", "Content-Length: 5000\r\n"), StartsWith("HTTP/1.1 413"));
}

TEST(StatusPort, WhatIsMalformedOrTooLongIsRefusedAndTheNextIsServed) {
  const std::unique_ptr<StatusPort> port = Opened("");
  PublishPath(port.get());
  EXPECT_THAT(Get(port->port(), "/" + std::string(9000, 'x')), StartsWith("HTTP/1.1 414"));
  EXPECT_THAT(Get(port->port(), "/x", "X: " + std::string(100'000, 'y') + "\r\n"),
              StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Talk(port->port(), "this is no HTTP\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  Talk(port->port(), std::string("\0\xff\r\n\r\n", 6));
  EXPECT_THAT(Get(port->port(), "/x"), StartsWith("HTTP/1.1 200"));
}

TEST(StatusPort, ALineThatNeverEndsIsRefusedBeforeItFillsMemory) {
  const std::unique_ptr<StatusPort> port = Opened("");
  PublishPath(port.get());
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'x');
  EXPECT_THAT(Talk(port->port(), endless), StartsWith("HTTP/1.1 431"));
  const std::string lines = [] {
    std::string all = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 4000; ++i) all += "X-" + std::to_string(i) + ": y\r\n";
    return all;
  }();
  EXPECT_THAT(Talk(port->port(), lines), HasSubstr("at most 16384 bytes"));
  EXPECT_THAT(Get(port->port(), "/x"), StartsWith("HTTP/1.1 200"));
}

TEST(StatusPort, AByteASecondDoesNotHoldAThread) {
  const std::unique_ptr<StatusPort> port = Opened("");
  PublishPath(port.get());
  const int fd = Connected(port->port());
  std::string answer;
  for (int i = 0; i < 40 && answer.empty(); ++i) {
    (void)!send(fd, "G", 1, MSG_NOSIGNAL);
    pollfd waiting{fd, POLLIN, 0};
    if (poll(&waiting, 1, 250) > 0) answer = ToTheEnd(fd);
  }
  close(fd);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 408"));
  EXPECT_THAT(answer, HasSubstr("in 3 seconds"));
}

TEST(StatusPort, AConnectionServesManyRequests) {
  const std::unique_ptr<StatusPort> port = Opened("");
  PublishPath(port.get());
  std::string requests;
  for (int i = 0; i < 200; ++i)
    requests += "GET /" + std::to_string(i) +
                " HTTP/1.1\r\nHost: x\r\nX: " + std::string(300, 'x') +
                (i == 199 ? "\r\nConnection: close" : "") + "\r\n\r\n";
  const std::string answers = Talk(port->port(), requests);
  EXPECT_THAT(answers, HasSubstr("page /0"));
  EXPECT_THAT(answers, HasSubstr("page /199")) << "the bound is of a request, not of them all";
}

TEST(StatusPort, PagesAreGivenWhole) {
  const std::unique_ptr<StatusPort> port = Opened("");
  port->Publish(std::make_shared<const StatusPort::Pages>(
      [](const std::string&, absl::Duration) -> HttpAnswer {
        return {200, "text/plain", std::string(100000, 'x')};
      }));
  std::string ranges = "Range: bytes=0-";
  for (int i = 0; i < 100; ++i) ranges += ",0-";
  const std::string answer = Get(port->port(), "/", ranges + "\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 416"));
  EXPECT_LT(answer.size(), 100000u);
}

TEST(StatusPort, APortIsNotSharedInSilence) {
  const std::unique_ptr<StatusPort> port = Opened("");
  StatusPort::Options options;
  options.host = "127.0.0.1";
  options.port = port->port();
  EXPECT_EQ(StatusPort::Open(options).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(StatusPort, LoopbackIsKnown) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"})
    EXPECT_TRUE(IsLoopback(host)) << host;
  for (const char* host :
       {"0.0.0.0", "10.0.0.1", "::", "status.example", "1127.0.0.1", "127.example.org"})
    EXPECT_FALSE(IsLoopback(host)) << host;
}

}  // namespace
}  // namespace tidemark
