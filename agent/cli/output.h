// What a verb prints. Results go to standard output, everything else to standard error.
#ifndef TIDEMARK_AGENT_CLI_OUTPUT_H_
#define TIDEMARK_AGENT_CLI_OUTPUT_H_

#include <string>
#include <vector>

#include "agent/cli/arguments.h"
#include "agent/service.h"

namespace tidemark {

// Says what went wrong, as JSON on standard output or "tidemark: ..." and "hint: ..." on standard
// error, and gives the exit code.
int Fail(const Arguments& arguments, const absl::Status& failure);
// "tidemark: line" on standard error.
void PrintNote(const std::string& line);
// Text as it is; a document of JSON is broken over lines on a terminal. 0, or 74 when standard
// output cannot be written.
int PrintText(const std::string& text);
int PrintJson(const std::string& json);

std::string ListText(const std::vector<ListedVersion>& versions);
std::string PushText(const PushReport& report);
std::string VerifyText(const VerifyReport& report);

// "1.5 GB": decimal units. "41 s", "12 ms". "-" for unknown.
std::string FormatBytes(double bytes);
std::string FormatSeconds(const std::optional<double>& seconds);

// Columns padded to their widest cell, two spaces between.
std::string Columns(const std::vector<std::vector<std::string>>& rows);

// A bar on standard error while it is a terminal; nothing elsewhere.
class ProgressBar {
 public:
  explicit ProgressBar(std::string verb);
  ~ProgressBar() { Clear(); }
  void Show(uint64_t done_bytes, uint64_t total_bytes);
  // Takes the bar away, so that a line can be printed.
  void Clear();

 private:
  std::string verb_;
  bool enabled_ = false, shown_ = false;
  absl::Time started_, painted_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_OUTPUT_H_
