#include "tests/sim/sim_file.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tidemark {
namespace {

// Freed pages, kept for the next one: the general allocator is slow at this size.
template <class T>
struct PageAllocator {
  using value_type = T;
  PageAllocator() = default;
  template <class U>
  PageAllocator(const PageAllocator<U>&) {}
  // Never freed: pages in static objects come back after everything else has gone.
  static std::vector<void*>* blocks() {
    static std::vector<void*>* const kBlocks = new std::vector<void*>;
    return kBlocks;
  }
  T* allocate(size_t) {
    std::vector<void*>& free = *blocks();
    if (free.empty()) return static_cast<T*>(::operator new(sizeof(T)));
    void* block = free.back();
    free.pop_back();
    return static_cast<T*>(block);
  }
  void deallocate(T* block, size_t) { blocks()->push_back(block); }
  bool operator==(const PageAllocator&) const { return true; }
};

SimPageRef NewPage() {
  return std::allocate_shared_for_overwrite<SimPage>(PageAllocator<SimPage>());
}

const SimPageRef& ZeroPage() {
  static const SimPageRef zero = std::make_shared<SimPage>();
  return zero;
}

bool AllZero(const std::byte* bytes, size_t length) {
  return std::memcmp(bytes, ZeroPage()->data(), length) == 0;
}

uint64_t PageOf(uint64_t offset) { return offset / kPageBytes; }
uint64_t PageAfter(uint64_t end) { return (end + kPageBytes - 1) / kPageBytes; }

}  // namespace

void PageRanges::Insert(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  auto at = ranges_.upper_bound(begin);
  if (at != ranges_.begin() && std::prev(at)->second >= begin) {
    --at;
    if (at->second >= end) return;
    begin = at->first;
  }
  while (at != ranges_.end() && at->first <= end) {
    end = std::max(end, at->second);
    total_ -= at->second - at->first;
    at = ranges_.erase(at);
  }
  ranges_.emplace_hint(at, begin, end);
  total_ += end - begin;
}

void PageRanges::Erase(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  auto at = ranges_.upper_bound(begin);
  if (at != ranges_.begin()) --at;
  while (at != ranges_.end() && at->first < end) {
    const uint64_t first = at->first, last = at->second;
    if (last <= begin) {
      ++at;
      continue;
    }
    at = ranges_.erase(at);
    total_ -= last - first;
    if (first < begin) {
      ranges_.emplace(first, begin);
      total_ += begin - first;
    }
    if (last > end) {
      at = ranges_.emplace(end, last).first;
      total_ += last - end;
    }
  }
}

uint64_t PageRanges::CountIn(uint64_t begin, uint64_t end) const {
  uint64_t count = 0;
  auto at = ranges_.upper_bound(begin);
  if (at != ranges_.begin()) --at;
  for (; at != ranges_.end() && at->first < end; ++at) {
    const uint64_t first = std::max(begin, at->first), last = std::min(end, at->second);
    if (first < last) count += last - first;
  }
  return count;
}

SimPageRef& SimContent::MutablePage(uint64_t page) {
  SimPageRef& ref = pages[page];
  if (ref == nullptr) {
    ref = NewPage();
    ref->fill(std::byte{0});
    allocated.Insert(page, page + 1);
  } else if (ref.use_count() > 1) {
    const SimPageRef old = std::exchange(ref, NewPage());
    *ref = *old;
  }
  return ref;
}

void SimContent::CopyInPage(uint64_t page, const SimPage& from, uint64_t begin, uint64_t end) {
  std::memcpy(MutablePage(page)->data() + begin, from.data() + begin, end - begin);
}

void SimContent::Zero(uint64_t offset, uint64_t length, bool release) {
  const uint64_t end = offset + length;
  for (auto at = pages.lower_bound(PageOf(offset)); at != pages.end();) {
    const uint64_t page_begin = at->first * kPageBytes;
    if (page_begin >= end) break;
    const uint64_t first = std::max(offset, page_begin);
    const uint64_t last = std::min(end, page_begin + kPageBytes);
    if (last - first == kPageBytes) {
      at = pages.erase(at);
      continue;
    }
    std::memset(MutablePage(at->first)->data() + (first - page_begin), 0, last - first);
    ++at;
  }
  if (release) allocated.Erase(PageAfter(offset), std::max(PageAfter(offset), PageOf(end)));
}

