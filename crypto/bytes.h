// Byte views and secrets: what every room passes around.
//
// Views go in (ByteSpan), values come out. A secret is a SecretBytes: move-only,
// wiped when it dies, never printed.
#ifndef TIDEMARK_CRYPTO_BYTES_H_
#define TIDEMARK_CRYPTO_BYTES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace tidemark {

using ByteSpan = std::span<const std::byte>;
using MutableByteSpan = std::span<std::byte>;

inline ByteSpan AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal. FromHex returns false unless text is exactly 2 * out.size() hex digits.
std::string ToHex(ByteSpan bytes);
bool FromHex(std::string_view text, MutableByteSpan out);

// Overwrites memory in a way that the compiler may not remove.
void Wipe(MutableByteSpan bytes);
// Compares in time that depends on the sizes only.
bool EqualInConstantTime(ByteSpan a, ByteSpan b);

// Fills bytes from the world's entropy. Io implements it; the simulator gives seeded bytes.
class EntropySource {
 public:
  virtual ~EntropySource() = default;
  virtual void Fill(MutableByteSpan out) = 0;
};

// N secret bytes. Move-only; the source of a move and a dead object are wiped.
template <size_t N>
class SecretBytes {
 public:
  SecretBytes() { bytes_.fill(std::byte{0}); }
  explicit SecretBytes(std::span<const std::byte, N> from) {
    std::memcpy(bytes_.data(), from.data(), N);
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) { Wipe(other.bytes_); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      Wipe(other.bytes_);
    }
    return *this;
  }
  ~SecretBytes() { Wipe(bytes_); }

  static SecretBytes Random(EntropySource* entropy) {
    SecretBytes made;
    entropy->Fill(made.bytes_);
    return made;
  }
  // A deliberate, visible copy.
  SecretBytes Clone() const { return SecretBytes(std::span<const std::byte, N>(bytes_)); }
  std::span<const std::byte, N> view() const { return bytes_; }
  std::span<std::byte, N> mutable_view() { return bytes_; }

 private:
  std::array<std::byte, N> bytes_;
};
using Secret32 = SecretBytes<32>;

// 16 random bytes that name a vault, a store, an archive or a session. Strong types, so that two
// of them are never swapped.
template <class Tag>
struct Id16 {
  std::array<std::byte, 16> bytes{};
  friend auto operator<=>(const Id16&, const Id16&) = default;
  static Id16 Random(EntropySource* entropy) {
    Id16 id;
    entropy->Fill(id.bytes);
    return id;
  }
  std::string hex() const { return ToHex(bytes); }
  bool empty() const { return *this == Id16{}; }
};
using VaultId = Id16<struct VaultTag>;
using StoreId = Id16<struct StoreTag>;
using ArchiveId = Id16<struct ArchiveTag>;
using SessionId = Id16<struct SessionTag>;
using BootId = Id16<struct BootTag>;

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_BYTES_H_
