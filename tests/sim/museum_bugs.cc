#include "tests/sim/museum_bugs.h"

namespace tidemark {

const std::vector<std::string>& MuseumBugs() {
  static const std::vector<std::string> bugs = {
      "ack-before-flush",
      "ack-digest-ignored",
      "appends-beside-promise",
      "checkpoint-of-uncommitted",
      "chunk-left-in-clear",
      "commit-by-one-ack",
      "descriptor-leaked",
      "directory-not-flushed",
      "drop-not-told",
      "epoch-check-skipped",
      "epoch-not-raised",
      "epoch-not-stored",
      "epoch-start-left-out",
      "evidence-ahead",
      "evidence-ends-at-rot",
      "failed-flush-retried",
      "fetch-told-as-durable",
      "flush-beside-writes",
      "index-row-before-commit",
      "key-not-hedged",
      "lag-at-send",
      "lag-by-wall-clock",
      "log-cut-at-rot",
      "log-name-not-flushed",
      "lower-epoch-promised",
      "nonce-not-compared",
      "open-bytes-forgotten",
      "payload-not-checked",
      "peer-data-believed",
      "pending-archive-forgotten",
      "promise-not-stored",
      "promise-tail-from-before",
      "push-not-waited-for",
      "queue-kept-behind-failure",
      "quorum-before-its-record",
      "receipt-ahead-of-flush",
      "receipt-before-flush",
      "receipt-not-chained",
      "receipt-not-stored",
      "rename-before-flush",
      "rename-not-flushed",
      "salt-not-hedged",
      "short-write-believed",
      "shorter-tail-adopted",
      "span-taken-when-full",
      "tail-told-as-durable",
      "torn-tail-believed",
      "truncation-not-told",
      "uncommitted-forgotten",
      "unflushed-tail-believed",
      "unflushed-tail-kept",
      "version-reused",
      "window-unbounded",
      "witness-sent-uncommitted",
  };
  return bugs;
}

const std::vector<CornerBug>& CornerBugs() {
  static const std::vector<CornerBug> bugs = {
      {"adopted-tail-counted", "replicator_decisions_test", "Window.*"},
      {"cut-copy-believed", "tail_copy_test", "TailCopy.CutShort*"},
      {"cut-repair-believed", "site_server_test", "SiteRepairTest.StaysDamaged*"},
      {"damage-truncated", "replicator_formats_test", "LogRecovery.*"},
      {"promise-over-leftovers", "site_restart_test", "SiteRestart.PromisesATail*"},
      {"truncation-not-remembered", "old_tail_test", "*"},
      {"unflushed-receipt-believed", "receipt_ring_test", "ReceiptRingCache.*"},
      {"witness-repaired-ahead", "site_link_test", "SiteLink.RepairsNoWitness*"},
  };
  return bugs;
}

}  // namespace tidemark
