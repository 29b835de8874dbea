#include "agent/cli/client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "absl/strings/str_format.h"
#include "agent/failure.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

class Socket {
 public:
  Socket() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

absl::Status ConnectFailed(const std::string& path, int error) {
  const std::string what =
      absl::StrFormat("the agent is not reachable at socket %s: %s", path, std::strerror(error));
  if (error == EACCES || error == EPERM) {
    return WithHint(absl::PermissionDeniedError(what),
                    "the socket's mode says who may use it: join its group (tidemark)");
  }
  return WithHint(absl::UnavailableError(what),
                  "start it with `tidemark agent run --config FILE`, or name its socket in "
                  "TIDEMARK_SOCKET; --kit restores without it");
}

absl::Status ConnectTo(const Socket& socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrFormat("socket path %s is longer than %d bytes",
                                                      path, sizeof(address.sun_path) - 1));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const auto* target = reinterpret_cast<const sockaddr*>(&address);
  if (connect(socket.fd(), target, sizeof(address)) == 0) return absl::OkStatus();
  return ConnectFailed(path, errno);
}

absl::Status AgentEnded() {
  return WithHint(absl::AbortedError("the agent ended before it answered; nothing that was "
                                     "committed is lost, the outcome of this call is unknown"),
                  "the version may still appear: look with `tidemark list`, or repeat with the "
                  "same --idempotency-key");
}

// The descriptor rides on the first byte; the rest follows plainly.
bool SendWithDescriptor(int fd, const std::string& line, int passed) {
  iovec piece = {const_cast<char*>(line.data()), line.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (passed >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &passed, sizeof(int));
  }
  ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  if (sent < 0) return false;
  for (size_t done = static_cast<size_t>(sent); done < line.size();) {
    sent = send(fd, line.data() + done, line.size() - done, MSG_NOSIGNAL);
    if (sent < 0) return false;
    done += static_cast<size_t>(sent);
  }
  return true;
}

// Takes whole lines off the front of `text` and tells of them. A value ends the call.
std::optional<absl::StatusOr<std::string>> Hear(std::string* text, const CallListener& listener) {
  for (size_t end = text->find('\n'); end != std::string::npos; end = text->find('\n')) {
    const absl::StatusOr<CallEvent> event = ParseEvent(text->substr(0, end));
    text->erase(0, end + 1);
    if (!event.ok()) return event.status();
    if (const auto* result = std::get_if<ResultEvent>(&*event)) return result->json;
    if (const auto* error = std::get_if<ErrorEvent>(&*event)) return error->status;
    if (const auto* note = std::get_if<NoteEvent>(&*event)) {
      if (listener.note) listener.note(note->line);
    } else if (const auto* progress = std::get_if<ProgressEvent>(&*event)) {
      if (listener.progress) listener.progress(progress->done_bytes, progress->total_bytes);
    }
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::string> CallAgent(const std::string& path, const CallRequest& request,
                                      int passed, const Interrupt& interrupt,
                                      const CallListener& listener) {
  const Socket socket;
  if (socket.fd() < 0) return ErrnoStatus(-errno, "make a unix socket");
  const absl::Status connected = ConnectTo(socket, path);
  if (!connected.ok()) return connected;
  // An agent that refuses at once (it is full) has answered before it read.
  const bool sent = SendWithDescriptor(socket.fd(), EncodeRequest(request), passed);
  std::string text;
  char memory[16384];
  while (interrupt.WaitFor(socket.fd())) {
    const ssize_t got = recv(socket.fd(), memory, sizeof(memory), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return AgentEnded();
    text.append(memory, static_cast<size_t>(got));
    std::optional<absl::StatusOr<std::string>> outcome = Hear(&text, listener);
    if (outcome.has_value()) return *std::move(outcome);
    if (!sent) return AgentEnded();
  }
  return InterruptedStatus();
}

}  // namespace tidemark
