#include "tests/agent/recover/fake_site.h"

#include <gtest/gtest.h>

namespace tidemark {

Task<> FakeSite::Start() {
  Op listen = io_->Listen("127.0.0.1:0");
  control_ = co_await listen;
  Op listen_data = io_->Listen("127.0.0.1:0");
  data_ = co_await listen_data;
  EXPECT_GE(std::min(control_, data_), 0);
  tasks_.Spawn(AcceptLoop());
}

Task<> FakeSite::Stop() {
  stopping_ = true;
  if (accepting_ != nullptr) io_->Cancel(accepting_);
  co_await tasks_.Join();
  Op close = io_->Close(control_);
  co_await close;
  Op close_data = io_->Close(data_);
  co_await close_data;
}

Task<> FakeSite::AcceptLoop() {
  while (!stopping_) {
    Op accept = io_->Accept(control_);
    accepting_ = &accept;
    const Fd fd = co_await accept;
    accepting_ = nullptr;
    if (fd >= 0) tasks_.Spawn(ServeSession(fd));
  }
}

Task<> FakeSite::ServeSession(Fd fd) {
  ++sessions;
  ControlConnection control(io_, fd, channels_->Accept(io_->Now()), "reader");
  absl::Status shaken = co_await control.Handshake(absl::Seconds(5), absl::Seconds(10));
  absl::StatusOr<wire::Control> hello = absl::UnknownError("no handshake");
  if (shaken.ok()) hello = co_await control.Receive();
  SessionId session;
  if (hello.ok() && hello->has_hello() && FromWire(hello->hello().session(), session.bytes)) {
    EXPECT_EQ(hello->hello().role(), "reader");
    wire::Control message;
    wire::HelloReply* reply = message.mutable_hello_reply();
    reply->set_data_port(io_->BoundPort(data_));
    if (refuse_hello)
      *reply->mutable_failure() = MakeFailure(wire::Failure::FORBIDDEN, "no readers");
    control.Send(message);
    if (!refuse_hello) {
      Op accept = io_->Accept(data_);
      const Fd data_fd = co_await accept;
      std::array<std::byte, kPrefaceBytes> raw;
      absl::Status preface = co_await RecvFully(io_, data_fd, raw);
      if (preface.ok()) {
        EXPECT_EQ(ParsePreface(raw)->session, session);
        DataConnection data(io_, data_fd, control, session, kReadConnection, /*is_site=*/true);
        absl::Status greeted = co_await data.Greet();
        if (greeted.ok()) co_await ServeRequests(&control, &data);
        if (drops_in_noise) {
          const std::array<std::byte, kFrameHeaderBytes> noise = {};
          absl::Status sent = co_await SendFully(io_, data_fd, noise);
        }
        co_await data.Finish();
      }
    }
  }
  co_await control.Flush();
  co_await control.Finish();
}

Task<> FakeSite::ServeRequests(ControlConnection* control, DataConnection* data) {
  while (true) {
    absl::StatusOr<wire::Control> message = co_await control->Receive();
    if (!message.ok()) co_return;
    wire::Control answer;
    if (message->has_heartbeat()) {
      wire::HeartbeatReply* reply = answer.mutable_heartbeat_reply();
      reply->set_sent_at_nanos(message->heartbeat().sent_at_nanos());
      wire::VaultState* state = reply->add_vaults();
      state->set_vault(ToWire(vault_->keys.vault.bytes));
      *state->mutable_durable() = ToWire(vault_->tail());
      control->Send(answer);
    } else if (message->has_find_record()) {
      const wire::FindRecord& find = message->find_record();
      uint64_t found = find.at_most_sequence() == 0 ? vault_->log.size() : find.at_most_sequence();
      while (found > 0 && static_cast<uint32_t>(vault_->log[found - 1].header.kind) != find.kind())
        --found;
      answer.mutable_found_record()->set_request(find.request());
      answer.mutable_found_record()->set_sequence(found);
      control->Send(answer);
    } else if (message->has_read_blocks() && !silent) {
      if (reads_until_drop == 0) {
        reads_until_drop = -1;
        co_return;
      }
      if (reads_until_drop > 0) --reads_until_drop;
      wire::ReadBlocks read = message->read_blocks();
      co_await Answer(control, data, std::move(read));
    }
  }
}

Task<> FakeSite::Answer(ControlConnection* control, DataConnection* data, wire::ReadBlocks read) {
  const uint64_t sequence = read.sequence();
  const uint32_t number = read.request();
  wire::Control failure;
  failure.mutable_read_failed()->set_request(number);
  failure.mutable_read_failed()->set_sequence(sequence);
  if (sequence == 0 || sequence > vault_->log.size()) {
    *failure.mutable_read_failed()->mutable_failure() =
        MakeFailure(wire::Failure::NOT_FOUND, "no such record");
    control->Send(failure);
    absl::Status ended = co_await data->SendEnd(number);
    co_return;
  }
  CanonicalHeader header = vault_->log[sequence - 1].header;
  if (other_head.count(sequence) > 0) header.made_at_nanos += 1;
  absl::Status head = co_await data->SendHead(&header, number);
  for (uint32_t block = read.first_block(); block < read.first_block() + read.block_count();
       ++block) {
    if (damaged.count({sequence, block}) > 0) {
      failure.mutable_read_failed()->set_block(block);
      *failure.mutable_read_failed()->mutable_failure() =
          MakeFailure(wire::Failure::DAMAGED, "bad block");
      control->Send(failure);
      break;
    }
    const ByteSpan payload = vault_->log[sequence - 1].payload;
    const ByteSpan stored = payload.subspan(size_t{block} * kBlockBytes, header.BlockBytes(block));
    std::vector<std::byte> bytes(stored.begin(), stored.end());
    if (lies.count({sequence, block}) > 0) bytes[1] ^= std::byte{1};
    absl::Status sent = co_await data->SendBlocks(&header, block, 1, bytes, number);
  }
  absl::Status ended = co_await data->SendEnd(number);
}

}  // namespace tidemark
