// What is known of the newest N statements, by digest; the oldest is forgotten.
#ifndef TIDEMARK_REPLICATOR_DIGEST_WINDOW_H_
#define TIDEMARK_REPLICATOR_DIGEST_WINDOW_H_

#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include "crypto/digest.h"

namespace tidemark {

// Digests differ in their first word, so the rest is hardly ever looked at.
struct FirstWordFirst {
  bool operator()(const Digest& a, const Digest& b) const {
    uint64_t first_a = 0, first_b = 0;
    std::memcpy(&first_a, a.bytes.data(), sizeof(first_a));
    std::memcpy(&first_b, b.bytes.data(), sizeof(first_b));
    return first_a != first_b ? first_a < first_b : a < b;
  }
};

template <class Known>
class DigestWindow {
 public:
  explicit DigestWindow(size_t capacity) : capacity_(capacity) {}
  // False: it is known already.
  bool Add(const Digest& digest, Known known) {
    if (!known_.emplace(digest, std::move(known)).second) return false;
    order_.push_back(digest);
    if (order_.size() > capacity_) {
      known_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }
  const Known* Find(const Digest& digest) const {
    const auto found = known_.find(digest);
    return found == known_.end() ? nullptr : &found->second;
  }

 private:
  size_t capacity_;
  std::map<Digest, Known, FirstWordFirst> known_;
  std::deque<Digest> order_;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_DIGEST_WINDOW_H_
