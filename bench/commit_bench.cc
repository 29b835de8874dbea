// Small durable commits: the machine's own speed, and pushes of 4 KiB through an agent's socket.
//   commit_bench raw SECONDS DIRECTORY...      loops of direct write + fdatasync, one a directory
//   commit_bench echo SECONDS                  4 KiB there and back over loopback
//   commit_bench push SECONDS DEPTH SOCKET     so many callers, each push waits for its commit
// Each prints one line of JSON.
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "agent/call_format.h"
#include "bench/fastcdc.h"
#include "bench/raw_commits.h"

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kPushBytes = 4096;

void Print(const Measured& measured) {
  std::printf("{\"per_second\":%.1f,\"p50_seconds\":%.9f,\"p99_seconds\":%.9f}\n",
              measured.per_second, measured.p50_seconds, measured.p99_seconds);
}

int ConnectTo(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  std::perror(path.c_str());
  std::exit(69);
}

void SendRequest(int fd, const std::string& line, int passed) {
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
  std::memcpy(CMSG_DATA(header), &passed, sizeof(int));
  sendmsg(fd, &message, MSG_NOSIGNAL);
}

// 0 only when it was committed.
bool PushOnce(const std::string& socket, const std::string& request, int source) {
  const int fd = ConnectTo(socket);
  SendRequest(fd, request, source);
  std::string answer;
  char bytes[4096];
  for (ssize_t got; (got = recv(fd, bytes, sizeof(bytes), 0)) > 0;)
    answer.append(bytes, static_cast<size_t>(got));
  close(fd);
  // The last line: notes and progress may stand before it.
  while (!answer.empty() && answer.back() == '\n') answer.pop_back();
  const absl::StatusOr<CallEvent> event = ParseEvent(answer.substr(answer.rfind('\n') + 1));
  const bool committed = event.ok() && std::holds_alternative<ResultEvent>(*event);
  if (!committed) std::fprintf(stderr, "a push was refused: %s\n", answer.c_str());
  return committed;
}

void PushUntil(const std::string& socket, int caller, Clock::time_point end,
               std::atomic<uint64_t>* number, std::vector<double>* latencies) {
  PushCall call;
  call.name = "bench-" + std::to_string(caller);
  call.resume = false;
  const std::string request = EncodeRequest(call);
  const int source = memfd_create("bench", MFD_CLOEXEC);
  std::vector<uint64_t> content(kPushBytes / 8);
  while (Clock::now() < end) {
    const uint64_t seed = ++*number * 0x100000;
    for (size_t i = 0; i < content.size(); ++i) content[i] = Mix64(seed + i);  // always new
    if (pwrite(source, content.data(), kPushBytes, 0) != kPushBytes) std::exit(74);
    const Clock::time_point begin = Clock::now();
    if (!PushOnce(socket, request, source)) std::exit(75);
    latencies->push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  close(source);
}

Measured MeasurePushes(const std::string& socket, int depth, double seconds) {
  const Clock::time_point begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::atomic<uint64_t> number = static_cast<uint64_t>(begin.time_since_epoch().count());
  std::vector<std::vector<double>> latencies(static_cast<size_t>(depth));
  std::vector<std::thread> callers;
  for (int i = 0; i < depth; ++i) {
    callers.emplace_back(PushUntil, std::cref(socket), i, end, &number,
                         &latencies[static_cast<size_t>(i)]);
  }
  for (std::thread& caller : callers) caller.join();
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::vector<double> all;
  for (const std::vector<double>& one : latencies) all.insert(all.end(), one.begin(), one.end());
  return Summarize(std::move(all), took);
}

}  // namespace
}  // namespace tidemark

int main(int argc, char** argv) {
  using namespace tidemark;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) return 64;
  const double seconds = std::atof(words[1].c_str());
  if (words[0] == "raw" && words.size() > 2) {
    Print(MeasureRawLoops({words.begin() + 2, words.end()}, seconds));
  } else if (words[0] == "echo") {
    Print(MeasureEcho(seconds));
  } else if (words[0] == "push" && words.size() == 4) {
    Print(MeasurePushes(words[3], std::atoi(words[2].c_str()), seconds));
  } else {
    return 64;
  }
  return 0;
}
