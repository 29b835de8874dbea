// The simulator's channel: hello in clear, then frames of kind u8, size u32, bytes.
//
//   hello = "tidemark-null-1\n" || side u8 || role u8 || name text || key 32 || random 32
#include <algorithm>
#include <cassert>

#include "absl/strings/str_format.h"
#include "crypto/channel.h"
#include "crypto/keys.h"
#include "crypto/layout.h"

namespace tidemark {
namespace {

constexpr std::string_view kMagic = "tidemark-null-1\n";
constexpr size_t kFrameBytesMax = 16 << 10;  // as TLS records
constexpr size_t kFrameHeaderBytes = 5;

enum class Side : uint8_t { kConnector = 1, kAcceptor = 2 };
enum class FrameKind : uint8_t { kData = 1, kClose = 2 };

class NullChannel : public SecureChannel {
 public:
  NullChannel(const PartyName& own, Side side, EntropySource* entropy)
      : own_(own), side_(side), own_random_(Secret32::Random(entropy)) {
    if (side_ == Side::kConnector) SendHello();
  }

  absl::Status Receive(ByteSpan from_network) override {
    if (!dead_.ok()) return dead_;
    incoming_.append(AsText(from_network));
    absl::Status status = established_ ? absl::OkStatus() : TakeHello();
    if (status.ok() && established_) status = TakeFrames();
    dead_ = status;
    return status;
  }

  std::string TakeOutgoing() override { return std::exchange(outgoing_, {}); }
  bool established() const override { return established_; }
  const PartyName& peer() const override {
    assert(established_);
    return peer_;
  }

  absl::Status Write(ByteSpan plaintext) override {
    assert(established_);
    if (!dead_.ok()) return dead_;
    if (close_sent_) return absl::FailedPreconditionError("write on a channel after Close");
    while (!plaintext.empty()) {
      const ByteSpan piece = plaintext.first(std::min(plaintext.size(), kFrameBytesMax));
      SendFrame(FrameKind::kData, piece);
      plaintext = plaintext.subspan(piece.size());
    }
    return absl::OkStatus();
  }

  std::string TakePlaintext() override { return std::exchange(plaintext_, {}); }
  bool closed() const override { return closed_; }

  void Close() override {
    if (!established_ || close_sent_ || !dead_.ok()) return;
    SendFrame(FrameKind::kClose, {});
    close_sent_ = true;
  }

  Secret32 ExportKey(std::string_view label, ByteSpan context) const override {
    assert(established_);
    const bool first = side_ == Side::kConnector;
    std::string both(AsText(first ? own_random_.view() : peer_random_.view()));
    both.append(AsText(first ? peer_random_.view() : own_random_.view()));
    return HkdfSha256(AsBytes(both), label, context);
  }

 private:
  void SendHello() {
    LayoutWriter hello;
    hello.Bytes(AsBytes(kMagic))
        .U8(static_cast<uint8_t>(side_))
        .U8(static_cast<uint8_t>(own_.role));
    hello.Text(own_.name).Bytes(own_.key.bytes).Bytes(own_random_.view());
    outgoing_.append(AsText(hello.view()));
  }

  void SendFrame(FrameKind kind, ByteSpan bytes) {
    LayoutWriter frame;
    frame.U8(static_cast<uint8_t>(kind)).U32(static_cast<uint32_t>(bytes.size())).Bytes(bytes);
    outgoing_.append(AsText(frame.view()));
  }

  absl::Status TakeHello() {
    const size_t compared = std::min(incoming_.size(), kMagic.size());
    if (std::string_view(incoming_).substr(0, compared) != kMagic.substr(0, compared)) {
      return absl::InvalidArgumentError("the other end does not speak this channel's protocol");
    }
    LayoutReader reader(AsBytes(incoming_));
    reader.View(kMagic.size());
    const uint8_t side = reader.U8();
    const uint8_t role = reader.U8();
    peer_.name = reader.Text();
    peer_.key = reader.Object<PublicKey>();
    reader.Bytes(peer_random_.mutable_view());
    if (!reader.ok()) return absl::OkStatus();  // more is to come
    const bool known_role =
        role >= static_cast<uint8_t>(Role::kAgent) && role <= static_cast<uint8_t>(Role::kAdmin);
    if (!known_role || side == static_cast<uint8_t>(side_)) {
      return absl::InvalidArgumentError("the other end sent a malformed hello");
    }
    peer_.role = static_cast<Role>(role);
    incoming_.erase(0, reader.position());
    if (side_ == Side::kAcceptor) SendHello();
    established_ = true;
    return absl::OkStatus();
  }

  absl::Status TakeFrames() {
    LayoutReader reader(AsBytes(incoming_));
    size_t done = 0;
    absl::Status status;
    while (!closed_ && reader.remaining() >= kFrameHeaderBytes) {
      const uint8_t kind = reader.U8();
      const uint32_t size = reader.U32();
      const bool known = kind == static_cast<uint8_t>(FrameKind::kData) ||
                         kind == static_cast<uint8_t>(FrameKind::kClose);
      if (!known || size > kFrameBytesMax) {
        status = absl::DataLossError("the other end sent a damaged frame");
        break;
      }
      const ByteSpan bytes = reader.View(size);
      if (!reader.ok()) break;  // more is to come
      plaintext_.append(AsText(bytes));
      closed_ = kind == static_cast<uint8_t>(FrameKind::kClose);
      done = reader.position();
    }
    incoming_.erase(0, done);
    return status;
  }

  const PartyName own_;
  const Side side_;
  const Secret32 own_random_;
  Secret32 peer_random_;
  PartyName peer_;
  std::string incoming_;
  std::string outgoing_;
  std::string plaintext_;
  absl::Status dead_;
  bool established_ = false;
  bool closed_ = false;
  bool close_sent_ = false;
};

class NullFactory : public ChannelFactory {
 public:
  NullFactory(const PartyName& own, EntropySource* entropy) : own_(own), entropy_(entropy) {}
  std::unique_ptr<SecureChannel> Connect(absl::Time /*now*/) override {
    return std::make_unique<NullChannel>(own_, Side::kConnector, entropy_);
  }
  std::unique_ptr<SecureChannel> Accept(absl::Time /*now*/) override {
    return std::make_unique<NullChannel>(own_, Side::kAcceptor, entropy_);
  }

 private:
  const PartyName own_;
  EntropySource* const entropy_;
};

}  // namespace

std::unique_ptr<ChannelFactory> MakeNullFactory(const PartyName& own, EntropySource* entropy) {
  return std::make_unique<NullFactory>(own, entropy);
}

}  // namespace tidemark
