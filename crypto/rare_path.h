// Rare paths: places in the product that the simulator must reach at least once in a night. A fault
// that is never met proves nothing. RARE_PATH(name) counts how often this process came by; names
// stand in tests/sim/rare_paths.cc.
#ifndef TIDEMARK_CRYPTO_RARE_PATH_H_
#define TIDEMARK_CRYPTO_RARE_PATH_H_

#include <atomic>
#include <cstdint>

namespace tidemark {

// One per place, chained when it is first reached; never removed.
class RarePath {
 public:
  explicit RarePath(const char* name) : name_(name), next_(newest_.load()) {
    while (!newest_.compare_exchange_weak(next_, this)) {
    }
  }
  RarePath(const RarePath&) = delete;
  void Count() { hits_.fetch_add(1, std::memory_order_relaxed); }

  const char* name() const { return name_; }
  uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }
  const RarePath* next() const { return next_; }
  static const RarePath* newest() { return newest_.load(); }

 private:
  static inline std::atomic<RarePath*> newest_{nullptr};
  const char* name_;
  RarePath* next_;
  std::atomic<uint64_t> hits_{0};
};

}  // namespace tidemark

#define RARE_PATH(name)                          \
  do {                                           \
    static ::tidemark::RarePath rare_path{name}; \
    rare_path.Count();                           \
  } while (false)

#endif  // TIDEMARK_CRYPTO_RARE_PATH_H_
