// Waiting for one another on the loop thread: Semaphore, Channel, TaskGroup; Event is in event.h.
//
// None of these is thread-safe; all live on one loop thread and outlive those who wait.
#ifndef TIDEMARK_AGENT_IO_SYNC_H_
#define TIDEMARK_AGENT_IO_SYNC_H_

#include <deque>
#include <list>
#include <optional>
#include <utility>

#include "agent/io/event.h"
#include "agent/io/task.h"

namespace tidemark {

// Counted permits, first come, first served: a large request is not overtaken by small ones.
class Semaphore {
 public:
  Semaphore(Io* io, uint64_t permits) : io_(io), permits_(permits), line_(io) {}
  Io* io() const { return io_; }
  Task<> Acquire(uint64_t count) {
    Line::Place place(&line_);
    while (!place.first() || permits_ < count) co_await place.Wait();
    permits_ -= count;
  }
  void Release(uint64_t count) {
    permits_ += count;
    line_.WakeFirst();
  }
  uint64_t available() const { return permits_; }

 private:
  Io* io_;
  uint64_t permits_;
  Line line_;
};

// Gives an acquired permit back, however the coroutine ends.
class Permit {
 public:
  explicit Permit(Semaphore* semaphore) : semaphore_(semaphore) {}
  Permit(const Permit&) = delete;
  ~Permit() { semaphore_->Release(1); }

 private:
  Semaphore* semaphore_;
};

// A bounded queue between two coroutines. Close lets the reader drain, then gives nullopt.
template <class T>
class Channel {
 public:
  Channel(Io* io, size_t items_max) : io_(io), items_max_(items_max), changed_(io) {}
  Io* io() const { return io_; }
  // False when the channel was closed meanwhile; the item is dropped.
  Task<bool> Send(T item) {
    while (!closed_ && items_.size() >= items_max_) co_await changed_.Wait();
    if (closed_) co_return false;
    items_.push_back(std::move(item));
    changed_.WakeAll();
    co_return true;
  }
  Task<std::optional<T>> Receive() {
    while (items_.empty() && !closed_) co_await changed_.Wait();
    if (items_.empty()) co_return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    changed_.WakeAll();
    co_return std::move(item);
  }
  void Close() {
    closed_ = true;
    changed_.WakeAll();
  }
  bool closed() const { return closed_; }

 private:
  Io* io_;
  size_t items_max_;
  std::deque<T> items_;
  bool closed_ = false;
  Event changed_;
};

// Owns running tasks that nobody awaits one by one. Join before it dies in an orderly stop; when
// it dies first (a simulated crash), the frames are destroyed where they stand.
class TaskGroup {
 public:
  explicit TaskGroup(Io* io) : io_(io), finished_(io) {}
  Io* io() const { return io_; }
  void Spawn(Task<> task) {
    Sweep();
    tasks_.push_back(Run(std::move(task)));
    tasks_.back().Start();
    ++running_;
  }
  Task<> Join() {
    while (running_ > 0) co_await finished_.Wait();
    Sweep();
  }
  size_t running() const { return running_; }

 private:
  Task<> Run(Task<> task) {
    co_await task;
    --running_;
    finished_.WakeAll();
  }
  void Sweep() {
    for (auto it = tasks_.begin(); it != tasks_.end();)
      it = it->done() ? tasks_.erase(it) : std::next(it);
  }
  Io* io_;
  std::list<Task<>> tasks_;
  size_t running_ = 0;
  Event finished_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_SYNC_H_
