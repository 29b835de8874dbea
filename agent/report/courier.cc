#include "agent/report/courier.h"

// libcurl speaks HTTP, TLS and SMTP; it blocks, so it has this thread.
#include <curl/curl.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr long kTimeoutMillis = 5000;
constexpr size_t kAnswerBytesMax = 64 * 1024;

struct MailSource {
  const std::string* body;
  size_t at = 0;
  static size_t Read(char* into, size_t size, size_t count, void* self) {
    auto* source = static_cast<MailSource*>(self);
    const size_t length = source->body->copy(into, size * count, source->at);
    source->at += length;
    return length;
  }
};

// What a receiver answers is not needed, and not more than a page of it is listened to.
size_t Ignore(char*, size_t size, size_t count, void* seen) {
  auto* total = static_cast<size_t*>(seen);
  *total += size * count;
  return *total > kAnswerBytesMax ? 0 : size * count;
}

CourierOutcome Judge(CURL* handle, CURLcode result, bool is_mail) {
  CourierOutcome outcome;
  long code = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code);
  if (result != CURLE_OK) {
    outcome.why = curl_easy_strerror(result);
    outcome.for_good = is_mail && code >= 500 && code < 600;
    return outcome;
  }
  outcome.delivered = is_mail || (code >= 200 && code < 300);
  if (outcome.delivered) return outcome;
  outcome.why = absl::StrFormat("HTTP %d", code);
  outcome.for_good = code >= 300 && code < 500 && code != 408 && code != 429;
  curl_off_t wait = 0;
  if (curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
    outcome.retry_after = absl::Seconds(wait);
  return outcome;
}

CourierOutcome Send(const AlertMessage& message) {
  CURL* handle = curl_easy_init();
  if (handle == nullptr) return {0, false, false, std::nullopt, "libcurl does not start"};
  const bool is_mail = !message.mail_to.empty();
  curl_slist* list = nullptr;
  MailSource source{&message.body};
  size_t seen = 0;
  curl_easy_setopt(handle, CURLOPT_URL, message.url.c_str());
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, kTimeoutMillis);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, Ignore);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &seen);
  // A redirect could lead a signed message elsewhere; a file: address could read this machine.
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https,smtp,smtps");
  if (is_mail) {
    list = curl_slist_append(list, message.mail_to.c_str());
    curl_easy_setopt(handle, CURLOPT_MAIL_FROM, message.mail_from.c_str());
    curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, list);
    curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(handle, CURLOPT_READFUNCTION, MailSource::Read);
    curl_easy_setopt(handle, CURLOPT_READDATA, &source);
    curl_easy_setopt(handle, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_TRY));
  } else {
    for (const auto& [name, value] : message.headers)
      list = curl_slist_append(list, (name + ": " + value).c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(message.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, message.body.c_str());
  }
  const CURLcode result = curl_easy_perform(handle);
  CourierOutcome outcome = Judge(handle, result, is_mail);
  curl_slist_free_all(list);
  curl_easy_cleanup(handle);
  return outcome;
}

class CurlCourier : public Courier {
 public:
  CurlCourier() : thread_([this] { Work(); }) {}
  CurlCourier(const CurlCourier&) = delete;
  ~CurlCourier() override {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  bool busy() const override { return busy_; }
  void Carry(uint64_t id, AlertMessage message) override {
    busy_ = true;
    const std::lock_guard<std::mutex> lock(mutex_);
    id_ = id;
    message_ = std::move(message);
    changed_.notify_all();
  }
  std::optional<CourierOutcome> Take() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::optional<CourierOutcome> outcome = std::exchange(outcome_, std::nullopt);
    if (outcome.has_value()) busy_ = false;
    return outcome;
  }

 private:
  void Work() {
    while (true) {
      AlertMessage message;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return message_.has_value() || ending_; });
        if (!message_.has_value()) return;
        message = *std::exchange(message_, std::nullopt);
      }
      CourierOutcome outcome = Send(message);
      const std::lock_guard<std::mutex> lock(mutex_);
      outcome.id = id_;
      outcome_ = std::move(outcome);
    }
  }
  bool busy_ = false;  // the owner's thread only
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<AlertMessage> message_;
  std::optional<CourierOutcome> outcome_;
  uint64_t id_ = 0;
  bool ending_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<Courier> Courier::Start() {
  static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return started ? std::make_unique<CurlCourier>() : nullptr;
}

}  // namespace tidemark
