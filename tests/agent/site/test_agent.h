// A caller of a site for tests: agent, reader or stranger, one control and up to two data
// connections. It does one thing at a time and keeps what else it is told.
#ifndef TIDEMARK_TESTS_AGENT_SITE_TEST_AGENT_H_
#define TIDEMARK_TESTS_AGENT_SITE_TEST_AGENT_H_

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/io/transfer.h"
#include "agent/link/control_connection.h"
#include "agent/link/data_connection.h"
#include "replicator/receipt.h"
#include "tests/agent/site/test_log.h"

namespace tidemark {

class TestAgent {
 public:
  TestAgent(Io* io, ChannelFactory* channels, const SigningKey* key, std::string name)
      : io_(io), channels_(channels), key_(key), name_(std::move(name)) {}
  Io* io() const { return io_; }

  // Control connection and hello; `address` is the site's control port.
  Task<absl::Status> Hello(std::string address, std::string role) {
    Op connect = io_->Connect(address);
    const int32_t fd = co_await connect;
    if (fd < 0) co_return ErrnoStatus(fd, "connect");
    host_ = address.substr(0, address.rfind(':'));
    control_ = std::make_unique<ControlConnection>(io_, fd, channels_->Connect(io_->Now()), "site");
    absl::Status shaken = co_await control_->Handshake(absl::Seconds(5), absl::Seconds(10));
    if (!shaken.ok()) co_return shaken;
    session_ = SessionId::Random(io_);
    wire::Control message;
    wire::Hello* hello = message.mutable_hello();
    hello->set_protocol(protocol);
    hello->set_format(kFormatVersion);
    hello->set_role(role);
    hello->set_name(name_);
    hello->set_session(ToWire(ByteSpan(session_.bytes)));
    control_->Send(message);
    absl::StatusOr<wire::Control> answer = co_await control_->Receive();
    if (!answer.ok()) co_return answer.status();
    hello_ = answer->hello_reply();
    if (hello_.has_failure()) co_return FailureStatus("site", hello_.failure());
    co_return absl::OkStatus();
  }
  Task<absl::Status> OpenData(uint8_t connection) {
    std::string address = absl::StrCat(host_, ":", hello_.data_port());
    Op connect = io_->Connect(address);
    const int32_t fd = co_await connect;
    if (fd < 0) co_return ErrnoStatus(fd, "connect");
    data_[connection] =
        std::make_unique<DataConnection>(io_, fd, *control_, session_, connection, false);
    absl::Status greeted = co_await data_[connection]->Greet();
    co_return greeted;
  }
  // Everything an agent opens.
  Task<absl::Status> Connect(std::string address, std::string role) {
    absl::Status done = co_await Hello(std::move(address), role);
    if (done.ok() && role == "agent") done = co_await OpenData(kAppendConnection);
    if (done.ok()) done = co_await OpenData(kReadConnection);
    co_return done;
  }

