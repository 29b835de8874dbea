// Worker jobs of the pack filler: sealing chunks into a pack, and finishing a pack.
#ifndef TIDEMARK_AGENT_SOURCE_SEAL_JOB_H_
#define TIDEMARK_AGENT_SOURCE_SEAL_JOB_H_

#include <vector>

#include "agent/source/pack_filler.h"

namespace tidemark {

// Entropy drawn on the loop thread beforehand, handed out on a worker. Drawing too much asserts.
class DrawnEntropy : public EntropySource {
 public:
  DrawnEntropy(EntropySource* source, size_t bytes) : bytes_(bytes) { source->Fill(bytes_); }
  void Fill(MutableByteSpan out) override;

 private:
  std::vector<std::byte> bytes_;
  size_t used_ = 0;
};
inline constexpr size_t kEntropyBytesPerSeal = 32;
inline constexpr size_t kEntropyBytesPerFinish = 256;

// Seals items from `next` on until the pack is full; `next` then says where to go on.
struct SealJob {
  PackBuilder* builder = nullptr;
  const VaultSecrets* secrets = nullptr;
  EntropySource* entropy = nullptr;
  std::vector<SealItem>* items = nullptr;
  size_t next = 0;
  static void Run(void* self);
};

struct FinishJob {
  PackBuilder* builder = nullptr;
  const VaultSecrets* secrets = nullptr;
  EntropySource* entropy = nullptr;
  ByteSpan buffer;  // the payload's memory
  size_t payload_bytes = 0;
  std::vector<Digest> blocks;
  static void Run(void* self);
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_SOURCE_SEAL_JOB_H_
