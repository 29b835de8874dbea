#include "tests/sim/workload.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tidemark {
namespace {

// A piece of content: random or repetitive, with a canary in it where there is room.
std::string DrawPiece(SimRandom* random, uint64_t bytes_max) {
  std::string piece(random->Between(1, bytes_max), '\0');
  const MutableByteSpan bytes(reinterpret_cast<std::byte*>(piece.data()), piece.size());
  const uint64_t shape = random->Below(4);
  if (shape == 0) {
    std::fill(piece.begin(), piece.end(), static_cast<char>(random->Below(256)));
  } else if (shape == 1) {
    random->Fill(bytes.first(std::min<size_t>(bytes.size(), 64)));
    for (size_t i = 64; i < piece.size(); ++i) piece[i] = piece[i % 64];
  } else {
    random->Fill(bytes);
  }
  if (piece.size() > kCanary.size()) {
    piece.replace(random->Below(piece.size() - kCanary.size()), kCanary.size(), kCanary);
  }
  return piece;
}

}  // namespace

Workload::Workload(const ClusterOptions& options, const LogLedger* ledger, Findings* findings)
    : ledger_(ledger), findings_(findings) {
  SimRandom random(MixSeeds(options.seed, HashText("workload")));
  const uint64_t piece_max = std::max<uint64_t>(1, options.item_bytes_max / 4);
  std::vector<std::string> pool;  // what archives have in common
  for (uint64_t i = random.Between(1, 4); i > 0; --i) pool.push_back(DrawPiece(&random, piece_max));
  for (uint32_t number = 0; number < options.items; ++number) {
    WorkItem item;
    item.number = number;
    item.name = absl::StrCat("archive-", random.Below(options.names), std::string(kCanary));
    item.path = absl::StrCat("/source/", number);
    item.is_stream = random.Below(4) == 0;
    item.wait_all = random.Below(6) == 0 && options.may_wait_for_all != 0;
    if (random.Coin()) item.idempotency_key = absl::StrCat("key-", number);
    const uint64_t pieces = random.Below(6);
    for (uint64_t i = 0; i < pieces; ++i) {
      item.content +=
          random.Coin() ? pool[random.Below(pool.size())] : DrawPiece(&random, piece_max);
    }
    items_.push_back(std::move(item));
  }
}

void Workload::WriteSources(SimDisk* disk) const {
  for (const WorkItem& item : items_) disk->WriteFile(item.path, item.content);
}

WorkItem* Workload::Take(uint32_t agent) {
  std::vector<const WorkItem*>& taken = taken_[agent];
  for (WorkItem& item : items_) {
    if (item.ok || std::find(taken.begin(), taken.end(), &item) != taken.end()) continue;
    taken.push_back(&item);
    return &item;
  }
  return nullptr;
}

void Workload::Done(uint32_t agent, WorkItem* item, const absl::StatusOr<PushReport>& report) {
  std::erase(taken_[agent], item);
  if (!report.ok()) return;
  if (report->sequence > ledger_->committed()) {
    findings_->Add(Invariant::kDurability,
                   absl::StrFormat("push %d was said to be committed with record %d; the primaries "
                                   "said %d to be durable",
                                   item->number, report->sequence, ledger_->committed()));
  }
  const auto [known, is_new] = committed_.try_emplace({item->name, report->version}, item);
  if (!is_new && known->second != item) {
    findings_->Add(Invariant::kDurability,
                   absl::StrFormat("pushes %d and %d were both said to be version %d",
                                   known->second->number, item->number, report->version));
  }
  if (report->source_bytes != item->content.size()) {
    findings_->Add(Invariant::kDurability,
                   absl::StrFormat("push %d reports %d bytes of %d", item->number,
                                   report->source_bytes, item->content.size()));
  }
  if (report->resumed_at_bytes > 0) ++resumed_;
  if (!item->ok) item->version = report->version;
  item->ok = true;
}

bool Workload::all_ok() const {
  return std::all_of(items_.begin(), items_.end(), [](const WorkItem& item) { return item.ok; });
}

const WorkItem* Workload::AnyCommitted(SimRandom* random) const {
  if (committed_.empty()) return nullptr;
  return std::next(committed_.begin(), random->Below(committed_.size()))->second;
}

void Workload::CheckRestored(const std::string& name, uint64_t version, const std::string& content,
                             const std::string& where) {
  const auto promised = committed_.find({name, version});
  bool right = promised != committed_.end() && promised->second->content == content;
  // A push whose outcome nobody heard may have made a version all the same.
  if (promised == committed_.end()) {
    for (const WorkItem& item : items_)
      right = right || (item.name == name && item.content == content);
  }
  if (right) return;
  findings_->Add(
      Invariant::kDurability,
      absl::StrFormat("version %d restored from %s has other bytes than were pushed (%d)", version,
                      where, content.size()));
}

}  // namespace tidemark
