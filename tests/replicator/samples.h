// One sample of everything that has a format, with every field set to something of its own.
#ifndef TIDEMARK_TESTS_REPLICATOR_SAMPLES_H_
#define TIDEMARK_TESTS_REPLICATOR_SAMPLES_H_

#include <vector>

#include "replicator/control_record.h"
#include "replicator/envelope.h"
#include "replicator/frame.h"
#include "replicator/keyring.h"
#include "replicator/pack.h"
#include "replicator/placement.h"
#include "replicator/receipt.h"

namespace tidemark {

// `size` bytes first, first + 1, ... (modulo 256).
std::vector<std::byte> CountingBytes(size_t size, uint8_t first);
template <class Struct>
Struct Counting(uint8_t first) {  // a struct with a `bytes` array
  Struct value{};
  std::vector<std::byte> bytes = CountingBytes(value.bytes.size(), first);
  std::copy(bytes.begin(), bytes.end(), value.bytes.begin());
  return value;
}

SigningKey SampleSigner();
KeyEncryptionKey SampleKek();
Secret32 SampleVaultSecret();
VaultSecrets SampleVaultSecrets();

CanonicalHeader SampleHeader(ByteSpan payload);
std::vector<std::byte> SamplePayload();  // 128 KiB: two blocks
PlacementHeader SamplePlacement(const CanonicalHeader& header);
LogFileHeader SampleLogFileHeader();

VaultGenesis SampleGenesis();
EpochStart SampleEpochStart();
ModeChange SampleModeChange();
PackList SamplePackList();
PurgeNotice SamplePurgeNotice();

Receipt SampleReceipt();
Checkpoint SampleCheckpoint();
Promise SamplePromise();

Envelope SampleEnvelope();
Keyring SampleKeyring();
std::vector<LeafEntry> SampleLeaf();
std::vector<NodeRef> SampleChildren();
ManifestRoot SampleRoot();
ResumePoint SampleResumePoint();
ResumeNotice SampleResumeNotice();

PackIdentity SamplePackIdentity();
// Objects and one envelope, in a buffer of exactly the payload's size.
std::vector<std::byte> SamplePack(EntropySource* entropy);
FrameHeader SampleFrame();

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_REPLICATOR_SAMPLES_H_
