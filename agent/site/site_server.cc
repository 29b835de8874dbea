#include "agent/site/site_server.h"

#include <cerrno>
#include <list>
#include <set>
#include <utility>

#include "agent/io/sync.h"
#include "agent/io/transfer.h"
#include "agent/site/pause.h"
#include "agent/site/site.h"
#include "agent/site/site_session.h"

namespace tidemark {
namespace {

constexpr absl::Duration kAcceptRetry = absl::Milliseconds(100);  // out of descriptors

class Server : public SiteServer {
 public:
  explicit Server(std::unique_ptr<Site> site)
      : site_(std::move(site)), accept_pause_(io()), changed_(io()), tasks_(io()) {}
  Io* io() const { return site_->io(); }

  Task<absl::Status> Listen() {
    const SiteOptions& options = site_->options();
    Op control = io()->Listen(options.listen);
    control_listener_ = co_await control;
    if (control_listener_ < 0)
      co_return ErrnoStatus(control_listener_, "listen on " + options.listen);
    Op data = io()->Listen(options.data_listen);
    data_listener_ = co_await data;
    if (data_listener_ < 0)
      co_return ErrnoStatus(data_listener_, "listen on " + options.data_listen);
    co_return absl::OkStatus();
  }

  Task<absl::Status> Serve() override {
    site_->Start();
    tasks_.Spawn(AcceptControl());
    tasks_.Spawn(AcceptData());
    while (!stopping_) co_await changed_.Wait();
    for (const Fd fd : greeting_) tasks_.Spawn(CutOff(fd));
    for (SiteSession* session : sessions_) session->Close();
    co_await tasks_.Join();
    co_await Close();
    co_return failed_;
  }

  void Stop() override {
    stopping_ = true;
    site_->StopHealing();
    accept_pause_.Cut();
    for (Op* accept : accepting_) io()->Cancel(accept);
    changed_.WakeAll();
  }

  Task<> Close() {
    if (control_listener_ >= 0) co_await CloseSocket(control_listener_);
    if (data_listener_ >= 0) co_await CloseSocket(data_listener_);
    control_listener_ = data_listener_ = -1;
    co_await site_->Close();
  }

  uint16_t control_port() const override { return io()->BoundPort(control_listener_); }
  uint16_t data_port() const override { return io()->BoundPort(data_listener_); }
  const StoreId& store() const override { return site_->store(); }

 private:
  // The next connection; below 0: stopping, or the listener is broken.
  Task<Fd> Accept(Fd listener) {
    Fd fd = -ECANCELED;
    while (!stopping_) {
      Op accept = io()->Accept(listener);
      accepting_.push_back(&accept);
      fd = co_await accept;
      accepting_.remove(&accept);
      if (fd >= 0) co_return fd;
      if (stopping_ || fd == -EBADF || fd == -EINVAL || fd == -ENOTSOCK) break;
      // One that broke off, or no descriptors left: others may still come.
      const bool rested = co_await accept_pause_.For(kAcceptRetry);
      if (!rested) break;
    }
    if (!stopping_) {
      failed_ = ErrnoStatus(fd, "accept");
      Stop();
    }
    co_return -ECANCELED;
  }

  Task<> AcceptControl() {
    while (true) {
      const Fd fd = co_await Accept(control_listener_);
      if (fd < 0) break;
      if (stopping_ || sessions_.size() >= site_->options().sessions_max) {
        co_await CloseSocket(fd);
      } else {
        tasks_.Spawn(RunSession(fd));
      }
    }
  }

  Task<> RunSession(Fd fd) {
    SiteSession session(site_.get(), &table_, fd, data_port());
    sessions_.push_back(&session);
    if (stopping_) session.Close();
    co_await session.Run();
    sessions_.remove(&session);
  }

  Task<> AcceptData() {
    while (true) {
      const Fd fd = co_await Accept(data_listener_);
      if (fd < 0) break;
      // Two per session are expected; more are strangers.
      if (stopping_ || greeting_.size() >= 2 * size_t{site_->options().sessions_max}) {
        co_await CloseSocket(fd);
      } else {
        greeting_.insert(fd);
        tasks_.Spawn(GreetData(fd));
      }
    }
  }

  // Reads which session a data connection belongs to and hands it over.
  Task<> GreetData(Fd fd) {
    std::array<std::byte, kPrefaceBytes> raw;
    Pause limit(io());
    Task<> watch = CutOffAfter(&limit, fd);
    watch.Start();
    absl::Status received = co_await RecvFully(io(), fd, raw);
    limit.Cut();
    co_await watch;
    greeting_.erase(fd);
    bool taken = false;
    if (received.ok() && !stopping_) {
      const absl::StatusOr<Preface> preface = ParsePreface(raw);
      const auto session = preface.ok() ? table_.find(preface->session) : table_.end();
      if (session != table_.end()) taken = session->second->TakeData(fd, preface->connection);
    }
    if (!taken) co_await CloseSocket(fd);
  }

  Task<> CutOffAfter(Pause* limit, Fd fd) {
    const bool passed = co_await limit->For(site_->options().handshake_limit);
    if (passed) co_await CutOff(fd);
  }

  Task<> CutOff(Fd fd) {
    Op shutdown = io()->Shutdown(fd);
    const int32_t done = co_await shutdown;
    (void)done;
  }

  Task<> CloseSocket(Fd fd) {
    Op close = io()->Close(fd);
    const int32_t closed = co_await close;
    (void)closed;
  }

  std::unique_ptr<Site> site_;
  Fd control_listener_ = -1, data_listener_ = -1;
  bool stopping_ = false;
  absl::Status failed_;
  SessionTable table_;
  std::list<SiteSession*> sessions_;
  std::set<Fd> greeting_;  // data connections that have not named their session
  std::list<Op*> accepting_;
  Pause accept_pause_;
  Event changed_;
  TaskGroup tasks_;  // last: its frames use all of the above
};

}  // namespace

Task<absl::StatusOr<std::unique_ptr<SiteServer>>> SiteServer::Open(Io* io, SiteOptions options,
                                                                   ChannelFactory* channels,
                                                                   const SigningKey* identity) {
  absl::StatusOr<std::unique_ptr<Site>> site =
      co_await Site::Open(io, std::move(options), channels, identity);
  if (!site.ok()) co_return site.status();
  std::unique_ptr<Server> server = std::make_unique<Server>(std::move(*site));
  absl::Status listening = co_await server->Listen();
  if (!listening.ok()) {
    co_await server->Close();
    co_return listening;
  }
  co_return std::unique_ptr<SiteServer>(std::move(server));
}

}  // namespace tidemark
