#include "agent/alert_sender.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "agent/io/transfer.h"

namespace tidemark {
namespace {

constexpr size_t kMemoryBytesMax = 16 * 1024 * 1024;
constexpr size_t kSecretBytesMax = 4096;
constexpr absl::Duration kFinishLimit = absl::Seconds(6);  // a courier gives up after 5

std::string WithoutSpace(std::string text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
  return text;
}

}  // namespace

AlertSender::AlertSender(Io* io, const SlaConfig* config, std::string agent, std::string path,
                         Logger* log)
    : io_(io),
      agent_(std::move(agent)),
      path_(std::move(path)),
      log_(log),
      book_(config->timing),
      desk_(config->channels, config->maintenance) {
  for (const AlertChannel& channel : config->channels) channels_.push_back({&channel, nullptr, ""});
}

Task<> AlertSender::Load() {
  std::string path = path_;
  absl::StatusOr<std::string> saved = co_await ReadSmallFile(io_, std::move(path), kMemoryBytesMax);
  loaded_ = true;
  if (absl::IsNotFound(saved.status())) co_return;
  const absl::Status loaded = saved.ok() ? desk_.Load(*saved, &book_) : saved.status();
  if (loaded.ok()) co_return;
  log_->Warn(path_ + ": " + std::string(loaded.message()) + ": alerts begin anew");
  Op aside = io_->Rename(path_, path_ + ".damaged");
  const int32_t moved = co_await aside;
  (void)moved;
}

Task<absl::Status> AlertSender::Store() {
  std::string path = path_, content = desk_.Save(book_);
  absl::Status stored = co_await WriteSmallFileDurably(io_, std::move(path), std::move(content));
  if (stored.ok()) {
    desk_.Saved();
    unsaved_ = false;
  } else {
    log_->Warn("keeping the alerts: " + std::string(stored.message()));
  }
  co_return stored;
}

Task<> AlertSender::Step(std::vector<SlaFact> facts, AlertDesk::FactsOfSubject facts_of,
                         std::string page) {
  if (!loaded_) co_await Load();
  const absl::Time now = io_->Now();
  changes_ = book_.Note(now, io_->Monotonic(), facts);
  for (const SlaChange& change : changes_) {
    log_->Info(absl::StrFormat("%s%s%s: %s -> %s: %s", change.subject.alert,
                               change.subject.vault.empty() ? "" : " of vault ",
                               change.subject.vault, SlaLevelName(change.before),
                               SlaLevelName(change.now.level), change.now.summary),
               {{"event", "alert"},
                {"alert", change.subject.alert},
                {"vault", change.subject.vault},
                {"site", change.subject.site},
                {"severity", SlaLevelName(change.now.level)}});
  }
  unsaved_ = unsaved_ || !changes_.empty();
  desk_.Route(now, book_.states(), facts_of);
  for (Channel& channel : channels_) Collect(&channel);
  // Stored first, so that a restart sends nothing twice. A disk that takes nothing must not keep
  // anybody from hearing of it, though: then some come again, with the number that they had.
  if (unsaved_ || desk_.changed()) {
    const absl::Status stored = co_await Store();
    (void)stored;  // its trouble is told by Store; tried again at the next round
  }
  for (Channel& channel : channels_) {
    std::string where = page;
    co_await Send(&channel, std::move(where));
  }
}

Task<> AlertSender::Finish() {
  const auto busy = [](const Channel& channel) {
    return channel.courier != nullptr && channel.courier->busy();
  };
  const absl::Duration until = io_->Monotonic() + kFinishLimit;
  while (std::any_of(channels_.begin(), channels_.end(), busy) && io_->Monotonic() < until) {
    Op sleep = io_->Sleep(absl::Milliseconds(20));
    const int32_t slept = co_await sleep;
    (void)slept;
    for (Channel& channel : channels_) Collect(&channel);
  }
  if (!desk_.changed()) co_return;
  const absl::Status stored = co_await Store();
  (void)stored;
}

void AlertSender::Collect(Channel* channel) {
  if (channel->courier == nullptr) return;
  const std::optional<CourierOutcome> outcome = channel->courier->Take();
  if (!outcome.has_value()) return;
  if (outcome->delivered) {
    desk_.Delivered(outcome->id);
    Trouble(channel, "");
    return;
  }
  desk_.Failed(outcome->id, io_->Now(), outcome->retry_after, outcome->for_good);
  Trouble(channel, outcome->why);
}

// Once per reason: a receiver that is away for a night is one line, not a thousand.
void AlertSender::Trouble(Channel* channel, const std::string& why) {
  if (channel->trouble == why) return;
  channel->trouble = why;
  if (why.empty()) {
    log_->Info("alerts to " + channel->config->name + " are delivered again",
               {{"event", "channel"}, {"channel", channel->config->name}, {"state", "delivered"}});
  } else {
    log_->Warn("alert to " + channel->config->name + " not delivered: " + why,
               {{"event", "channel"}, {"channel", channel->config->name}, {"state", "failing"}});
  }
}

Task<absl::StatusOr<AlertSecrets>> AlertSender::Secrets(const AlertChannel* channel) {
  AlertSecrets secrets;
  secrets.url = channel->url;
  const std::pair<const std::string*, std::string*> files[] = {
      {&channel->url_file, &secrets.url},
      {&channel->secret_file, &secrets.signing_key},
      {&channel->routing_key_file, &secrets.routing_key}};
  for (const auto& [file, text] : files) {
    if (file->empty()) continue;
    std::string path = *file;
    absl::StatusOr<std::string> read =
        co_await ReadSmallFile(io_, std::move(path), kSecretBytesMax);
    if (!read.ok()) co_return read.status();
    *text = WithoutSpace(*std::move(read));
  }
  co_return secrets;
}

Task<> AlertSender::Send(Channel* channel, std::string page) {
  const Delivery* due = desk_.Due(channel->config->name, io_->Now());
  if (due == nullptr || (channel->courier != nullptr && channel->courier->busy())) co_return;
  // Secrets are read anew each time: they may be changed while the agent runs.
  absl::StatusOr<AlertSecrets> secrets = co_await Secrets(channel->config);
  if (!secrets.ok()) {
    desk_.Failed(due->id, io_->Now(), std::nullopt, false);
    Trouble(channel, std::string(secrets.status().message()));
    co_return;
  }
  if (channel->courier == nullptr) channel->courier = Courier::Start();
  if (channel->courier == nullptr) co_return;
  channel->courier->Carry(due->id,
                          ShapeAlert(*channel->config, *secrets, due->alert, agent_, page));
}

}  // namespace tidemark
