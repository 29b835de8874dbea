#include "agent/log.h"

#include <unistd.h>

#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

constexpr LogLevel kLevels[] = {LogLevel::kError, LogLevel::kWarn, LogLevel::kInfo,
                                LogLevel::kDebug};

// A message may quote what a stranger sent: it must not forge a second line.
std::string OneLine(const std::string& text) {
  std::string line = text;
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return line;
}

}  // namespace

std::string LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "info";
}

absl::StatusOr<LogLevel> ParseLogLevel(const std::string& word) {
  for (const LogLevel level : kLevels) {
    if (LogLevelName(level) == word) return level;
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is no log level: use error, warn, info or debug", word));
}

Logger::Logger(LogLevel level, Clock clock, Sink sink)
    : level_(level), clock_(std::move(clock)), sink_(std::move(sink)) {}

Logger Logger::ToStderr(LogLevel level, Clock clock) {
  // A log that cannot be written must not stop replication: the result is not looked at.
  return Logger(level, std::move(clock), [](const std::string& line) {
    const ssize_t ignored = write(STDERR_FILENO, line.data(), line.size());
    static_cast<void>(ignored);
  });
}

void Logger::Write(LogLevel level, const std::string& text) {
  if (!wants(level)) return;
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", clock_(), absl::UTCTimeZone());
  sink_(absl::StrFormat("%s %-5s %s\n", time, LogLevelName(level), OneLine(text)));
}

}  // namespace tidemark
