#include "agent/reporter.h"

#include <utility>

#include "agent/io/transfer.h"
#include "agent/report/network_metrics.h"
#include "agent/report/push_service.h"
#include "agent/report/sla_report.h"

namespace tidemark {
namespace {

constexpr size_t kProcBytesMax = 1 << 20;
constexpr absl::Duration kInterval = absl::Milliseconds(500);
constexpr absl::Duration kPortRetry = absl::Seconds(5);
constexpr size_t kTokenBytesMax = 4096;
constexpr size_t kEventsShown = 20;
constexpr absl::Duration kSettleLimit = absl::Seconds(15);
constexpr absl::Duration kKeepInterval = absl::Minutes(1);
constexpr absl::Duration kComputeInterval = absl::Seconds(30);
constexpr size_t kBookBytesMax = 64 * 1024 * 1024;

std::string WithoutSpace(std::string text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
  return text;
}

}  // namespace

Reporter::Reporter(Io* io, const AgentConfig* config, Agent* agent, Logger* log)
    : io_(io),
      config_(config),
      agent_(agent),
      log_(log),
      alerts_(io, &config->sla, config->name, config->state + "/alerts.json", log),
      usage_(config->sla.prices) {
  agent_->SetObserver(this);
}

Reporter::~Reporter() { agent_->SetObserver(nullptr); }

void Reporter::Stop() {
  stopping_ = true;
  if (sleep_ != nullptr) io_->Cancel(sleep_);
}

void Reporter::Complete(StatusReport* report) {
  report->status_url = url_;
  report->status_trouble = port_trouble_;
  report->longest_stall_seconds =
      std::max(report->longest_stall_seconds, absl::ToDoubleSeconds(late_));
  report->load.cpu_share = load_.cpu_share();
  report->load.memory_share = load_.memory_share();
  report->load.resident_bytes = load_.resident_bytes();
  report->load.cpu_percent_max = config_->cpu_percent;
  report->load.memory_percent_max = config_->memory_percent;
  const auto& events = events_.events();
  const size_t count = std::min(events.size(), kEventsShown);
  report->events.assign(events.begin(), events.begin() + static_cast<ptrdiff_t>(count));
}

Task<> Reporter::Run() {
  started_ = io_->Monotonic();
  co_await LoadBooks();
  while (!stopping_) {
    co_await OpenPort();
    co_await ReadLoad();
    co_await Look();
    if (io_->Monotonic() - kept_ >= kKeepInterval) co_await KeepBooks();
    const absl::Duration from = io_->Monotonic();
    Op sleep = io_->Sleep(kInterval);
    sleep_ = &sleep;
    const int32_t slept = co_await sleep;
    sleep_ = nullptr;
    (void)slept;
    // Also of a process that was stopped while it waited.
    late_ = std::max(late_, io_->Monotonic() - from - kInterval);
  }
  co_await alerts_.Finish();
  co_await KeepBooks();
}

Task<> Reporter::ReadLoad() {
  ProcessLoad::Texts texts;
  const std::pair<const char*, std::string*> files[] = {{"/proc/self/stat", &texts.self_stat},
                                                        {"/proc/self/status", &texts.self_status},
                                                        {"/proc/stat", &texts.stat},
                                                        {"/proc/meminfo", &texts.meminfo}};
  for (const auto& [path, text] : files) {
    std::string name = path;
    absl::StatusOr<std::string> read = co_await ReadSmallFile(io_, std::move(name), kProcBytesMax);
    if (read.ok()) *text = *std::move(read);
  }
  load_.Note(io_->Monotonic(), texts);
}

Task<> Reporter::LoadBooks() {
  const auto usage = [this](const std::string& text) { return usage_.Load(text); };
  const auto incidents = [this](const std::string& text) { return incidents_.Load(text); };
  const auto days = [this](const std::string& text) { return days_.Load(text); };
  const std::pair<const char*, std::function<absl::Status(const std::string&)>> books[] = {
      {"/usage.json", usage}, {"/incidents.json", incidents}, {"/days.json", days}};
  for (const auto& [name, load] : books) {
    std::string path = config_->state + name;
    absl::StatusOr<std::string> text = co_await ReadSmallFile(io_, std::move(path), kBookBytesMax);
    if (absl::IsNotFound(text.status())) continue;
    const absl::Status loaded = text.ok() ? load(*text) : text.status();
    if (loaded.ok()) continue;
    log_->Warn(config_->state + name + ": " + std::string(loaded.message()) + ": it begins anew");
    Op aside = io_->Rename(config_->state + name, config_->state + name + ".damaged");
    const int32_t moved = co_await aside;
    (void)moved;
  }
  kept_ = io_->Monotonic();
}

Task<> Reporter::KeepBooks() {
  kept_ = io_->Monotonic();
  const std::pair<const char*, std::string> books[] = {{"/usage.json", usage_.Save()},
                                                       {"/incidents.json", incidents_.Save()},
                                                       {"/days.json", days_.Save()}};
  for (const auto& [name, content] : books) {
    std::string path = config_->state + name, text = content;
    absl::Status kept = co_await WriteSmallFileDurably(io_, std::move(path), std::move(text));
    if (!kept.ok()) log_->Warn("keeping the books: " + std::string(kept.message()));
  }
}

Task<> Reporter::OpenPort() {
  const StatusPortConfig& wanted = config_->status;
  if (port_ != nullptr || wanted.listen.empty() || io_->Monotonic() < port_tried_ + kPortRetry)
    co_return;
  port_tried_ = io_->Monotonic();
  StatusPort::Options options;
  const size_t colon = wanted.listen.rfind(':');
  options.host = wanted.listen.substr(0, colon);
  if (options.host.starts_with('[')) options.host = options.host.substr(1, options.host.size() - 2);
  options.port = static_cast<uint16_t>(std::stoul(wanted.listen.substr(colon + 1)));
  options.certificate = wanted.certificate;
  options.private_key = wanted.private_key;
  options.client_authority = wanted.client_authority;
  absl::Status failed;
  if (!wanted.token_file.empty()) {
    std::string path = wanted.token_file;
    absl::StatusOr<std::string> token =
        co_await ReadSmallFile(io_, std::move(path), kTokenBytesMax);
    if (token.ok()) options.token = WithoutSpace(*std::move(token));
    if (!token.ok()) {
      failed = token.status();
    } else if (options.token.empty()) {
      failed = absl::FailedPreconditionError(wanted.token_file + " holds no token");
    }
  }
  if (failed.ok()) {
    absl::StatusOr<std::unique_ptr<StatusPort>> port = StatusPort::Open(options);
    failed = port.status();
    if (port.ok()) port_ = *std::move(port);
  }
  if (!failed.ok() && port_trouble_ != failed.message()) log_->Warn(std::string(failed.message()));
  port_trouble_ = std::string(failed.message());
  if (port_ == nullptr) co_return;
  url_ = (wanted.certificate.empty() ? "http://" : "https://") + wanted.listen.substr(0, colon) +
         ":" + std::to_string(port_->port());
  log_->Info("status page at " + url_ + "/");
}

Task<> Reporter::Look() {
  StatusReport report = agent_->Status();
  events_.Observe(report);
  if (history_.Note(report) || published_history_ == nullptr)
    published_history_ = std::make_shared<const History>(history_);
  std::vector<SlaFact> facts;
  if (Settled(report)) facts = FactsOf(report);
  const std::vector<SlaFact> gone = FactsOfGone(report, alerts_.book().states());
  facts.insert(facts.end(), gone.begin(), gone.end());
  NoteBooks(report, &facts);
  Publish(report);
  AlertDesk::FactsOfSubject facts_of = [this, &report](const SlaSubject& subject) {
    auto told = AlertFacts(report, subject);
    const auto used = UsageFacts(usage_, subject);
    told.insert(told.end(), used.begin(), used.end());
    return told;
  };
  std::string page = url_.empty() ? "" : url_ + "/";
  co_await alerts_.Step(std::move(facts), std::move(facts_of), std::move(page));
  for (const SlaChange& change : alerts_.changes()) {
    events_.Add(report.at, change.subject.alert,
                std::string(SlaLevelName(change.now.level)) + ": " + change.now.summary);
  }
}

// An agent that starts is no incident, unless it does not get ready.
bool Reporter::Settled(const StatusReport& report) {
  settled_ = settled_ || io_->Monotonic() > started_ + kSettleLimit ||
             (NotReadyReasons(report).empty() && agent_->ready());
  return settled_;
}

void Reporter::NoteBooks(const StatusReport& report, std::vector<SlaFact>* facts) {
  std::vector<VaultUsage> usage;
  for (const VaultStatus& vault : report.vaults) {
    // Before a vault is open its size is not known; what was known counts on.
    if (vault.state != "open") continue;
    usage.push_back({vault.name, vault.tier, static_cast<double>(vault.stored_bytes),
                     static_cast<double>(vault.source_bytes),
                     static_cast<double>(vault.restored_bytes)});
  }
  usage_.Note(report.at, usage);
  const std::vector<SlaFact> quotas = QuotaFacts(usage_.Statements());
  facts->insert(facts->end(), quotas.begin(), quotas.end());
  const std::vector<MaintenanceWindow>& maintenance = config_->sla.maintenance;
  incidents_.Note(report.at, *facts, maintenance);
  days_.Note(report, io_->Monotonic(), maintenance);
  if (io_->Monotonic() - computed_ < kComputeInterval) return;
  computed_ = io_->Monotonic();
  const PriceTable& prices = config_->sla.prices;
  network_metrics_ = NetworkMetricsJson(report.at, usage_, incidents_, alerts_.book(), prices);
  auto pages = std::make_shared<ReportPages>();
  for (const auto& [format, page] :
       {std::pair("%Y-%m-%d", &pages->daily), std::pair("%Y-%m", &pages->monthly)}) {
    const std::string period = absl::FormatTime(format, report.at, absl::UTCTimeZone());
    const absl::StatusOr<SlaReport> made =
        MakeSlaReport(period, config_->name, report.at, days_, incidents_, usage_, config_->sla);
    if (made.ok()) *page = SlaReportPage(*made);
  }
  reports_ = std::move(pages);
}

// The port's threads read the snapshot, which nobody changes any more.
void Reporter::Publish(const StatusReport& report) {
  if (port_ == nullptr) return;
  auto snapshot = std::make_shared<StatusSnapshot>();
  snapshot->report = report;
  snapshot->history = published_history_;
  snapshot->network_metrics = network_metrics_;
  snapshot->reports = reports_;
  MetricsText more;
  AddUsage(usage_, &more);
  AddSla(alerts_.book(), &more);
  AddDelivery(alerts_.desk(), &more);
  snapshot->more_metrics = more.Take();
  port_->Publish(std::make_shared<const StatusPort::Pages>(
      [snapshot = std::shared_ptr<const StatusSnapshot>(std::move(snapshot))](
          const std::string& path, absl::Duration age) {
        return AnswerPage(*snapshot, path, age);
      }));
}

}  // namespace tidemark
