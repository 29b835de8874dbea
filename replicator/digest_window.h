// What is known of the newest N statements, by digest; the oldest is forgotten.
#ifndef TIDEMARK_REPLICATOR_DIGEST_WINDOW_H_
#define TIDEMARK_REPLICATOR_DIGEST_WINDOW_H_

#include <deque>
#include <map>
#include <utility>

#include "crypto/digest.h"

namespace tidemark {

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
  std::map<Digest, Known> known_;
  std::deque<Digest> order_;
};

}  // namespace tidemark
#endif  // TIDEMARK_REPLICATOR_DIGEST_WINDOW_H_
