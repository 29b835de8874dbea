// Goal: the include rules refuse what they must. Method: trees of a few lines.
#include "tests/tidy/snippets.h"

namespace tidemark {
namespace {

// Whether a file at `from` may include a file at `to`.
bool Allowed(const std::string& from, const std::string& to) {
  return IncludeDirections(TreeOf({{from, "#include \"" + to + "\"\n"}, {to, "int a;\n"}})).empty();
}

TEST(IncludeRules, NothingPointsBack) {
  EXPECT_FALSE(Allowed("crypto/a.h", "chunker/b.h"));
  EXPECT_FALSE(Allowed("crypto/a.h", "replicator/b.h"));
  EXPECT_FALSE(Allowed("chunker/a.cc", "replicator/b.h"));
  EXPECT_FALSE(Allowed("replicator/a.cc", "chunker/b.h"));
  EXPECT_FALSE(Allowed("replicator/a.cc", "agent/io/b.h"));
  EXPECT_FALSE(Allowed("agent/io/a.cc", "replicator/b.h"));
  EXPECT_FALSE(Allowed("agent/io/a.cc", "agent/link/b.h"));
  EXPECT_FALSE(Allowed("agent/link/a.cc", "agent/recover/b.h"));
  EXPECT_FALSE(Allowed("agent/site/a.cc", "agent/source/b.h"));
  EXPECT_FALSE(Allowed("agent/site/a.cc", "agent/recover/b.h"));
  EXPECT_FALSE(Allowed("agent/site/a.cc", "chunker/b.h"));
  EXPECT_FALSE(Allowed("agent/recover/a.cc", "agent/source/b.h"));
  EXPECT_FALSE(Allowed("agent/source/a.cc", "agent/site/b.h"));
  EXPECT_FALSE(Allowed("agent/source/a.cc", "agent/b.h"));
  EXPECT_FALSE(Allowed("agent/a.cc", "agent/cli/b.h"));
  EXPECT_FALSE(Allowed("agent/a.cc", "tests/sim/b.h"));
  EXPECT_FALSE(Allowed("bench/a.cc", "tests/sim/b.h"));
}

TEST(IncludeRules, TheHouseStandsAsDrawn) {
  EXPECT_TRUE(Allowed("chunker/a.h", "crypto/b.h"));
  EXPECT_TRUE(Allowed("agent/link/a.h", "replicator/b.h"));
  EXPECT_TRUE(Allowed("agent/source/a.h", "agent/recover/b.h"));
  EXPECT_TRUE(Allowed("agent/a.h", "agent/site/b.h"));
  EXPECT_TRUE(Allowed("agent/cli/a.cc", "agent/b.h"));
  EXPECT_TRUE(Allowed("tests/agent/site/a.cc", "agent/site/b.h"));
  EXPECT_TRUE(Allowed("bench/a.cc", "chunker/b.h"));
}

TEST(IncludeRules, AnIncludeNamesAFileFromTheRoot) {
  ExpectCaught(IncludeDirections, "crypto/a.cc", "#include \"a.h\"\n", 1);
  ExpectCaught(IncludeDirections, "crypto/a.cc", "// why\n#  include \"crypto/gone.h\"\n", 2);
  ExpectClean(IncludeDirections, "crypto/a.cc",
              "// #include \"a.h\"\n#include \"absl/status/status.h\"\n");
}

TEST(IncludeRules, LibrariesKeepToTheirDoors) {
  ExpectCaught(LibraryDoors, "agent/link/a.cc", "#include <liburing.h>\n", 1);
  ExpectCaught(LibraryDoors, "agent/link/a.cc", "#include <openssl/ssl.h>\n", 1);
  ExpectCaught(LibraryDoors, "replicator/a.cc", "#include <blake3.h>\n", 1);
  ExpectCaught(LibraryDoors, "agent/source/vault.cc", "#include <rocksdb/db.h>\n", 1);
  ExpectCaught(LibraryDoors, "agent/agent.cc", "#include <nlohmann/json.hpp>\n", 1);
  ExpectCaught(LibraryDoors, "agent/cli/main.cc", "#include <CLI/CLI.hpp>\n", 1);
  ExpectCaught(LibraryDoors, "agent/cli/main.cc", "#include <toml++/toml.h>\n", 1);
  ExpectCaught(LibraryDoors, "agent/link/a.cc", "#include \"replicator/wire.pb.h\"\n", 1);
  ExpectCaught(LibraryDoors, "agent/io/a.cc", "#include \"absl/synchronization/mutex.h\"\n", 1);
  ExpectCaught(LibraryDoors, "agent/agent.cc", "#include <boost/asio.hpp>\n", 1);
  ExpectClean(LibraryDoors, "agent/io/uring_io.cc",
              "#include <liburing.h>\n#include <sys/stat.h>\n#include <vector>\n");
}

TEST(IncludeRules, SystemHeadersStayInTheWaist) {
  for (const char* header :
       {"unistd.h", "fcntl.h", "sys/socket.h", "linux/fs.h", "time.h", "thread", "mutex", "chrono",
        "random", "fstream", "filesystem", "iostream"}) {
    ExpectCaught(SystemHeaders, "agent/site/a.cc", "#include <" + std::string(header) + ">\n", 1);
    ExpectCaught(SystemHeaders, "replicator/a.cc", "#include <" + std::string(header) + ">\n", 1);
    ExpectClean(SystemHeaders, "agent/io/a.cc", "#include <" + std::string(header) + ">\n");
  }
  ExpectClean(SystemHeaders, "agent/site/a.cc",
              "#include <errno.h>\n#include <zstd.h>\n#include <map>\n");
}

TEST(IncludeRules, AnExceptionNobodyNeedsIsNamed) {
  EXPECT_FALSE(StaleExceptions(TreeOf({{"agent/log.cc", "int a;\n"}})).empty());
}

}  // namespace
}  // namespace tidemark
