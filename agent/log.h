// Lines for whoever operates a daemon: time, level, text. Never payloads, keys or archive names.
//
// A Logger is made by the process (stderr) or a test (a string) and passed down as a pointer. Only
// agent/ logs, and only state changes: never once per record. Not thread-safe: the loop thread's.
#ifndef TIDEMARK_AGENT_LOG_H_
#define TIDEMARK_AGENT_LOG_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/log_journal.h"

namespace tidemark {

enum class LogLevel : uint8_t { kError = 0, kWarn = 1, kInfo = 2, kDebug = 3 };
// "error", "warn", "info", "debug".
absl::StatusOr<LogLevel> ParseLogLevel(const std::string& word);
std::string LogLevelName(LogLevel level);

// What a line is about, for whoever filters: {"site", "a"}. Names are lower-case words. The text
// says it too.
using LogFields = std::vector<std::pair<const char*, std::string>>;

// text: time, level, text. logfmt and json: the same as fields, with the line's own. journald: the
// journal's native protocol, fields as TIDEMARK_SITE=a; where no journal listens, the text alone on
// standard error, behind the priority that journald makes its field of.
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
  static constexpr size_t kLineBytesMax = 1000, kFieldBytesMax = 64;  // a value; few a line
  Logger(LogLevel level, Clock clock, Sink sink, LogFormat format = LogFormat::kText);
  // Writes to descriptor 2, one write a line; kJournald to the journal at `journal`, if one is
  // there.
  static Logger ToStderr(LogLevel level, Clock clock, LogFormat format = LogFormat::kText,
                         const std::string& journal = kJournalSocket);

  void Error(const std::string& text, const LogFields& fields = {}) {
    Write(LogLevel::kError, text, fields);
  }
  void Warn(const std::string& text, const LogFields& fields = {}) {
    Write(LogLevel::kWarn, text, fields);
  }
  void Info(const std::string& text, const LogFields& fields = {}) {
    Write(LogLevel::kInfo, text, fields);
  }
  void Debug(const std::string& text, const LogFields& fields = {}) {
    Write(LogLevel::kDebug, text, fields);
  }
  bool wants(LogLevel level) const { return level <= level_; }

 private:
  void Write(LogLevel level, const std::string& text, const LogFields& fields);
  void Put(absl::Time now, LogLevel level, const std::string& text, const LogFields& fields);
  bool MayWrite(absl::Time now);
  std::string Line(absl::Time now, LogLevel level, const std::string& text,
                   const LogFields& fields) const;
  LogLevel level_;
  LogFormat format_;
  absl::Time last_ = absl::InfinitePast();
  double lines_ = kLinesAtOnce;
  uint64_t left_out_ = 0;
  Clock clock_;
  Sink sink_;
  std::unique_ptr<LogJournal> journal_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_LOG_H_
