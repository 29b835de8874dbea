// Answers one session's reads on its data connection 1, one request at a time, in order.
#ifndef TIDEMARK_AGENT_SITE_READ_SERVICE_H_
#define TIDEMARK_AGENT_SITE_READ_SERVICE_H_

#include <deque>
#include <memory>

#include "agent/link/data_connection.h"
#include "agent/site/log_reader.h"
#include "agent/site/site.h"

namespace tidemark {

// Requests of one session that wait; one more is refused with BUSY.
inline constexpr size_t kReadsWaitingMax = 256;

struct ReadRequest {
  uint32_t request = 0;
  VaultId vault;
  uint64_t first_sequence = 0, last_sequence = 0;
  bool whole = true;  // all blocks; else those below (none: only the head)
  uint32_t first_block = 0, block_count = 0;
};

class ReadService {
 public:
  ReadService(Site* site, ControlConnection* control)
      : site_(site), control_(control), work_(site->io()) {}
  Io* io() const { return site_->io(); }
  void Ask(const ReadRequest& request);
  // Serves on `data` until Stop or an error of the connection.
  Task<> Run(DataConnection* data);
  void Stop();

 private:
  Task<absl::Status> Answer(const ReadRequest* request);
  Task<absl::Status> SendRecord(const ReadRequest* request, uint64_t sequence,
                                MutableByteSpan buffer);
  Task<absl::Status> SendBlocks(const ReadRequest* request, const CanonicalHeader* header,
                                uint32_t first, uint32_t count, MutableByteSpan buffer);
  Task<> UseVault(SiteVault* vault);
  Task<> DropReader();
  void Fail(const ReadRequest& request, wire::Failure::Code code, const std::string& why,
            uint64_t sequence, uint32_t block);

  Site* site_;
  ControlConnection* control_;
  DataConnection* data_ = nullptr;
  std::deque<ReadRequest> waiting_;
  SiteVault* vault_ = nullptr;  // of reader_
  std::unique_ptr<LogReader> reader_;
  bool stopped_ = false;
  Event work_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_READ_SERVICE_H_
