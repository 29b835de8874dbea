#include "bench/raw_commits.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kBytes = 4096;
constexpr size_t kFileBytes = size_t{64} << 20;

double Since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void Must(bool held, const char* what) {
  if (held) return;
  std::perror(what);
  std::exit(74);
}

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};
using Aligned = std::unique_ptr<void, Freed>;

// Written once before, so that no write allocates or converts extents.
int MakeFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
  Must(fd >= 0, path.c_str());
  const Aligned zeros(std::aligned_alloc(kBytes, size_t{1} << 20));
  std::memset(zeros.get(), 0, size_t{1} << 20);
  for (size_t at = 0; at < kFileBytes; at += size_t{1} << 20)
    Must(pwrite(fd, zeros.get(), size_t{1} << 20, static_cast<off_t>(at)) > 0, "fill");
  Must(fsync(fd) == 0, "flush");
  return fd;
}

void WriteAndFlush(int fd, double seconds, std::vector<double>* latencies) {
  const Aligned bytes(std::aligned_alloc(kBytes, kBytes));
  std::memset(bytes.get(), 0x5a, kBytes);
  const Clock::time_point begin = Clock::now();
  for (size_t at = 0; Since(begin) < seconds; at = (at + kBytes) % kFileBytes) {
    const Clock::time_point started = Clock::now();
    Must(pwrite(fd, bytes.get(), kBytes, static_cast<off_t>(at)) == kBytes, "write");
    Must(fdatasync(fd) == 0, "fdatasync");
    latencies->push_back(Since(started));
  }
}

void MoveAll(int fd, char* bytes, ssize_t (*move)(int, void*, size_t)) {
  for (size_t done = 0; done < kBytes;) {
    const ssize_t moved = move(fd, bytes + done, kBytes - done);
    if (moved <= 0) return;
    done += static_cast<size_t>(moved);
  }
}
ssize_t Receive(int fd, void* bytes, size_t size) { return recv(fd, bytes, size, 0); }
ssize_t Send(int fd, void* bytes, size_t size) { return send(fd, bytes, size, MSG_NOSIGNAL); }

}  // namespace

Measured Summarize(std::vector<double> latencies, double seconds) {
  if (latencies.empty()) return {};
  std::sort(latencies.begin(), latencies.end());
  return {static_cast<double>(latencies.size()) / seconds, latencies[latencies.size() / 2],
          latencies[latencies.size() * 99 / 100]};
}

Measured MeasureRawLoops(const std::vector<std::string>& directories, double seconds) {
  std::vector<int> files;
  std::vector<std::vector<double>> latencies(directories.size());
  for (const std::string& directory : directories) files.push_back(MakeFile(directory + "/raw"));
  std::vector<std::thread> loops;
  for (size_t i = 0; i < files.size(); ++i)
    loops.emplace_back(WriteAndFlush, files[i], seconds, &latencies[i]);
  for (std::thread& loop : loops) loop.join();
  std::vector<double> all;
  for (size_t i = 0; i < files.size(); ++i) {
    close(files[i]);
    unlink((directories[i] + "/raw").c_str());
    all.insert(all.end(), latencies[i].begin(), latencies[i].end());
  }
  return Summarize(std::move(all), seconds * static_cast<double>(files.size()));
}

Measured MeasureEcho(double seconds) {
  const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* where = reinterpret_cast<sockaddr*>(&address);
  Must(bind(listening, where, length) == 0 && listen(listening, 1) == 0, "listen");
  Must(getsockname(listening, where, &length) == 0, "getsockname");
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  Must(connect(client, where, length) == 0, "connect");
  const int server = accept(listening, nullptr, nullptr);
  const int on = 1;
  for (const int fd : {client, server}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  std::thread echo([server] {
    char bytes[kBytes];
    while (recv(server, bytes, 1, MSG_PEEK) > 0) {
      MoveAll(server, bytes, Receive);
      MoveAll(server, bytes, Send);
    }
  });
  std::vector<double> latencies;
  char bytes[kBytes] = {};
  const Clock::time_point begin = Clock::now();
  while (Since(begin) < seconds) {
    const Clock::time_point started = Clock::now();
    MoveAll(client, bytes, Send);
    MoveAll(client, bytes, Receive);
    latencies.push_back(Since(started));
  }
  shutdown(client, SHUT_RDWR);
  echo.join();
  for (const int fd : {client, server, listening}) close(fd);
  return Summarize(std::move(latencies), seconds);
}

}  // namespace tidemark
