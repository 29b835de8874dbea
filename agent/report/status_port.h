// The status port: HTTP for monitoring and for the page. Reads only; every answer is made from the
// newest snapshot that was published, so a site that hangs, or the agent's loop itself, never holds
// one up.
//
//   Open -> Publish* -> destruction (ends its threads)
#ifndef TIDEMARK_AGENT_REPORT_STATUS_PORT_H_
#define TIDEMARK_AGENT_REPORT_STATUS_PORT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tidemark {

struct HttpAnswer {
  int code = 200;
  std::string type = "application/json", body;
};

class StatusPort {
 public:
  struct Options {
    std::string host;
    uint16_t port = 0;  // 0: any
    std::string token;  // of "Authorization: Bearer"; empty: none is asked for
    // PEM files; empty: plain HTTP. With client_authority a client needs a certificate of it.
    std::string certificate, private_key, client_authority;
  };
  // Gives the answer to GET `path`; `age`: since the publication. Called on any of the port's
  // threads at once, so it must only read what it was made of. Code 404: there is no such page.
  using Pages = std::function<HttpAnswer(const std::string& path, absl::Duration age)>;

  // kAlreadyExists: the port is in use; kFailedPrecondition: certificate or key do not fit.
  static absl::StatusOr<std::unique_ptr<StatusPort>> Open(const Options& options);
  virtual ~StatusPort() = default;
  virtual uint16_t port() const = 0;
  // From now on answers come from `pages`. Before the first one every answer is 503.
  virtual void Publish(std::shared_ptr<const Pages> pages) = 0;
};

// True for 127.0.0.0/8, ::1 and localhost: only those may be served without a token or certificate.
bool IsLoopback(const std::string& host);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_REPORT_STATUS_PORT_H_
