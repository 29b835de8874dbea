#include "agent/report/status_port.h"

// cpp-httplib brings the parsing of HTTP; its threads stay in this file.
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "agent/report/request_stream.h"

namespace tidemark {
namespace {

using Clock = std::chrono::steady_clock;

// A slow stranger holds one for kRequestTimeMax; they mostly wait.
constexpr size_t kThreads = 16;
constexpr size_t kWaitingMax = 64;  // connections; more wait in the kernel's backlog
constexpr size_t kBodyBytesMax = 4096;

// A bounded queue: when it is full the accepting thread waits, and the backlog fills.
class Workers : public httplib::TaskQueue {
 public:
  Workers() {
    for (size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Work(); });
  }
  void enqueue(std::function<void()> job) override {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return jobs_.size() < kWaitingMax || ending_; });
    jobs_.push_back(std::move(job));
    changed_.notify_all();
  }
  void shutdown() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void Work() {
    while (true) {
      std::function<void()> job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return !jobs_.empty() || ending_; });
        if (jobs_.empty()) return;
        job = std::move(jobs_.front());
        jobs_.pop_front();
        changed_.notify_all();
      }
      job();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

// The library's server, on connections whose requests are bounded.
template <class Server>
class BoundedServer : public Server {
 public:
  using Server::Server;

 private:
  bool process_and_close_socket(socket_t socket) override {
    SSL_CTX* tls = nullptr;
    if constexpr (requires(const Server& server) { server.ssl_context(); })
      tls = this->ssl_context();
    return ServeConnection(
        socket, tls, [this] { return this->svr_sock_ == INVALID_SOCKET; },
        [this](httplib::Stream& stream, bool is_last, bool* closed) {
          return this->process_request(stream, is_last, *closed, nullptr);
        });
  }
};

// Its time does not tell how many characters were right.
bool SameText(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i % b.size()]);
  return difference == 0;
}

std::string ErrorBody(const std::string& code, const std::string& message) {
  return absl::StrFormat("{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n", code, message);
}

const char* WhyRefused(int code) {
  switch (code) {
    case 400:
      return "the request is malformed";
    case 413:
      return "a request has no body here";
    case 414:
      return "the address is too long";
    default:
      return "the request was refused";
  }
}

class HttplibPort : public StatusPort {
 public:
  explicit HttplibPort(const Options& options) : options_(options) {}
  ~HttplibPort() override {
    if (server_ != nullptr) server_->stop();
    if (thread_.joinable()) thread_.join();
  }
  HttplibPort(const HttplibPort&) = delete;

  absl::Status Start() {
    if (options_.certificate.empty()) {
      server_ = std::make_unique<BoundedServer<httplib::Server>>();
    } else {
      const char* clients =
          options_.client_authority.empty() ? nullptr : options_.client_authority.c_str();
      server_ = std::make_unique<BoundedServer<httplib::SSLServer>>(
          options_.certificate.c_str(), options_.private_key.c_str(), clients);
    }
    if (!server_->is_valid()) {
      return absl::FailedPreconditionError("status port: " + options_.certificate + " and " +
                                           options_.private_key + " do not fit together");
    }
    server_->new_task_queue = [] { return new Workers; };
    server_->set_payload_max_length(kBodyBytesMax);
    server_->set_tcp_nodelay(true);
    // No SO_REUSEPORT, which is the library's default: two agents would share a port in silence.
    server_->set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_->set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          Answer(request, &response);
          return httplib::Server::HandlerResponse::Handled;
        });
    server_->set_error_handler([](const httplib::Request&, httplib::Response& response) {
      if (!response.body.empty()) return;
      response.set_content(ErrorBody("refused", WhyRefused(response.status)), "application/json");
    });
    if (options_.port != 0) {
      port_ = server_->bind_to_port(options_.host.c_str(), options_.port) ? options_.port : 0;
    } else {
      const int bound = server_->bind_to_any_port(options_.host.c_str());
      port_ = static_cast<uint16_t>(std::max(bound, 0));
    }
    if (port_ == 0) {
      return absl::AlreadyExistsError(absl::StrFormat(
          "status port %s:%d cannot be bound: it is in use, or the address is not this machine's",
          options_.host, options_.port));
    }
    thread_ = std::thread([this] {
      server_->listen_after_bind();
      ended_ = true;
    });
    // A stop that comes before the loop runs would be lost.
    while (!server_->is_running() && !ended_) std::this_thread::yield();
    return absl::OkStatus();
  }

  uint16_t port() const override { return port_; }

  void Publish(std::shared_ptr<const Pages> pages) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    pages_ = std::move(pages);
    published_ = Clock::now();
  }

 private:
  // The page itself holds no figures: it asks its reader for the token.
  bool MayRead(const httplib::Request& request) const {
    if (options_.token.empty() || request.path == "/") return true;
    return SameText(request.get_header_value("Authorization"), "Bearer " + options_.token);
  }

  void Answer(const httplib::Request& request, httplib::Response* response) {
    response->set_header("Cache-Control", "no-store");
    response->set_header("X-Content-Type-Options", "nosniff");
    response->set_header("Referrer-Policy", "no-referrer");
    response->set_header("Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; script-src "
                         "'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; "
                         "form-action 'none'; frame-ancestors 'none'");
    const auto refuse = [response](int code, const char* word, const char* why) {
      response->status = code;
      response->set_content(ErrorBody(word, why), "application/json");
    };
    if (request.method != "GET" && request.method != "HEAD") {
      response->set_header("Allow", "GET, HEAD");
      return refuse(405, "method", "this port only answers; use GET");
    }
    if (!MayRead(request)) {
      response->set_header("WWW-Authenticate", "Bearer realm=\"tidemark\"");
      return request.has_header("Authorization")
                 ? refuse(403, "token", "the token is wrong")
                 : refuse(401, "token", "a token is needed: Authorization: Bearer TOKEN");
    }
    if (request.has_header("Content-Length") && request.get_header_value("Content-Length") != "0")
      return refuse(413, "body", "a request has no body here");
    // A line of them would multiply the page.
    if (request.has_header("Range")) return refuse(416, "range", "pages are given whole");
    std::shared_ptr<const Pages> pages;
    Clock::time_point published;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      pages = pages_;
      published = published_;
    }
    if (pages == nullptr) return refuse(503, "starting", "the agent is starting");
    const HttpAnswer answer = (*pages)(request.path, absl::FromChrono(Clock::now() - published));
    response->status = answer.code;
    response->set_content(answer.body, answer.type);
  }

  Options options_;
  std::unique_ptr<httplib::Server> server_;
  uint16_t port_ = 0;
  std::mutex mutex_;
  std::shared_ptr<const Pages> pages_;
  Clock::time_point published_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StatusPort>> StatusPort::Open(const Options& options) {
  auto port = std::make_unique<HttplibPort>(options);
  const absl::Status started = port->Start();
  if (!started.ok()) return started;
  return port;
}

bool IsLoopback(const std::string& host) {
  const bool is_number = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "::1" || host == "[::1]" ||
         (is_number && host.starts_with("127."));
}

}  // namespace tidemark
