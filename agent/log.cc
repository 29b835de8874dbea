#include "agent/log.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "absl/strings/ascii.h"
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

constexpr std::string_view kFormats[] = {"text", "logfmt", "json", "journald"};

// For a string in quotes, of JSON as of logfmt. Bytes that are no ASCII could be half a character.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += static_cast<unsigned char>(c) < 0x80 ? c : '?';
  }
  return escaped;
}

// A field's value, bounded as the text is.
std::string ValueOf(const std::string& value) {
  return OneLine(value).substr(0, Logger::kFieldBytesMax);
}

// Of syslog: err, warning, info, debug.
int Priority(LogLevel level) {
  constexpr int kPriorities[] = {3, 4, 6, 7};
  return kPriorities[static_cast<size_t>(level)];
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

std::string LogFormatName(LogFormat format) {
  return std::string(kFormats[static_cast<size_t>(format)]);
}

absl::StatusOr<LogFormat> ParseLogFormat(const std::string& word) {
  for (size_t i = 0; i < std::size(kFormats); ++i) {
    if (kFormats[i] == word) return static_cast<LogFormat>(i);
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is no log format: use text, logfmt, json or journald", word));
}

Logger::Logger(LogLevel level, Clock clock, Sink sink, LogFormat format)
    : level_(level), format_(format), clock_(std::move(clock)), sink_(std::move(sink)) {}

Logger Logger::ToStderr(LogLevel level, Clock clock, LogFormat format, const std::string& journal) {
  // A log that cannot be written must not stop replication: the result is not looked at.
  Logger log(
      level, std::move(clock),
      [](const std::string& line) {
        const ssize_t ignored = write(STDERR_FILENO, line.data(), line.size());
        static_cast<void>(ignored);
      },
      format);
  if (format == LogFormat::kJournald) log.journal_ = std::make_unique<LogJournal>(journal);
  return log;
}

bool Logger::MayWrite(absl::Time now) {
  if (now > last_) {
    const double seconds = last_ == absl::InfinitePast() ? 0 : absl::ToDoubleSeconds(now - last_);
    lines_ = std::min(kLinesAtOnce, lines_ + seconds * kLinesPerSecond);
  }
  last_ = now;
  if (lines_ < 1) {
    ++left_out_;
    return false;
  }
  lines_ -= 1;
  return true;
}

std::string Logger::Line(absl::Time now, LogLevel level, const std::string& text,
                         const LogFields& fields) const {
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone());
  const std::string name = LogLevelName(level);
  switch (format_) {
    case LogFormat::kLogfmt: {
      std::string line = absl::StrFormat("ts=%s level=%s msg=\"%s\"", time, name, Escaped(text));
      for (const auto& [field, value] : fields)
        line += absl::StrFormat(" %s=\"%s\"", field, Escaped(ValueOf(value)));
      return line + "\n";
    }
    case LogFormat::kJson: {
      std::string line = absl::StrFormat("{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":\"%s\"", time,
                                         name, Escaped(text));
      for (const auto& [field, value] : fields)
        line += absl::StrFormat(",\"%s\":\"%s\"", field, Escaped(ValueOf(value)));
      return line + "}\n";
    }
    case LogFormat::kJournald:
      return absl::StrFormat("<%d>%s\n", Priority(level), text);
    case LogFormat::kText:
      break;
  }
  return absl::StrFormat("%s %-5s %s\n", time, name, text);
}

void Logger::Put(absl::Time now, LogLevel level, const std::string& text, const LogFields& fields) {
  if (journal_ != nullptr) {
    std::string datagram = absl::StrFormat("PRIORITY=%d\nSYSLOG_IDENTIFIER=tidemark\nMESSAGE=%s\n",
                                           Priority(level), text);
    for (const auto& [field, value] : fields)
      datagram += absl::StrFormat("TIDEMARK_%s=%s\n", absl::AsciiStrToUpper(field), ValueOf(value));
    if (journal_->Send(datagram)) return;
  }
  sink_(Line(now, level, text, fields));
}

void Logger::Write(LogLevel level, const std::string& text, const LogFields& fields) {
  if (!wants(level)) return;
  const absl::Time now = clock_();
  if (!MayWrite(now)) return;
  if (left_out_ > 0) {
    Put(now, LogLevel::kWarn, absl::StrFormat("%d lines were left out", left_out_), {});
    left_out_ = 0;
  }
  Put(now, level, OneLine(text).substr(0, kLineBytesMax), fields);
}

}  // namespace tidemark
