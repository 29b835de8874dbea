#include "agent/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "agent/failure.h"
#include "agent/report_json.h"

namespace tidemark {
namespace {

constexpr int kBarCells = 24;
const absl::Duration kRepaint = absl::Milliseconds(100);

// Bytes of UTF-8 that begin a character: good enough for columns of names.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Number(const std::optional<double>& number) {
  if (!number.has_value()) return "-";
  return *number < 10 ? absl::StrFormat("%.1f", *number) : absl::StrFormat("%.0f", *number);
}

std::string Upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::vector<std::string> SiteRow(const SiteStatus& site) {
  const std::string durable =
      site.durable_sequence.has_value() ? std::to_string(*site.durable_sequence) : "-";
  const std::string rate =
      site.bytes_per_second.has_value() ? FormatBytes(*site.bytes_per_second) + "/s" : "-";
  const std::string ack =
      FormatSeconds(site.ack_p50_seconds) + " / " + FormatSeconds(site.ack_p99_seconds);
  const std::string rpo =
      FormatSeconds(site.rpo_actual_seconds) + " / " + FormatSeconds(site.rpo_target_seconds);
  return {site.name,
          site.role,
          site.state,
          durable,
          FormatSeconds(site.replication_lag_seconds),
          rpo,
          FormatBytes(static_cast<double>(site.pending_bytes)),
          Number(site.iops),
          Number(site.commits_per_second),
          rate,
          ack,
          site.last_error.empty() ? "-" : site.last_error};
}

// What the sites found by re-reading what they hold, and what came of it.
std::string ScrubText(const StatusReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"SCRUB", "COVERED", "LAST FULL PASS", "PERIOD", "RATE", "BAD", "HEALED"}};
  for (const SiteStatus& site : report.sites) {
    if (!site.scrub.has_value()) {
      rows.push_back({site.name, "-", "-", "-", "-", "-", "-"});
      continue;
    }
    const ScrubStatus& scrub = *site.scrub;
    rows.push_back(
        {site.name, absl::StrFormat("%.1f %%", scrub.covered_share * 100),
         scrub.last_full_pass.has_value() ? FormatRfc3339(*scrub.last_full_pass) : "never",
         absl::FormatDuration(absl::Seconds(static_cast<int64_t>(scrub.period_seconds))),
         FormatBytes(static_cast<double>(scrub.bytes_per_second)) + "/s", std::to_string(scrub.bad),
         std::to_string(scrub.healed)});
  }
  return Columns(rows);
}

}  // namespace

int Fail(const Arguments& arguments, const absl::Status& failure) {
  const int exit = ExitOf(failure);
  if (arguments.json) {
    PrintText(ErrorJson(failure) + "\n");
    return exit;
  }
  PrintNote(std::string(failure.message()));
  const std::string hint = HintOf(failure);
  if (!hint.empty()) absl::FPrintF(stderr, "hint: %s\n", hint);
  return exit;
}

void PrintNote(const std::string& line) { absl::FPrintF(stderr, "tidemark: %s\n", line); }

int PrintText(const std::string& text) {
  const size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return kExitOk;
  return kExitIo;
}

int PrintJson(const std::string& json) {
  return PrintText((isatty(STDOUT_FILENO) ? Indented(json) : json) + "\n");
}

std::string FormatBytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  while (bytes >= 999.95 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  if (unit == 0) return absl::StrFormat("%.0f B", bytes);
  return absl::StrFormat("%.1f %s", bytes, kUnits[unit]);
}

std::string FormatSeconds(const std::optional<double>& seconds) {
  if (!seconds.has_value()) return "-";
  const double value = *seconds;
  if (value < 0.001) return absl::StrFormat("%.0f us", value * 1e6);
  if (value < 0.01) return absl::StrFormat("%.1f ms", value * 1e3);
  if (value < 1) return absl::StrFormat("%.0f ms", value * 1e3);
  if (value < 10) return absl::StrFormat("%.1f s", value);
  if (value < 600) return absl::StrFormat("%.0f s", value);
  if (value < 36000) return absl::StrFormat("%.0f min", value / 60);
  return absl::StrFormat("%.0f h", value / 3600);
}

