// One connection of the status port, with a bound on each request.
//
// cpp-httplib limits a line only once it has ended and gives each read a new time-out, so a
// stranger could fill memory with a line that never ends, or hold a thread for ever with a byte a
// second. Here a request has so many bytes and so much time in all; what goes past is refused (431,
// 408) and the connection closed.
#ifndef TIDEMARK_AGENT_REPORT_REQUEST_STREAM_H_
#define TIDEMARK_AGENT_REPORT_REQUEST_STREAM_H_

#include <httplib.h>
#include <openssl/ssl.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace tidemark {

inline constexpr size_t kRequestBytesMax = 16 << 10;
inline constexpr std::chrono::seconds kRequestTimeMax(3), kAnswerTimeMax(3), kHandshakeTimeMax(3);
inline constexpr std::chrono::seconds kKeepAliveTimeMax(2);
inline constexpr int kKeepAliveRequestsMax = 1000;

class RequestStream : public httplib::Stream {
 public:
  // Does not own the socket, which becomes non-blocking. `tls` may be null.
  RequestStream(socket_t socket, SSL_CTX* tls);

  // False: no handshake in time.
  bool Handshake();
  // Waits for the first byte of the next request and gives it its bytes and its time. False: none
  // came, or the port ends.
  bool AwaitRequest(const std::function<bool()>& is_ending);
  void EndTls();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* into, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  bool Wait(short events, Clock::time_point until) const;
  // One try of the socket or of TLS: bytes, 0 at the end, -1 with *wants what it waits for.
  ssize_t TryRead(char* into, size_t size, short* wants);
  ssize_t TryWrite(const char* from, size_t size, short* wants);
  // Says why a request is not read on, ends the connection. The library's own answer is dropped.
  void Refuse(const std::string& answer);
  ssize_t TlsResult(int result, short* wants) const;

  socket_t socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  char buffer_[4096];
  size_t at_ = 0, end_ = 0;
  size_t bytes_left_ = 0;
  bool is_answering_ = false, is_refused_ = false;
  Clock::time_point read_until_, write_until_;
};

// Serves a connection to its end and closes it. `serve` handles one request: it is told whether it
// is the last, and says in *closed whether the other end wants no more; false: the request could
// not be read.
using ServeOne = std::function<bool(httplib::Stream& stream, bool is_last, bool* closed)>;
bool ServeConnection(socket_t socket, SSL_CTX* tls, const std::function<bool()>& is_ending,
                     const ServeOne& serve);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_REQUEST_STREAM_H_
