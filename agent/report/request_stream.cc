#include "agent/report/request_stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

// How often a connection that waits looks whether the port ends.
constexpr std::chrono::milliseconds kLookEvery(50);
// Buffers of a refused request that are read and thrown away.
constexpr int kUnreadMax = 1024;

std::string Refusal(const char* status, const char* code, const std::string& message) {
  const std::string body =
      absl::StrFormat("{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n", code, message);
  return absl::StrFormat(
      "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
      "Content-Length: %d\r\n\r\n%s",
      status, body.size(), body);
}

std::string TooLarge() {
  return Refusal("431 Request Header Fields Too Large", "size",
                 absl::StrFormat("a request has at most %d bytes", kRequestBytesMax));
}

std::string TooSlow() {
  return Refusal(
      "408 Request Timeout", "time",
      absl::StrFormat("the request did not arrive in %d seconds", kRequestTimeMax.count()));
}

}  // namespace

RequestStream::RequestStream(socket_t socket, SSL_CTX* tls) : socket_(socket) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
  if (tls == nullptr) return;
  ssl_.reset(SSL_new(tls));
  if (ssl_ != nullptr) SSL_set_fd(ssl_.get(), socket_);
}

bool RequestStream::Wait(short events, Clock::time_point until) const {
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waiting{socket_, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

ssize_t RequestStream::TlsResult(int result, short* wants) const {
  const int error = SSL_get_error(ssl_.get(), result);
  // What is left on the queue would be taken for the next connection's.
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ) *wants = POLLIN;
  if (error == SSL_ERROR_WANT_WRITE) *wants = POLLOUT;
  return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

ssize_t RequestStream::TryRead(char* into, size_t size, short* wants) {
  *wants = 0;
  if (ssl_ != nullptr) {
    const int got = SSL_read(ssl_.get(), into, static_cast<int>(size));
    return got > 0 ? got : TlsResult(got, wants);
  }
  const ssize_t got = recv(socket_, into, size, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) *wants = POLLIN;
  return got;
}

ssize_t RequestStream::TryWrite(const char* from, size_t size, short* wants) {
  *wants = 0;
  if (ssl_ != nullptr) {
    const int sent = SSL_write(ssl_.get(), from, static_cast<int>(size));
    return sent > 0 ? sent : TlsResult(sent, wants);
  }
  const ssize_t sent = send(socket_, from, size, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) *wants = POLLOUT;
  return sent;
}

bool RequestStream::Handshake() {
  if (ssl_ == nullptr) return false;
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const Clock::time_point until = Clock::now() + kHandshakeTimeMax;
  while (true) {
    const int result = SSL_accept(ssl_.get());
    if (result == 1) return true;
    short wants = 0;
    TlsResult(result, &wants);
    if (wants == 0 || !Wait(wants, until)) return false;
  }
}

bool RequestStream::AwaitRequest(const std::function<bool()>& is_ending) {
  const Clock::time_point until = Clock::now() + kKeepAliveTimeMax;
  bool has_bytes = at_ < end_ || (ssl_ != nullptr && SSL_pending(ssl_.get()) > 0);
  while (!has_bytes && !is_ending() && Clock::now() < until)
    has_bytes = Wait(POLLIN, std::min(until, Clock::now() + kLookEvery));
  bytes_left_ = kRequestBytesMax;
  is_answering_ = false;
  read_until_ = Clock::now() + kRequestTimeMax;
  return has_bytes;
}

bool RequestStream::is_readable() const { return at_ < end_ || Wait(POLLIN, read_until_); }

bool RequestStream::is_writable() const {
  return Wait(POLLOUT, is_answering_ ? write_until_ : Clock::now() + kAnswerTimeMax);
}

ssize_t RequestStream::read(char* into, size_t size) {
  if (bytes_left_ == 0 && !is_refused_) Refuse(TooLarge());
  if (is_refused_) return -1;
  while (at_ == end_) {
    short wants = 0;
    const ssize_t got = TryRead(buffer_, sizeof(buffer_), &wants);
    if (got > 0) {
      at_ = 0;
      end_ = static_cast<size_t>(got);
    } else if (wants == 0) {
      return got;
    } else if (!Wait(wants, read_until_)) {
      Refuse(TooSlow());
      return -1;
    }
  }
  const size_t taken = std::min({size, end_ - at_, bytes_left_});
  std::memcpy(into, buffer_ + at_, taken);
  at_ += taken;
  bytes_left_ -= taken;
  return static_cast<ssize_t>(taken);
}

ssize_t RequestStream::write(const char* from, size_t size) {
  if (is_refused_) return -1;
  if (!is_answering_) write_until_ = Clock::now() + kAnswerTimeMax;
  is_answering_ = true;
  while (true) {
    short wants = 0;
    const ssize_t sent = TryWrite(from, size, &wants);
    if (sent > 0 || wants == 0 || !Wait(wants, write_until_)) return sent;
  }
}

void RequestStream::Refuse(const std::string& answer) {
  for (size_t done = 0; done < answer.size();) {
    const ssize_t sent = write(answer.data() + done, answer.size() - done);
    if (sent <= 0) break;
    done += static_cast<size_t>(sent);
  }
  is_refused_ = true;
  // A close with bytes unread would reset the connection and take the answer with it.
  shutdown(socket_, SHUT_WR);
  for (int i = 0; i < kUnreadMax && Wait(POLLIN, Clock::now() + kLookEvery); ++i)
    if (recv(socket_, buffer_, sizeof(buffer_), 0) <= 0) break;
}

void RequestStream::EndTls() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void RequestStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();  // nobody asks
  port = 0;
}

void RequestStream::get_local_ip_and_port(std::string& ip, int& port) const {
  get_remote_ip_and_port(ip, port);
}

bool ServeConnection(socket_t socket, SSL_CTX* tls, const std::function<bool()>& is_ending,
                     const ServeOne& serve) {
  bool served = false;
  {
    RequestStream stream(socket, tls);
    bool goes_on = tls == nullptr || stream.Handshake();
    for (int i = 0; goes_on && i < kKeepAliveRequestsMax && stream.AwaitRequest(is_ending); ++i) {
      bool closed = false;
      served = serve(stream, i + 1 == kKeepAliveRequestsMax, &closed);
      goes_on = served && !closed;
    }
    if (goes_on) stream.EndTls();
  }
  shutdown(socket, SHUT_RDWR);
  close(socket);
  return served;
}

}  // namespace tidemark
