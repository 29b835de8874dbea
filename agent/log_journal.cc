#include "agent/log_journal.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <utility>

namespace tidemark {

LogJournal::LogJournal(std::string path)
    : path_(std::move(path)), fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

LogJournal::~LogJournal() {
  if (fd_ >= 0) close(fd_);
}

bool LogJournal::Send(const std::string& datagram) const {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (fd_ < 0 || path_.size() >= sizeof(to.sun_path)) return false;
  std::memcpy(to.sun_path, path_.data(), path_.size());
  // By address each time: a journald that was started again is found again.
  const ssize_t sent = sendto(fd_, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  return sent == static_cast<ssize_t>(datagram.size());
}

}  // namespace tidemark
