#include "agent/recover/site_source.h"

#include <cassert>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"
#include "agent/recover/block_check.h"
#include "agent/recover/read_session.h"
#include "crypto/rare_path.h"

namespace tidemark {
namespace {

class SiteSource : public RecordSource {
 public:
  SiteSource(Io* io, ChannelFactory* channels, SiteAddress site, std::string own_name)
      : io_(io),
        channels_(channels),
        site_(std::move(site)),
        own_name_(std::move(own_name)),
        name_("site " + site_.name),
        attempted_(io),
        sessions_(io) {}

  const std::string& name() const override { return name_; }
  Io* io() const override { return io_; }

  Task<absl::StatusOr<Position>> Tail(VaultId vault) override {
    ReadSession::Request request(io_);
    request.kind = ReadSession::Request::Kind::kStates;
    request.vault = vault;
    co_await Ask(&request);
    if (!request.status.ok()) co_return request.status;
    co_return *request.durable;
  }

  Task<absl::StatusOr<CanonicalHeader>> Head(VaultId vault, uint64_t sequence) override {
    ReadSession::Request request(io_);
    request.vault = vault;
    request.sequence = sequence;
    co_await Ask(&request);
    if (!request.status.ok()) co_return request.status;
    co_return std::move(*request.head);
  }

  Task<absl::Status> ReadBlocks(const CanonicalHeader* header, uint32_t first, uint32_t count,
                                MutableByteSpan into) override {
    absl::StatusOr<size_t> bytes = BytesOfBlocks(*header, first, count);
    if (!bytes.ok()) co_return bytes.status();
    assert(into.size() >= *bytes);
    ReadSession::Request request(io_);
    request.kind = ReadSession::Request::Kind::kBlocks;
    request.vault = header->vault;
    request.sequence = header->sequence;
    request.header = header;
    request.first = first;
    request.count = count;
    request.into = into;
    co_await Ask(&request);
    if (!request.status.ok()) co_return request.status;
    absl::Status checked = co_await CheckBlocksOnWorker(io_, header, first, count, into);
    if (checked.ok()) co_return checked;
    co_return absl::Status(checked.code(), name_ + ": " + std::string(checked.message()));
  }

  Task<absl::StatusOr<uint64_t>> FindRecord(VaultId vault, RecordKind kind,
                                            uint64_t at_most) override {
    ReadSession::Request request(io_);
    request.kind = ReadSession::Request::Kind::kFind;
    request.vault = vault;
    request.first = static_cast<uint32_t>(kind);
    request.sequence = at_most;
    co_await Ask(&request);
    if (!request.status.ok()) co_return request.status;
    co_return request.found;
  }

  // Whoever still reads through it is told so, and makes no session that nobody would end.
  Task<> Finish() override {
    finished_ = true;
    if (session_ != nullptr) session_->Break(Closed());
    if (attempt_ != nullptr) attempt_->Break(Closed());
    while (attempt_ != nullptr) co_await attempted_.Wait();
    co_await sessions_.Join();
  }

 private:
  // A session that stood idle may have died unheard, with its site: then once more on a new one.
  Task<> Ask(ReadSession::Request* request) {
    const bool was_alive = alive();
    co_await AskOnce(request);
    if (!was_alive || alive() || !absl::IsUnavailable(request->status) || finished_) co_return;
    RARE_PATH("read-asked-again");
    request->status = absl::OkStatus();
    request->head.reset();
    request->durable.reset();
    request->received = 0;
    request->ended = request->finished = false;
    co_await AskOnce(request);
  }

  Task<> AskOnce(ReadSession::Request* request) {
    absl::Status connected = co_await Connected();
    // It may have broken again between the connect and this line.
    if (connected.ok() && !alive()) {
      connected = absl::UnavailableError(name_ + ": the connection broke");
    }
    if (!connected.ok()) {
      request->status = connected;
      co_return;
    }
    session_->Send(request);
    while (!request->finished) co_await request->done.Wait();
  }

  absl::Status Closed() const { return absl::CancelledError(name_ + ": closed by this side"); }
  bool alive() const { return session_ != nullptr && session_->broken().ok(); }

  // One attempt at a time; who comes meanwhile shares its outcome.
  Task<absl::Status> Connected() {
    if (alive()) co_return absl::OkStatus();
    if (attempt_ != nullptr) {
      while (attempt_ != nullptr) co_await attempted_.Wait();
      co_return last_attempt_;
    }
    if (finished_) co_return Closed();
    auto session = std::make_unique<ReadSession>(io_, site_, own_name_);
    attempt_ = session.get();
    last_attempt_ = co_await session->Connect(channels_);
    session_ = last_attempt_.ok() ? session.get() : nullptr;
    sessions_.Spawn(Keep(std::move(session)));
    attempt_ = nullptr;
    attempted_.WakeAll();
    co_return last_attempt_;
  }

  // Serves a session to its end, also one that never came up.
  Task<> Keep(std::unique_ptr<ReadSession> session) {
    co_await session->Serve();
    if (session_ == session.get()) session_ = nullptr;
  }

  Io* io_;
  ChannelFactory* channels_;
  SiteAddress site_;
  std::string own_name_;
  std::string name_;
  ReadSession* session_ = nullptr;  // owned by its Keep
  ReadSession* attempt_ = nullptr;  // connects; then a Keep owns it
  bool finished_ = false;
  absl::Status last_attempt_;
  Event attempted_;
  TaskGroup sessions_;
};

}  // namespace

std::unique_ptr<RecordSource> MakeSiteSource(Io* io, ChannelFactory* channels, SiteAddress site,
                                             std::string own_name) {
  return std::make_unique<SiteSource>(io, channels, std::move(site), std::move(own_name));
}

}  // namespace tidemark