std::string Columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - Width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string StatusText(const StatusReport& report) {
  std::string text = absl::StrFormat("agent   %s, %s, %s\n", report.agent, report.software,
                                     FormatRfc3339(report.at));
  text += absl::StrFormat("health  %s\n", Upper(report.status));
  for (const HealthCode& code : report.codes) {
    text += absl::StrFormat("        %-5s %s: %s\n", code.severity, code.code, code.message);
    if (!code.hint.empty()) text += absl::StrFormat("              hint: %s\n", code.hint);
  }
  if (report.pushes_running > 0)
    text += absl::StrFormat("pushes  %d running\n", report.pushes_running);
  std::vector<std::vector<std::string>> vaults = {
      {"VAULT", "STATE", "ARCHIVES", "SOURCE", "STORED", "DEDUP", "COMMITTED", "EPOCH"}};
  for (const VaultStatus& vault : report.vaults) {
    const std::string ratio =
        vault.dedup_ratio.has_value() ? absl::StrFormat("%.2fx", *vault.dedup_ratio) : "-";
    vaults.push_back({vault.name, vault.state, std::to_string(vault.archives),
                      FormatBytes(static_cast<double>(vault.source_bytes)),
                      FormatBytes(static_cast<double>(vault.stored_bytes)), ratio,
                      std::to_string(vault.committed_sequence), std::to_string(vault.epoch)});
  }
  std::vector<std::vector<std::string>> sites = {
      {"SITE", "ROLE", "STATE", "DURABLE", "LAG", "RPO now / target", "PENDING", "IOPS",
       "COMMITS/s", "IN", "ACK p50 / p99", "LAST ERROR"}};
  for (const SiteStatus& site : report.sites) sites.push_back(SiteRow(site));
  return text + "\n" + Columns(vaults) + "\n" + Columns(sites) + "\n" + ScrubText(report);
}

std::string CheckText(const StatusReport& report) {
  std::string text = "TIDEMARK " + Upper(report.status);
  for (const HealthCode& code : report.codes)
    text += absl::StrFormat(" %s: %s;", code.code, code.message);
  text += " |";
  for (const SiteStatus& site : report.sites) {
    if (!site.replication_lag_seconds.has_value()) continue;
    text += absl::StrFormat(" lag_%s=%.3fs", site.name, *site.replication_lag_seconds);
  }
  return text + "\n";
}

std::string ListText(const std::vector<ListedVersion>& versions) {
  std::vector<std::vector<std::string>> rows = {
      {"ARCHIVE", "VERSION", "SIZE", "CAPTURED", "COMMITTED", "COMPLETE"}};
  for (const ListedVersion& version : versions) {
    rows.push_back({version.archive, std::to_string(version.version),
                    FormatBytes(static_cast<double>(version.source_bytes)),
                    FormatRfc3339(version.captured_at), FormatRfc3339(version.committed_at),
                    version.complete ? "yes" : "no"});
  }
  return Columns(rows);
}

std::string PushText(const PushReport& report) {
  return absl::StrFormat(
      "%s@%d committed as record %d: %s read, %s new, %s stored (%d chunks, %d new)\n",
      report.archive, report.version, report.sequence,
      FormatBytes(static_cast<double>(report.source_bytes)),
      FormatBytes(static_cast<double>(report.new_bytes)),
      FormatBytes(static_cast<double>(report.stored_bytes)), report.chunks, report.new_chunks);
}

std::string VerifyText(const VerifyReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"SITE", "STATE", "RECORDS", "BLOCKS", "BAD", "HEALED"}};
  std::string bad;
  for (const VerifyReport::Site& site : report.sites) {
    rows.push_back({site.name, site.state, std::to_string(site.records),
                    std::to_string(site.blocks), std::to_string(site.found),
                    std::to_string(site.healed)});
    for (const std::string& line : site.healed_places)
      bad += absl::StrFormat("%s: healed: %s\n", site.name, line);
    for (const std::string& line : site.bad) bad += absl::StrFormat("%s: %s\n", site.name, line);
  }
  for (const std::string& line : report.bad) bad += absl::StrFormat("lost: %s\n", line);
  return Columns(rows) + absl::StrFormat("%d versions checked\n", report.versions_checked) + bad;
}

ProgressBar::ProgressBar(std::string verb) : verb_(std::move(verb)), started_(absl::Now()) {
  const char* terminal = std::getenv("TERM");
  enabled_ = isatty(STDERR_FILENO) && terminal != nullptr && std::string(terminal) != "dumb";
}

void ProgressBar::Show(uint64_t done_bytes, uint64_t total_bytes) {
  const absl::Time now = absl::Now();
  if (!enabled_ || now - painted_ < kRepaint) return;
  painted_ = now;
  const double done = static_cast<double>(done_bytes);
  const double rate = done / std::max(absl::ToDoubleSeconds(now - started_), 0.001);
  std::string bar;
  if (total_bytes > 0) {
    const double share = std::min(1.0, done / static_cast<double>(total_bytes));
    const int full = static_cast<int>(share * kBarCells);
    bar = absl::StrFormat("[%s%s] %3.0f %%  ", std::string(full, '#'),
                          std::string(kBarCells - full, '.'), share * 100);
  }
  absl::FPrintF(stderr, "\r%s %s%s  %s/s\033[K", verb_, bar, FormatBytes(done), FormatBytes(rate));
  shown_ = true;
}

void ProgressBar::Clear() {
  if (!shown_) return;
  absl::FPrintF(stderr, "\r\033[K");
  shown_ = false;
}

}  // namespace tidemark
