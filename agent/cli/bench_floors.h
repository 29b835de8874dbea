// What no program on this machine can beat, to be read beside its figures. One core, 64 KiB pieces
// out of 256 MiB; the disk by direct writes of 4 KiB, each flushed, on a file written once before.
#ifndef TIDEMARK_AGENT_CLI_BENCH_FLOORS_H_
#define TIDEMARK_AGENT_CLI_BENCH_FLOORS_H_

#include <string>

#include "absl/status/statusor.h"

namespace tidemark {

struct Floors {
  double memcpy_bytes_per_second = 0;
  double blake3_bytes_per_second = 0;
  double aes_256_gcm_bytes_per_second = 0;
  double direct_write_bytes_per_second = 0;  // 1 MiB pieces, one flush at the end
  double write_and_flush_seconds = 0;        // 4 KiB, median
};

// Makes and removes a file in `directory`.
absl::StatusOr<Floors> MeasureFloors(const std::string& directory);

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_CLI_BENCH_FLOORS_H_
