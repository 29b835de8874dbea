#include "tests/sim/wire_tap.h"

#include <algorithm>
#include <cassert>

#include "crypto/layout.h"

namespace tidemark {
namespace {

// crypto/null_channel.cc: hello = magic || side u8 || role u8 || name text || key 32 || random 32;
// then frames of kind u8, size u32, bytes.
constexpr std::string_view kNullMagic = "tidemark-null-1\n";
constexpr uint8_t kDataFrame = 1;

}  // namespace

bool WireTap::TakeHello(Stream* stream) const {
  const size_t compared = std::min(stream->bytes.size(), kNullMagic.size());
  if (std::string_view(stream->bytes).substr(0, compared) != kNullMagic.substr(0, compared)) {
    stream->state = Stream::State::kNotControl;
    stream->bytes.clear();
    return false;
  }
  LayoutReader reader(AsBytes(stream->bytes));
  reader.View(kNullMagic.size() + 2);
  reader.Text();
  reader.View(64);
  if (!reader.ok()) return false;  // more is to come
  stream->bytes.erase(0, reader.position());
  stream->state = Stream::State::kFrames;
  return true;
}

bool WireTap::TakeFrame(Stream* stream) const {
  LayoutReader reader(AsBytes(stream->bytes));
  const uint8_t kind = reader.U8();
  const uint32_t size = reader.U32();
  const ByteSpan bytes = reader.View(size);
  if (!reader.ok()) return false;
  if (kind == kDataFrame) stream->parser.Feed(AsText(bytes));
  stream->bytes.erase(0, reader.position());
  return true;
}

void WireTap::OnSend(uint32_t socket, uint32_t from_machine, ByteSpan bytes) {
  Stream& stream = streams_[socket];
  if (stream.state == Stream::State::kNotControl) return;
  stream.bytes.append(AsText(bytes));
  if (stream.state == Stream::State::kHello && !TakeHello(&stream)) return;
  while (TakeFrame(&stream)) {
  }
  while (true) {
    absl::StatusOr<std::optional<wire::Control>> message = stream.parser.Next();
    assert(message.ok());  // what our own side says is well-formed
    if (!message->has_value()) return;
    listener_(from_machine, socket, **message);
  }
}

}  // namespace tidemark
