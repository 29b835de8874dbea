// Golden files: what the formats' bytes are, for ever. Lines of hexadecimal text; "zero N" stands
// for N zero bytes, '#' begins a comment.
//
// A deliberate change of a format (with a new version) rewrites them: run the tests with
// TIDEMARK_WRITE_GOLDEN=1 in the environment, then read the difference.
#ifndef TIDEMARK_TESTS_REPLICATOR_GOLDEN_H_
#define TIDEMARK_TESTS_REPLICATOR_GOLDEN_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "crypto/bytes.h"

namespace tidemark {

std::vector<std::byte> ReadGoldenBytes(const std::string& name);
// Fails the test unless tests/golden/NAME.hex holds exactly these bytes.
void ExpectGolden(const std::string& name, ByteSpan bytes);

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_REPLICATOR_GOLDEN_H_
