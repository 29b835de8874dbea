// Lines for whoever operates a daemon: time, level, text. Never payloads, keys or archive names.
//
// A Logger is made by the process (stderr) or a test (a string) and passed down as a pointer. Only
// agent/ logs, and only state changes: never once per record. Not thread-safe: the loop thread's.
#ifndef TIDEMARK_AGENT_LOG_H_
#define TIDEMARK_AGENT_LOG_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tidemark {

enum class LogLevel : uint8_t { kError = 0, kWarn = 1, kInfo = 2, kDebug = 3 };
// "error", "warn", "info", "debug".
absl::StatusOr<LogLevel> ParseLogLevel(const std::string& word);
std::string LogLevelName(LogLevel level);

// text: time, level, text. logfmt and json: the same as fields. journald: the text alone, behind
// the priority that journald makes its field of.
enum class LogFormat : uint8_t { kText, kLogfmt, kJson, kJournald };
absl::StatusOr<LogFormat> ParseLogFormat(const std::string& word);
std::string LogFormatName(LogFormat format);

class Logger {
 public:
  using Sink = std::function<void(const std::string& line)>;  // the line ends in '\n'
  using Clock = std::function<absl::Time()>;
  // However much goes wrong, a day's log is bounded: a thousand lines at once, then one a second,
  // of at most kLineBytesMax each; what was left out is counted and said. under 100 MB a day at
  // worst.
  static constexpr double kLinesAtOnce = 1000, kLinesPerSecond = 1;
  static constexpr size_t kLineBytesMax = 1000;
  Logger(LogLevel level, Clock clock, Sink sink, LogFormat format = LogFormat::kText);
  // Writes to descriptor 2, one write a line.
  static Logger ToStderr(LogLevel level, Clock clock, LogFormat format = LogFormat::kText);

  void Error(const std::string& text) { Write(LogLevel::kError, text); }
  void Warn(const std::string& text) { Write(LogLevel::kWarn, text); }
  void Info(const std::string& text) { Write(LogLevel::kInfo, text); }
  void Debug(const std::string& text) { Write(LogLevel::kDebug, text); }
  bool wants(LogLevel level) const { return level <= level_; }

 private:
  void Write(LogLevel level, const std::string& text);
  bool MayWrite(absl::Time now);
  std::string Line(absl::Time now, LogLevel level, const std::string& text) const;
  LogLevel level_;
  LogFormat format_;
  absl::Time last_ = absl::InfinitePast();
  double lines_ = kLinesAtOnce;
  uint64_t left_out_ = 0;
  Clock clock_;
  Sink sink_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_LOG_H_
