#include "tests/sim/control_tap.h"

#include <cassert>
#include <utility>
#include <vector>

namespace tidemark {
namespace {

class TappedChannel : public SecureChannel {
 public:
  TappedChannel(std::unique_ptr<SecureChannel> inner, int party, uint64_t connection, bool hears,
                ControlListener* listener)
      : inner_(std::move(inner)),
        party_(party),
        connection_(connection),
        hears_(hears),
        listener_(listener) {}

  absl::Status Receive(ByteSpan from_network) override { return inner_->Receive(from_network); }
  std::string TakeOutgoing() override { return inner_->TakeOutgoing(); }
  bool established() const override { return inner_->established(); }
  const PartyName& peer() const override { return inner_->peer(); }
  bool closed() const override { return inner_->closed(); }
  void Close() override { inner_->Close(); }
  Secret32 ExportKey(std::string_view label, ByteSpan context) const override {
    return inner_->ExportKey(label, context);
  }

  // The party writes whole messages.
  absl::Status Write(ByteSpan plaintext) override {
    said_.Feed(AsText(plaintext));
    absl::StatusOr<std::optional<wire::Control>> message = said_.Next();
    assert(message.ok() && message->has_value());
    std::vector<wire::Control> more;
    const bool changed = listener_->OnSaid(party_, connection_, &**message, &more);
    absl::Status written =
        changed ? inner_->Write(AsBytes(EncodeControl(**message))) : inner_->Write(plaintext);
    for (const wire::Control& another : more) {
      if (written.ok()) written = inner_->Write(AsBytes(EncodeControl(another)));
    }
    return written;
  }

  std::string TakePlaintext() override {
    std::string text = inner_->TakePlaintext();
    if (!hears_) return text;
    heard_.Feed(text);
    while (true) {
      absl::StatusOr<std::optional<wire::Control>> message = heard_.Next();
      if (!message.ok() || !message->has_value()) return text;
      listener_->OnHeard(party_, inner_->peer(), **message);
    }
  }

 private:
  std::unique_ptr<SecureChannel> inner_;
  int party_;
  uint64_t connection_;
  bool hears_;
  ControlListener* listener_;
  ControlParser said_, heard_;
};

class TappedFactory : public ChannelFactory {
 public:
  TappedFactory(std::unique_ptr<ChannelFactory> inner, int party, bool hears, uint64_t* connections,
                ControlListener* listener)
      : inner_(std::move(inner)),
        party_(party),
        hears_(hears),
        connections_(connections),
        listener_(listener) {}
  std::unique_ptr<SecureChannel> Connect(absl::Time now) override {
    return Tap(inner_->Connect(now));
  }
  std::unique_ptr<SecureChannel> Accept(absl::Time now) override {
    return Tap(inner_->Accept(now));
  }

 private:
  std::unique_ptr<SecureChannel> Tap(std::unique_ptr<SecureChannel> inner) {
    return std::make_unique<TappedChannel>(std::move(inner), party_, ++*connections_, hears_,
                                           listener_);
  }
  std::unique_ptr<ChannelFactory> inner_;
  int party_;
  bool hears_;
  uint64_t* connections_;
  ControlListener* listener_;
};

}  // namespace

std::unique_ptr<ChannelFactory> Tapped(std::unique_ptr<ChannelFactory> inner, int party, bool hears,
                                       uint64_t* connections, ControlListener* listener) {
  return std::make_unique<TappedFactory>(std::move(inner), party, hears, connections, listener);
}

}  // namespace tidemark
