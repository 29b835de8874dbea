// Fixed layouts: a little-endian cursor to write with and one to read with.
//
// Everything hashed or signed goes through these two, never through protobuf.
// LayoutReader never reads past its end: a short input makes ok() false and the
// value zero, so a parser reads all fields first and asks ok() once.
#ifndef TIDEMARK_CRYPTO_LAYOUT_H_
#define TIDEMARK_CRYPTO_LAYOUT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"

namespace tidemark {

class LayoutWriter {
 public:
  LayoutWriter& U8(uint8_t value) { return Integer(value, 1); }
  LayoutWriter& U16(uint16_t value) { return Integer(value, 2); }
  LayoutWriter& U32(uint32_t value) { return Integer(value, 4); }
  LayoutWriter& U64(uint64_t value) { return Integer(value, 8); }
  LayoutWriter& I64(int64_t value) { return Integer(static_cast<uint64_t>(value), 8); }
  LayoutWriter& Bytes(ByteSpan bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  // u16 length, then the bytes. The text must be shorter than 64 KiB.
  LayoutWriter& Text(std::string_view text) {
    U16(static_cast<uint16_t>(text.size()));
    return Bytes(AsBytes(text));
  }
  LayoutWriter& ZeroTo(size_t size) {
    if (out_.size() < size) out_.resize(size, std::byte{0});
    return *this;
  }
  size_t size() const { return out_.size(); }
  ByteSpan view() const { return out_; }
  std::vector<std::byte> Take() { return std::move(out_); }

 private:
  LayoutWriter& Integer(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  std::vector<std::byte> out_;
};

class LayoutReader {
 public:
  explicit LayoutReader(ByteSpan bytes) : bytes_(bytes) {}
  uint8_t U8() { return static_cast<uint8_t>(Integer(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Integer(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Integer(4)); }
  uint64_t U64() { return Integer(8); }
  int64_t I64() { return static_cast<int64_t>(Integer(8)); }
  void Bytes(MutableByteSpan out) {
    ByteSpan got = View(out.size());
    if (got.size() == out.size()) std::memcpy(out.data(), got.data(), got.size());
  }
  template <class Struct>
  Struct Object() {  // a struct with a `bytes` array: Digest, ChunkId, Id16 ...
    Struct value{};
    Bytes(value.bytes);
    return value;
  }
  // A view into the input, valid as long as the input is.
  ByteSpan View(size_t size) {
    if (size > bytes_.size() - at_) {
      ok_ = false;
      at_ = bytes_.size();
      return {};
    }
    ByteSpan got = bytes_.subspan(at_, size);
    at_ += size;
    return got;
  }
  std::string Text() {
    uint16_t size = U16();
    return std::string(AsText(View(size)));
  }
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == bytes_.size(); }
  size_t position() const { return at_; }
  size_t remaining() const { return bytes_.size() - at_; }

 private:
  uint64_t Integer(int bytes) {
    ByteSpan got = View(static_cast<size_t>(bytes));
    uint64_t value = 0;
    for (size_t i = 0; i < got.size(); ++i) value |= static_cast<uint64_t>(got[i]) << (8 * i);
    return value;
  }
  ByteSpan bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace tidemark
#endif  // TIDEMARK_CRYPTO_LAYOUT_H_
