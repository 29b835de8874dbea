// Listens to the simulated network: hands out the control messages that sites and agents send, at
// the instant at which they leave. Data connections are passed by.
#ifndef TIDEMARK_TESTS_SIM_WIRE_TAP_H_
#define TIDEMARK_TESTS_SIM_WIRE_TAP_H_

#include <functional>
#include <map>
#include <string>

#include "replicator/wire.h"

namespace tidemark {

class WireTap {
 public:
  // Called with the sender's machine and its connection's number.
  using Listener = std::function<void(uint32_t machine, uint32_t socket, const wire::Control&)>;
  explicit WireTap(Listener listener) : listener_(std::move(listener)) {}
  void OnSend(uint32_t socket, uint32_t from_machine, ByteSpan bytes);

 private:
  struct Stream {
    enum class State : uint8_t { kHello, kFrames, kNotControl } state = State::kHello;
    std::string bytes;
    ControlParser parser;
  };
  bool TakeHello(Stream* stream) const;
  bool TakeFrame(Stream* stream) const;
  Listener listener_;
  std::map<uint32_t, Stream> streams_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_SIM_WIRE_TAP_H_
