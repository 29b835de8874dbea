// The journal's own door: a line with its fields, as one datagram to journald.
//
// Source: systemd, "Native Journal Protocol". A line has no line break in it, so every field is
// NAME=value and a break.
#ifndef TIDEMARK_AGENT_LOG_JOURNAL_H_
#define TIDEMARK_AGENT_LOG_JOURNAL_H_

#include <string>

namespace tidemark {

inline constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

class LogJournal {
 public:
  explicit LogJournal(std::string path);
  ~LogJournal();
  LogJournal(const LogJournal&) = delete;
  LogJournal& operator=(const LogJournal&) = delete;

  // Never waits. False: nobody listens there, or it is full; the caller has standard error.
  bool Send(const std::string& datagram) const;

 private:
  std::string path_;
  int fd_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_LOG_JOURNAL_H_
