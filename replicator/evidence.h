// Evidence: signed statements laid end to end, each in a frame with a check of its own. The agent's
// journal and an export are written so; whoever reads them finds a torn end at its first byte.
//
//   u32 body bytes | u8 kind | u8 marks | u16 zero | body | 16 bytes: front of BLAKE3 of all before
#ifndef TIDEMARK_REPLICATOR_EVIDENCE_H_
#define TIDEMARK_REPLICATOR_EVIDENCE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "replicator/control_record.h"
#include "replicator/receipt.h"

namespace tidemark {

enum class EvidenceKind : uint8_t {
  kReceipt = 1,     // a signed receipt
  kCheckpoint = 2,  // a signed checkpoint
  kControl = 3,     // a control record: canonical header, u32 payload bytes, payload
  kHeader = 4,      // a canonical header
};
// What the agent says of a statement that it keeps: no signature covers it.
struct EvidenceMarks {
  // Said before, and repeated so that what follows can be read from here on.
  bool is_anchor = false;
  // A receipt that the agent got, or could keep, only after later ones: no fault of the site.
  bool is_late = false;
  // A receipt of another log than the agent's: evidence against the site, believed in nothing.
  bool is_disowned = false;
  friend bool operator==(const EvidenceMarks&, const EvidenceMarks&) = default;
};
// Of what holds frames, a journal's segment or an export; version 1 knew anchors only.
inline constexpr uint16_t kEvidenceVersion = 2;
struct EvidenceFrame {
  EvidenceKind kind = EvidenceKind::kReceipt;
  EvidenceMarks marks;
  ByteSpan body;
};

inline constexpr size_t kEvidenceFrameExtra = 8 + 16;
inline constexpr size_t kEvidenceBodyBytesMax = 1 << 20;

void AppendEvidence(EvidenceKind kind, EvidenceMarks marks, ByteSpan body, std::string* out);
// The frame at the front of `bytes`, into which its body points. nullopt in `frame`: more bytes are
// needed. kDataLoss: no frame stands here; with a `frame`: its check does not hold, and that is
// what stands in its place. `used`: the frame's length.
absl::Status ReadEvidence(ByteSpan bytes, std::optional<EvidenceFrame>* frame, size_t* used);

struct ControlEvidence {
  CanonicalHeader header;
  std::vector<std::byte> payload;
};
std::vector<std::byte> EncodeControlEvidence(const CanonicalHeader& header, ByteSpan payload);
// kDataLoss: malformed, or the payload is not the header's.
absl::StatusOr<ControlEvidence> ParseControlEvidence(ByteSpan body);

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_EVIDENCE_H_
