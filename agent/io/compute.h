// Work on a worker thread where it is worth the way there.
#ifndef TIDEMARK_AGENT_IO_COMPUTE_H_
#define TIDEMARK_AGENT_IO_COMPUTE_H_

#include "agent/io/task.h"

namespace tidemark {

// Measured: there and back takes 20 to 50 us on an idle machine and milliseconds on a busy one;
// cutting, sealing or hashing so many bytes takes less.
inline constexpr size_t kInlineBytes = 32 * 1024;

// Runs work(context), which handles `bytes`: here and now below kInlineBytes. As Io::Compute: 0, or
// -errno when it did not run.
inline Task<int32_t> ComputeSized(Io* io, size_t bytes, void (*work)(void*), void* context) {
  if (bytes < kInlineBytes) {
    work(context);
    co_return 0;
  }
  Op compute = io->Compute(work, context);
  const int32_t ran = co_await compute;
  co_return ran;
}

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_COMPUTE_H_
