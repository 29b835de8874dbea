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
