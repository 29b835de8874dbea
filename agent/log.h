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

class Logger {
 public:
  using Sink = std::function<void(const std::string& line)>;  // the line ends in '\n'
  using Clock = std::function<absl::Time()>;
  Logger(LogLevel level, Clock clock, Sink sink);
  // Writes to descriptor 2, one write a line.
  static Logger ToStderr(LogLevel level, Clock clock);

  void Error(const std::string& text) { Write(LogLevel::kError, text); }
  void Warn(const std::string& text) { Write(LogLevel::kWarn, text); }
  void Info(const std::string& text) { Write(LogLevel::kInfo, text); }
  void Debug(const std::string& text) { Write(LogLevel::kDebug, text); }
  bool wants(LogLevel level) const { return level <= level_; }

 private:
  void Write(LogLevel level, const std::string& text);
  LogLevel level_;
  Clock clock_;
  Sink sink_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_LOG_H_
