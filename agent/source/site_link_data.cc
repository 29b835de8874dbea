// SiteLink: its data connections, and what goes over them.
#include <algorithm>

#include "agent/source/site_link.h"
#include "crypto/museum.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {
constexpr absl::Duration kWhyLimit = absl::Milliseconds(500);
}  // namespace

// On a long line one connection carries no more than its window in a round trip: several share the
// records then, and the site puts them in order again.
Task<absl::Status> SiteLink::OpenData(uint32_t data_port, uint32_t connections) {
  connections = std::min(connections, options_.connections);
  for (uint32_t i = 0; i < connections; ++i) {
    const std::string& control = options_.address.address;
    std::string address = control.substr(0, control.rfind(':') + 1) + std::to_string(data_port);
    absl::StatusOr<Fd> fd = co_await ConnectTo(std::move(address));
    if (!fd.ok()) co_return fd.status();
    data_.push_back(std::make_unique<DataConnection>(io_, *fd, *control_, session_id_,
                                                     AppendConnectionNumber(i), false));
    DataConnection* data = data_.back().get();
    data->Pace(&pacer_);
    absl::Status greeted = co_await data->Greet();
    if (!greeted.ok()) co_return greeted;
  }
  co_return absl::OkStatus();
}

// Sends what the windows say, one record at a time. Whichever connection is free takes the next.
Task<> SiteLink::SendLoop(DataConnection* data) {
  while (session_up_) {
    for (LinkedVault* vault : vaults_) Advance(vault, &SessionOf(vault));
    if (!session_up_) break;
    const std::optional<size_t> first = order_.NextToSend(Claims());
    if (!first.has_value()) {
      co_await work_.Wait();
      continue;
    }
    LinkedVault* vault = vaults_[*first];
    const uint64_t next = *vault->log()->window().NextToSend(options_.index);
    const LogWriter::Pinned record = vault->log()->Pin(next);
    vault->log()->Sent(options_.index, next);  // before another connection asks
    sent_at_[vault->log()->vault()][next] = io_->Monotonic();
    absl::Status delivered = co_await data->SendRecord(record.header, record.payload, 0);
    vault->log()->Unpin(next);
    if (!delivered.ok()) {
      EndSession(delivered);
      break;
    }
    if (MUSEUM_BUG("lag-at-send")) vault->log()->lag().OnDurable(options_.index, next);
  }
}

// It may die alone, when all was sent and nothing is acked yet: nobody would ever send on it again.
Task<> SiteLink::WatchLoop(DataConnection* data) {
  absl::Status ended = co_await data->WaitForEnd();
  if (session_up_) RARE_PATH("data-connection-died-alone");
  // A site that takes no more closes it, and says why on the other connection.
  for (absl::Duration waited; session_up_ && waited < kWhyLimit; waited += kWhyLimit / 10) {
    Op sleep = io_->Sleep(kWhyLimit / 10);
    const int32_t slept = co_await sleep;
    (void)slept;
  }
  EndSession(std::move(ended));
}

}  // namespace tidemark
