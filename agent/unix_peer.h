// Who is at the other end of a unix socket, for the log.
#ifndef TIDEMARK_AGENT_UNIX_PEER_H_
#define TIDEMARK_AGENT_UNIX_PEER_H_

#include <string>

#include "agent/io/op.h"

namespace tidemark {

// "uid 1000 pid 42", by SO_PEERCRED; "unknown" elsewhere.
std::string UnixPeer(Fd socket);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_UNIX_PEER_H_
