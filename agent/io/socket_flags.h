// Advice for sends and receives, in Op::flags. An Io may leave it aside: results mean the same.
#ifndef TIDEMARK_AGENT_IO_SOCKET_FLAGS_H_
#define TIDEMARK_AGENT_IO_SOCKET_FLAGS_H_

#include <cstdint>

namespace tidemark {

enum SocketFlag : uint32_t {
  kSendMore = 1,   // another send follows at once: one packet may carry both
  kRecvWhole = 2,  // nothing can be done with less than all of it
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_SOCKET_FLAGS_H_