  Task<absl::StatusOr<wire::PromiseReply>> Promise(VaultId vault, uint64_t epoch, SessionId nonce,
                                                   std::string receipt) {
    wire::Control message;
    message.mutable_promise_request()->set_vault(ToWire(ByteSpan(vault.bytes)));
    message.mutable_promise_request()->set_epoch(epoch);
    message.mutable_promise_request()->set_nonce(ToWire(ByteSpan(nonce.bytes)));
    message.mutable_promise_request()->set_newest_receipt(receipt);
    control_->Send(message);
    absl::StatusOr<wire::Control> answer = co_await Next(wire::Control::kPromiseReply);
    if (!answer.ok()) co_return answer.status();
    co_return answer->promise_reply();
  }
  Task<absl::Status> Append(const TestRecord* record, uint8_t connection = kAppendConnection) {
    absl::Status sent = co_await data_[connection]->SendRecord(&record->header, record->payload, 0);
    co_return sent;
  }
  // Until the site says that the vault is durable up to there.
  Task<absl::Status> AwaitAck(VaultId vault, Position wanted) {
    while (true) {
      for (const wire::Ack& ack : acks_) {
        if (ack.vault() != ToWire(ByteSpan(vault.bytes))) continue;
        const absl::StatusOr<Position> durable = FromWire(ack.durable());
        if (durable.ok() && *durable == wanted) co_return absl::OkStatus();
      }
      acks_.clear();
      absl::StatusOr<wire::Control> next = co_await Next(wire::Control::kAck);
      if (!next.ok()) co_return next.status();
      acks_.push_back(next->ack());
    }
  }
  // Until a receipt says that the vault is durable up to there; it is the newest of receipts()
  // then.
  Task<absl::Status> AwaitReceipt(VaultId vault, Position wanted) {
    while (true) {
      if (!receipts_.empty()) {
        absl::StatusOr<SignedReceipt> newest = ParseReceipt(SiteKey(), AsBytes(receipts_.back()));
        if (!newest.ok()) co_return newest.status();
        const VaultHead head{vault, wanted};
        const std::vector<VaultHead>& heads = newest->receipt.heads;
        if (std::find(heads.begin(), heads.end(), head) != heads.end()) co_return absl::OkStatus();
      }
      absl::StatusOr<wire::Control> next = co_await Next(wire::Control::kReceipt);
      if (!next.ok()) co_return next.status();
    }
  }
  PublicKey SiteKey() const {
    PublicKey key;
    FromWire(hello_.public_key(), key.bytes);
    return key;
  }
  // The next message of a kind; acks and receipts that come before it are kept, other things too.
  Task<absl::StatusOr<wire::Control>> Next(wire::Control::BodyCase kind) {
    while (true) {
      absl::StatusOr<wire::Control> message = co_await control_->Receive();
      if (!message.ok()) co_return message.status();
      if (message->has_receipt()) receipts_.push_back(message->receipt().receipt());
      if (message->body_case() == kind) co_return std::move(*message);
      if (message->has_ack()) acks_.push_back(message->ack());
      if (message->has_append_refused()) refusals_.push_back(message->append_refused());
    }
  }
  // A whole record by StreamRecords. NOT_FOUND and DAMAGED come back as their codes.
  Task<absl::StatusOr<TestRecord>> Read(VaultId vault, uint64_t sequence) {
    wire::Control message;
    message.mutable_stream_records()->set_request(++request_);
    message.mutable_stream_records()->set_vault(ToWire(ByteSpan(vault.bytes)));
    message.mutable_stream_records()->set_first_sequence(sequence);
    message.mutable_stream_records()->set_last_sequence(sequence);
    control_->Send(message);
    DataConnection* data = data_[kReadConnection].get();
    absl::StatusOr<DataConnection::Arrival> head = co_await data->ReceiveHeader();
    if (!head.ok()) co_return head.status();
    if (head->frame.kind == FrameKind::kReadEnd) {
      absl::StatusOr<wire::Control> failed = co_await Next(wire::Control::kReadFailed);
      if (!failed.ok()) co_return failed.status();
      co_return FailureStatus("site", failed->read_failed().failure());
    }
    TestRecord record;
    record.header = *head->head;
    record.payload.resize(record.header.payload_bytes);
    absl::Status got = co_await data->ReceiveRecord(&record.header, record.payload);
    if (!got.ok()) co_return got;
    absl::StatusOr<DataConnection::Arrival> end = co_await data->ReceiveHeader();
    if (!end.ok()) co_return end.status();
    co_return std::move(record);
  }
  // Signed, encoded.
  std::string CheckpointOf(const VaultId& vault, const Position& upto) const {
    Checkpoint checkpoint;
    checkpoint.vault = vault;
    checkpoint.upto = upto;
    checkpoint.receipts.resize(3);
    return ToWire(ByteSpan(SignCheckpoint(*key_, std::move(checkpoint)).Encode()));
  }
  Task<absl::StatusOr<wire::FetchReport>> Fetch(Position target, VaultId vault, std::string peer,
                                                std::string address) {
    wire::Control message;
    wire::FetchOrder* order = message.mutable_fetch_order();
    order->set_vault(ToWire(ByteSpan(vault.bytes)));
    order->set_peer(peer);
    order->set_peer_address(address);
    order->set_checkpoint(CheckpointOf(vault, target));
    control_->Send(message);
    while (true) {
      absl::StatusOr<wire::Control> report = co_await Next(wire::Control::kFetchReport);
      if (!report.ok()) co_return report.status();
      if (report->fetch_report().finished()) co_return report->fetch_report();
    }
  }
  Task<> Finish() {
    for (auto& [number, data] : data_) co_await data->Finish();
    data_.clear();
    if (control_ != nullptr) co_await control_->Finish();
    control_.reset();
  }

  ControlConnection* control() { return control_.get(); }
  DataConnection* data(uint8_t connection) { return data_[connection].get(); }
  const wire::HelloReply& hello() const { return hello_; }
  const std::vector<std::string>& receipts() const { return receipts_; }
  const std::vector<wire::AppendRefused>& refusals() const { return refusals_; }
  uint32_t protocol = kProtocolVersion;

 private:
  Io* io_;
  ChannelFactory* channels_;
  const SigningKey* key_;
  std::string name_, host_;
  SessionId session_;
  wire::HelloReply hello_;
  std::unique_ptr<ControlConnection> control_;
  std::map<uint8_t, std::unique_ptr<DataConnection>> data_;  // by number
  uint32_t request_ = 0;
  std::deque<wire::Ack> acks_;
  std::vector<std::string> receipts_;
  std::vector<wire::AppendRefused> refusals_;
};

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_SITE_TEST_AGENT_H_
