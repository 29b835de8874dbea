#include "agent/unix_peer.h"

#include <sys/socket.h>

#include "absl/strings/str_format.h"

namespace tidemark {

std::string UnixPeer(Fd socket) {
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return "unknown";
  return absl::StrFormat("uid %d pid %d", peer.uid, peer.pid);
}

}  // namespace tidemark
