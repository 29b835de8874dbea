// Goal: sockets as only the kernel has them: passed descriptors, stale socket files, names.
// Method: real sockets.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "agent/io/uring_io.h"
#include "tests/io/pipe.h"
#include "tests/io/story.h"
#include "tests/io/uring_world.h"

namespace tidemark {
namespace {

// A descriptor sent along with `text`.
void SendDescriptor(Fd socket, const std::string& text, std::vector<Fd> passed) {
  iovec memory{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(Fd))] = {};
  msghdr message{};
  message.msg_iov = &memory;
  message.msg_iovlen = 1;
  if (!passed.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(passed.size() * sizeof(Fd));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(passed.size() * sizeof(Fd));
    std::memcpy(CMSG_DATA(header), passed.data(), passed.size() * sizeof(Fd));
  }
  EXPECT_EQ(sendmsg(socket, &message, 0), static_cast<ssize_t>(text.size()));
}

Task<> TakesDescriptor(Io* io, Fd socket, std::string* text, Fd* passed) {
  std::byte memory[64];
  const MutableByteSpan into(memory);
  Op recv = io->RecvWithFd(socket, into, passed);
  const int32_t got = co_await recv;
  EXPECT_GE(got, 0);
  if (got > 0) text->assign(AsText(into.first(static_cast<size_t>(got))));
}

TEST(UringSockets, ADescriptorIsPassedAndMoreThanOneAreClosed) {
  UringWorld world;
  Fd ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Pipe pipe(0);
  std::string text;
  Fd passed = 99;
  SendDescriptor(ends[0], "push this", {pipe.ends[1], pipe.ends[1]});
  Finish(world.io, TakesDescriptor(world.io, ends[1], &text, &passed));
  EXPECT_EQ(text, "push this");
  ASSERT_GE(passed, 0);
  EXPECT_NE(fcntl(passed, F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(write(passed, "x", 1), 1);
  close(passed);
  close(std::exchange(pipe.ends[1], -1));
  char byte;
  EXPECT_EQ(read(pipe.ends[0], &byte, 1), 1);
  EXPECT_EQ(read(pipe.ends[0], &byte, 1), 0) << "the second copy would keep the pipe open";
  SendDescriptor(ends[0], "plain", {});
  Finish(world.io, TakesDescriptor(world.io, ends[1], &text, &passed));
  EXPECT_EQ(text, "plain");
  EXPECT_EQ(passed, -1);
  close(ends[0]);
  close(ends[1]);
}

Task<int32_t> Listens(Io* io, std::string address, uint32_t mode) {
  Op listen = io->Listen(address, mode);
  const int32_t result = co_await listen;
  co_return result;
}

TEST(UringSockets, AStaleUnixSocketIsReplacedAndALiveOneIsNot) {
  UringWorld world;
  const std::string path = world.directory + "/socket";
  const Fd first = Finish(world.io, Listens(world.io, "unix:" + path, 0666));
  ASSERT_GE(first, 0);
  struct stat found;
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0666u);
  EXPECT_EQ(world.io->BoundPort(first), 0);
  EXPECT_EQ(Finish(world.io, Listens(world.io, "unix:" + path, 0600)), -EADDRINUSE);
  close(first);  // as if its process had died: the file stays
  const Fd second = Finish(world.io, Listens(world.io, "unix:" + path, 0600));
  EXPECT_GE(second, 0);
  close(second);
  const std::string file = world.directory + "/file";
  close(open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_EQ(Finish(world.io, Listens(world.io, "unix:" + file, 0600)), -EADDRINUSE);
  EXPECT_EQ(stat(file.c_str(), &found), 0) << "a file that is no socket is left alone";
  const std::string long_path(200, 'x');
  EXPECT_EQ(Finish(world.io, Listens(world.io, "unix:/" + long_path, 0600)), -ENAMETOOLONG);
}

Task<int32_t> Connects(Io* io, std::string address) {
  Op connect = io->Connect(address);
  const int32_t result = co_await connect;
  co_return result;
}

TEST(UringSockets, ConnectsByNameAndToTheSixthVersion) {
  UringWorld world;
  for (const std::string host : {"127.0.0.1", "[::1]"}) {
    const Fd listening = Finish(world.io, Listens(world.io, host + ":0", 0));
    if (listening == -EADDRNOTAVAIL || listening == -EAFNOSUPPORT) continue;  // no IPv6 here
    ASSERT_GE(listening, 0);
    const std::string port = std::to_string(world.io->BoundPort(listening));
    const Fd direct = Finish(world.io, Connects(world.io, host + ":" + port));
    EXPECT_GE(direct, 0);
    close(direct);
    if (host == "127.0.0.1") {
      // localhost may have the other kind of address first: both are tried.
      const Fd by_name = Finish(world.io, Connects(world.io, "localhost:" + port));
      EXPECT_GE(by_name, 0);
      close(by_name);
    }
    close(listening);
  }
  EXPECT_EQ(Finish(world.io, Connects(world.io, "unix:" + world.directory + "/none")), -ENOENT);
}

}  // namespace
}  // namespace tidemark
