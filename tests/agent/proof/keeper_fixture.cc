#include "tests/agent/proof/keeper_fixture.h"

#include "agent/io/transfer.h"

namespace tidemark {

KeeperFixture::Exported KeeperFixture::Export() {
  Exported exported;
  RpoExport made(keeper_.get(), absl::FromUnixNanos(start_), io()->Now(), "");
  Exported* to = &exported;
  RpoExport* from = &made;
  Do(ExportTo(from, to));
  facts_ = made.facts();
  exported.ledger = made.ledger();
  exported.gaps = made.gaps();
  ExportManifest manifest = signed_.Manifest(made.terms().since, made.terms().until);
  manifest.gaps = made.gaps();
  ProofCheck check(manifest, 1, &exported.findings);
  for (const CanonicalHeader& header : signed_.log())
    check.Take({EvidenceKind::kHeader, {}, header.Encode()});
  std::optional<EvidenceFrame> frame;
  size_t used = 0;
  for (size_t at = 0; at < exported.evidence.size(); at += used) {
    const ByteSpan rest = AsBytes(exported.evidence).subspan(at);
    if (!ReadEvidence(rest, &frame, &used).ok() || !frame.has_value()) break;
    check.Take(*frame);
  }
  exported.proved = check.Finish().ledger;
  return exported;
}

Task<> KeeperFixture::ExportTo(RpoExport* from, Exported* exported) {
  const std::string path = "/export-" + std::to_string(Now());
  Op open = io()->Open(path, kOpenRead | kOpenWrite | kOpenCreate);
  const Fd output = co_await open;
  exported->status = co_await from->Survey();
  if (meanwhile_) {
    meanwhile_();
    co_await FlushKeeper();
  }
  if (exported->status.ok()) exported->status = co_await from->Count(output);
  Op close = io()->Close(output);
  co_await close;
  std::string written = path;
  constexpr size_t kBytesMax = 64 << 20;
  absl::StatusOr<std::string> evidence =
      co_await ReadSmallFile(io(), std::move(written), kBytesMax);
  if (evidence.ok()) exported->evidence = *evidence;
}

}  // namespace tidemark