void SimContent::Resize(uint64_t new_size) {
  if (new_size < size) {
    const uint64_t whole = PageAfter(new_size) * kPageBytes;
    Zero(new_size, whole - new_size, false);
    pages.erase(pages.lower_bound(whole / kPageBytes), pages.end());
    allocated.Erase(whole / kPageBytes, ~uint64_t{0});
  }
  size = new_size;
}

uint64_t SimFile::MissingPages(uint64_t offset, uint64_t length) const {
  const uint64_t begin = PageOf(offset), end = PageAfter(offset + length);
  return end - begin - now_.allocated.CountIn(begin, end);
}

size_t SimFile::Read(const SimContent& content, uint64_t offset, MutableByteSpan into) {
  if (offset >= content.size) return 0;
  const size_t count = std::min<uint64_t>(into.size(), content.size - offset);
  auto at = content.pages.lower_bound(PageOf(offset));
  for (size_t done = 0; done < count;) {
    const uint64_t position = offset + done, page = PageOf(position);
    const uint64_t inside = position % kPageBytes;
    const size_t step = std::min<uint64_t>(count - done, kPageBytes - inside);
    if (at != content.pages.end() && at->first == page) {
      std::memcpy(into.data() + done, at->second->data() + inside, step);
      ++at;
    } else {
      std::memset(into.data() + done, 0, step);
    }
    done += step;
  }
  return count;
}

SimFile::Change* SimFile::Add(Kind kind, uint64_t offset, uint64_t length) {
  Change& change = pending_.emplace_back();
  change.kind = kind;
  change.mark = ++mark_;
  change.offset = offset;
  change.length = length;
  return &change;
}

void SimFile::Write(uint64_t offset, ByteSpan from) {
  if (from.empty()) return;
  Change* change = Add(Kind::kWrite, offset, from.size());
  change->pages.reserve(PageAfter(offset + from.size()) - PageOf(offset));
  for (size_t done = 0; done < from.size();) {
    const uint64_t position = offset + done, page = PageOf(position);
    const uint64_t inside = position % kPageBytes;
    const size_t step = std::min<uint64_t>(from.size() - done, kPageBytes - inside);
    if (step == kPageBytes) {
      SimPageRef& ref = now_.pages[page];
      if (AllZero(from.data() + done, step)) {
        ref = ZeroPage();
      } else {
        ref = NewPage();
        std::memcpy(ref->data(), from.data() + done, step);
      }
      change->pages.push_back(ref);
    } else {
      const SimPageRef& ref = now_.MutablePage(page);
      std::memcpy(ref->data() + inside, from.data() + done, step);
      change->pages.push_back(ref);
    }
    done += step;
  }
  now_.allocated.Insert(PageOf(offset), PageAfter(offset + from.size()));
  now_.size = std::max<uint64_t>(now_.size, offset + from.size());
  change->size_after = now_.size;
}

void SimFile::Allocate(uint64_t offset, uint64_t length) {
  now_.allocated.Insert(PageOf(offset), PageAfter(offset + length));
  now_.size = std::max(now_.size, offset + length);
  Add(Kind::kAllocate, offset, length)->size_after = now_.size;
}

void SimFile::Punch(uint64_t offset, uint64_t length) {
  now_.Zero(offset, length, /*release=*/true);
  Add(Kind::kPunch, offset, length)->size_after = now_.size;
}

void SimFile::Truncate(uint64_t length) {
  now_.Resize(length);
  Add(Kind::kTruncate, 0, length)->size_after = length;
}

bool SimFile::NextData(uint64_t offset, uint64_t* begin, uint64_t* end) const {
  if (offset >= now_.size) return false;
  auto at = now_.pages.lower_bound(PageOf(offset));
  if (at == now_.pages.end() || at->first * kPageBytes >= now_.size) return false;
  *begin = std::max(offset, at->first * kPageBytes);
  uint64_t page = at->first;
  while (at != now_.pages.end() && at->first == page) {
    ++at;
    ++page;
  }
  *end = std::min(now_.size, page * kPageBytes);
  return true;
}

}  // namespace tidemark
