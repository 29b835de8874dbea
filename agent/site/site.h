// What one site is, apart from its connections: the store, its vaults, its receipts, its memory.
//
//   Open -> Start -> (Find | FindOrMake | ...)* -> Close
#ifndef TIDEMARK_AGENT_SITE_SITE_H_
#define TIDEMARK_AGENT_SITE_SITE_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/site/healer.h"
#include "agent/site/pause.h"
#include "agent/site/scrubber.h"
#include "agent/site/site_server.h"
#include "agent/site/site_vault.h"

namespace tidemark {

inline constexpr size_t kVaultsMax = 1024;
inline constexpr size_t kSmallRecordBytes = kRecordHeaderBytes + kBlockBytes;
inline constexpr size_t kSmallRecordBuffers = 128;

class Site {
 public:
  // See SiteServer::Open.
  static Task<absl::StatusOr<std::unique_ptr<Site>>> Open(Io* io, SiteOptions options,
                                                          ChannelFactory* channels,
                                                          const SigningKey* identity);
  Site(const Site&) = delete;
  // Receipts and upkeep begin.
  void Start();
  // What asks other sites ends soon; sessions that wait for it can end.
  void StopHealing();
  // Flushes what is queued, ends. Await once before destruction in an orderly stop.
  Task<> Close();

  Io* io() const { return io_; }
  const SiteOptions& options() const { return options_; }
  ChannelFactory* channels() const { return channels_; }
  const StoreId& store() const { return store_->identity().store; }
  const PublicKey& public_key() const { return identity_->public_key(); }
  ReceiptChain* receipts() const { return receipts_.get(); }
  // Buffers for records that come in, small ones apart, so that a group commit can hold many of
  // them; and for those that go out: readers cannot hold up appends.
  BufferPool* PoolFor(const CanonicalHeader& header) {
    return RecordBytes(header) <= kSmallRecordBytes ? &small_pool_ : &record_pool_;
  }
  BufferPool* read_pool() { return &read_pool_; }
  StoreCounters* counters() { return &counters_; }
  Healer* healer() { return healer_.get(); }
  std::vector<SiteVault*> Vaults() const;  // by id
  // Superblock, promises and receipts, read again; how many places had to be put right.
  Task<uint64_t> MendSmallFiles();

  SiteVault* Find(const VaultId& vault);
  // kResourceExhausted: there are too many.
  Task<absl::StatusOr<SiteVault*>> FindOrMake(VaultId vault);
  void AddListener(SiteListener* listener) { listeners_.push_back(listener); }
  void RemoveListener(SiteListener* listener);
  // A checkpoint of an agent whose signature holds: the newest is named by the next receipt.
  void OnCheckpoint(const SignedCheckpoint& checkpoint);

  wire::HelloReply Hello() const;  // without data_port
  wire::HeartbeatReply Heartbeat(int64_t sent_at_nanos) const;

 private:
  Site(Io* io, SiteOptions options, ChannelFactory* channels, const SigningKey* identity);
  Task<absl::Status> Recover();
  Task<absl::Status> OpenVault(VaultId vault);
  Task<> GiveReceipts();
  bool ReceiptOwed() const;
  Task<absl::Status> GiveReceipt();
  Task<> Upkeep();
  Task<> MeasureSpace();

  // Constant after Open.
  Io* io_;
  SiteOptions options_;
  ChannelFactory* channels_;
  const SigningKey* identity_;
  BootId boot_;

  StoreCounters counters_;
  BufferPool record_pool_, small_pool_, read_pool_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReceiptChain> receipts_;
  std::unique_ptr<Healer> healer_;
  std::unique_ptr<Scrubber> scrubber_;
  std::vector<SiteListener*> listeners_;
  Event heads_changed_;
  VaultContext context_;
  std::map<VaultId, std::unique_ptr<SiteVault>> vaults_;
  Semaphore making_;                            // one new vault at a time
  std::map<VaultId, Position> last_heads_;      // of the newest receipt
  std::optional<SignedCheckpoint> checkpoint_;  // the newest of all
  std::map<VaultId, SignedCheckpoint> checkpoints_;
  uint64_t free_bytes_ = 0, disk_bytes_ = 0;
  bool closing_ = false;
  Pause receipt_pause_, upkeep_pause_;
  TaskGroup tasks_;  // last: its frames use all of the above
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SITE_SITE_H_
