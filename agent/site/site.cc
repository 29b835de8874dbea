#include "agent/site/site.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/strings/str_format.h"
#include "crypto/museum.h"

namespace tidemark {
namespace {

constexpr absl::Duration kUpkeepInterval = absl::Seconds(1);
// After a receipt could not be stored.
constexpr absl::Duration kReceiptRetry = absl::Seconds(1);

// A quarter of the buffers serve readers, at least two.
size_t ReadBuffers(const SiteOptions& options) {
  return std::max<size_t>(2, options.record_buffers / 4);
}
size_t RecordBuffers(const SiteOptions& options) {
  return std::max<size_t>(
      2, options.record_buffers - std::min<size_t>(options.record_buffers, ReadBuffers(options)));
}

}  // namespace

Site::Site(Io* io, SiteOptions options, ChannelFactory* channels, const SigningKey* identity)
    : io_(io),
      options_(std::move(options)),
      channels_(channels),
      identity_(identity),
      boot_(BootId::Random(io)),
      record_pool_(io, RecordBuffers(options_), kRecordBytesMax),
      small_pool_(io, kSmallRecordBuffers, kSmallRecordBytes),
      read_pool_(io, ReadBuffers(options_), kRecordBytesMax),
      heads_changed_(io),
      making_(io, 1),
      receipt_pause_(io),
      upkeep_pause_(io),
      tasks_(io) {
  healer_ = std::make_unique<Healer>(this);
  scrubber_ = std::make_unique<Scrubber>(this);
}

Task<absl::StatusOr<std::unique_ptr<Site>>> Site::Open(Io* io, SiteOptions options,
                                                       ChannelFactory* channels,
                                                       const SigningKey* identity) {
  std::unique_ptr<Site> site(new Site(io, std::move(options), channels, identity));
  absl::Status recovered = co_await site->Recover();
  if (!recovered.ok()) {
    co_await site->Close();
    co_return recovered;
  }
  co_return std::move(site);
}

Task<absl::Status> Site::Recover() {
  absl::StatusOr<std::unique_ptr<Store>> store =
      co_await Store::Open(io_, options_.store_path, options_.name, options_.is_primary);
  if (!store.ok()) co_return store.status();
  store_ = std::move(*store);
  ReceiptSigner signer;
  signer.site = options_.name;
  signer.store = store_->identity().store;
  signer.boot = boot_;
  signer.key = identity_;
  context_.signer = signer;
  absl::StatusOr<std::unique_ptr<ReceiptChain>> receipts =
      co_await ReceiptChain::Open(io_, options_.store_path, std::move(signer), &counters_);
  if (!receipts.ok()) co_return receipts.status();
  receipts_ = std::move(*receipts);
  context_.io = io_;
  context_.log.file_bytes_min = options_.log_file_bytes_min;
  context_.log.file_bytes_max = options_.log_file_bytes_max;
  context_.log.reserve_bytes = options_.reserve_bytes;
  context_.receipts = receipts_.get();
  context_.counters = &counters_;
  context_.listeners = &listeners_;
  context_.heads_changed = &heads_changed_;
  absl::StatusOr<std::vector<VaultId>> vaults = co_await store_->ListVaults();
  if (!vaults.ok()) co_return vaults.status();
  for (const VaultId& vault : *vaults) {
    absl::Status opened = co_await OpenVault(vault);
    if (!opened.ok()) co_return opened;
  }
  co_await scrubber_->Load();
  co_await MeasureSpace();
  co_return absl::OkStatus();
}

std::vector<SiteVault*> Site::Vaults() const {
  std::vector<SiteVault*> vaults;
  for (const auto& [id, vault] : vaults_) vaults.push_back(vault.get());
  return vaults;
}

Task<uint64_t> Site::MendSmallFiles() {
  uint64_t mended = 0;
  absl::StatusOr<uint64_t> some = co_await store_->MendSuperblock();
  mended += some.value_or(0);
  for (SiteVault* vault : Vaults()) {
    some = co_await vault->MendPromise();
    mended += some.value_or(0);
  }
  some = co_await receipts_->Mend();
  mended += some.value_or(0);
  co_return mended;
}

Task<absl::Status> Site::OpenVault(VaultId vault) {
  PooledBuffer buffer = co_await read_pool_.Acquire();
  VaultPlace place;
  place.directory = store_->VaultPath(vault);
  place.store = store();
  place.vault = vault;
  absl::StatusOr<std::unique_ptr<SiteVault>> opened =
      co_await SiteVault::Open(io_, &context_, std::move(place), buffer.span());
  if (absl::IsUnimplemented(opened.status())) {
    co_return absl::FailedPreconditionError(std::string(opened.status().message()));
  }
  if (!opened.ok()) co_return opened.status();
  for (const uint64_t sequence : (*opened)->log()->rotten()) {
    healer_->Report(Damage{vault, sequence, Damage::Part::kHead, 0});
  }
  vaults_[vault] = std::move(*opened);
  co_return absl::OkStatus();
}

void Site::Start() {
  tasks_.Spawn(GiveReceipts());
  tasks_.Spawn(Upkeep());
  tasks_.Spawn(healer_->Run());
  tasks_.Spawn(scrubber_->Run());
}

void Site::StopHealing() {
  healer_->Stop();
  scrubber_->Stop();
}

Task<> Site::Close() {
  StopHealing();
  for (auto& [id, vault] : vaults_) co_await vault->Close();
  closing_ = true;
  receipt_pause_.Cut();
  upkeep_pause_.Cut();
  heads_changed_.WakeAll();
  co_await tasks_.Join();
  if (receipts_ != nullptr) co_await receipts_->Close();
  if (store_ != nullptr) co_await store_->Close();
}

SiteVault* Site::Find(const VaultId& vault) {
  auto it = vaults_.find(vault);
  return it == vaults_.end() ? nullptr : it->second.get();
}

Task<absl::StatusOr<SiteVault*>> Site::FindOrMake(VaultId vault) {
  co_await making_.Acquire(1);
  absl::Status made;
  if (Find(vault) == nullptr && vaults_.size() >= kVaultsMax) {
    made = absl::ResourceExhaustedError(
        absl::StrFormat("site %s has %d vaults, it takes no more", options_.name, vaults_.size()));
  } else if (Find(vault) == nullptr) {
    made = co_await store_->MakeVaultDirectory(vault);
    if (made.ok()) made = co_await OpenVault(vault);
  }
  making_.Release(1);
  if (!made.ok()) co_return made;
  co_return Find(vault);
}

void Site::RemoveListener(SiteListener* listener) {
  listeners_.erase(std::remove(listeners_.begin(), listeners_.end(), listener), listeners_.end());
}

void Site::OnCheckpoint(const SignedCheckpoint& checkpoint) {
  checkpoint_ = checkpoint;
  heads_changed_.WakeAll();
  if (Find(checkpoint.checkpoint.vault) != nullptr)
    checkpoints_[checkpoint.checkpoint.vault] = checkpoint;
}

Task<> Site::GiveReceipts() {
  while (!closing_) {
    co_await heads_changed_.Wait();
    // What changes while a receipt is being made is in the next one.
    bool owed = true;
    while (owed && !closing_) {
      absl::Status given = co_await GiveReceipt();
      owed = !given.ok();
      const absl::Duration rest = given.ok() ? options_.receipt_interval : kReceiptRetry;
      const bool rested = co_await receipt_pause_.For(rest);
      if (!rested) break;
      owed = owed || ReceiptOwed();
    }
  }
}

// A checkpoint that comes after the last ack is owed one too: a receipt is where it is kept, and
// after a restart it alone shows that the newest record was committed.
bool Site::ReceiptOwed() const {
  const bool has_new_checkpoint =
      checkpoint_.has_value() && checkpoint_->Encode() != receipts_->checkpoint();
  for (const auto& [id, vault] : vaults_) {
    auto last = last_heads_.find(id);
    const Position told = last == last_heads_.end() ? Position() : last->second;
    const bool is_news = has_new_checkpoint || told != vault->durable() || vault->owes_truncation();
    if (vault->may_sign() && is_news) return true;
  }
  return false;
}

// One signature over the heads of all vaults that may be signed for.
Task<absl::Status> Site::GiveReceipt() {
  co_await receipts_->turn()->Acquire(1);
  Permit turn(receipts_->turn());
  std::vector<VaultHead> heads;
  for (const auto& [id, vault] : vaults_) {
    const bool ahead = MUSEUM_BUG("receipt-ahead-of-flush");
    if (vault->may_sign()) heads.push_back({id, ahead ? vault->tail() : vault->durable()});
  }
  if (heads.empty()) co_return absl::OkStatus();
  const SignedCheckpoint* checkpoint = checkpoint_.has_value() ? &*checkpoint_ : nullptr;
  Receipt::Level level = Receipt::Level::kFlushed;
  for (const auto& [id, vault] : vaults_) {
    if (vault->owes_truncation() && !MUSEUM_BUG("truncation-not-told"))
      level = Receipt::Level::kTruncated;
  }
  absl::StatusOr<SignedReceipt> receipt =
      co_await receipts_->Sign(std::move(heads), level, checkpoint);
  if (!receipt.ok()) co_return receipt.status();
  for (const VaultHead& head : receipt->receipt.heads) last_heads_[head.vault] = head.durable;
  const std::vector<std::byte> encoded = receipt->Encode();
  const std::string text(AsText(encoded));
  for (SiteListener* listener : listeners_) listener->OnReceipt(text);
  co_return absl::OkStatus();
}

Task<> Site::Upkeep() {
  while (!closing_) {
    const bool passed = co_await upkeep_pause_.For(kUpkeepInterval);
    if (!passed) co_return;
    co_await MeasureSpace();
  }
}

Task<> Site::MeasureSpace() {
  FileStat stat;
  Op look = io_->Stat(options_.store_path, &stat);
  const int32_t looked = co_await look;
  if (looked < 0) co_return;
  free_bytes_ = stat.free_bytes;
  disk_bytes_ = stat.disk_bytes;
  for (auto& [id, vault] : vaults_) vault->OnFreeSpace(free_bytes_);
}

wire::HelloReply Site::Hello() const {
  wire::HelloReply reply;
  reply.set_protocol(kProtocolVersion);
  reply.set_format(kFormatVersion);
  reply.set_site(options_.name);
  reply.set_role(options_.is_primary ? "primary" : "witness");
  reply.set_store(ToWire(ByteSpan(store().bytes)));
  reply.set_boot(ToWire(ByteSpan(boot_.bytes)));
  reply.set_host(ToWire(ByteSpan(options_.host.bytes)));
  reply.set_public_key(ToWire(ByteSpan(identity_->public_key().bytes)));
  reply.set_software(options_.software);
  for (const auto& [id, vault] : vaults_) *reply.add_vaults() = vault->State();
  for (const auto& [id, checkpoint] : checkpoints_)
    reply.add_checkpoints(ToWire(checkpoint.Encode()));
  if (checkpoints_.empty() && !receipts_->checkpoint().empty())
    reply.add_checkpoints(ToWire(receipts_->checkpoint()));
  return reply;
}

wire::HeartbeatReply Site::Heartbeat(int64_t sent_at_nanos) const {
  wire::HeartbeatReply reply;
  reply.set_sent_at_nanos(sent_at_nanos);
  reply.set_wall_nanos(absl::ToUnixNanos(io_->Now()));
  uint64_t stored = 0;
  for (const auto& [id, vault] : vaults_) {
    *reply.add_vaults() = vault->State();
    stored += vault->log()->bytes();
  }
  reply.set_io_count(counters_.write_io_count + counters_.read_io_count);
  reply.set_write_io_count(counters_.write_io_count);
  reply.set_commit_count(counters_.commit_count);
  reply.set_bytes_written(counters_.bytes_written);
  reply.set_bytes_read(counters_.bytes_read);
  reply.set_store_free_bytes(free_bytes_);
  reply.set_store_disk_bytes(disk_bytes_);
  reply.set_store_bytes(stored);
  reply.set_loop_stalls(io_->stalls());
  *reply.mutable_scrub() = scrubber_->State();
  return reply;
}

}  // namespace tidemark
