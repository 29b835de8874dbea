// Event: a list of waiting coroutines. Line: the same, first come, first served.
//
// All wake-ups go through Io::Ready in first-come order, so the simulator decides nothing here
// and two runs of one seed are equal. Not thread-safe; all live on one loop thread.
//
// A coroutine that waits here may be destroyed: it takes itself off the list.
#ifndef TIDEMARK_AGENT_IO_EVENT_H_
#define TIDEMARK_AGENT_IO_EVENT_H_

#include <cassert>
#include <coroutine>
#include <list>

#include "agent/io/io.h"

namespace tidemark {

// A list of coroutines waiting for something. Wake them, then each looks again:
//   while (!condition) co_await event.Wait();
class Event {
 public:
  explicit Event(Io* io) : io_(io) {}
  Event(const Event&) = delete;
  ~Event() { assert(waiters_.empty()); }

  class Waiter {
   public:
    explicit Waiter(Event* event) : event_(event) {}
    Waiter(const Waiter&) = delete;
    ~Waiter() {
      if (queued_) event_->waiters_.erase(place_);
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      handle_ = handle;
      place_ = event_->waiters_.insert(event_->waiters_.end(), this);
      queued_ = true;
    }
    void await_resume() const noexcept {}

   private:
    friend class Event;
    Event* event_;
    std::coroutine_handle<> handle_;
    std::list<Waiter*>::iterator place_;
    bool queued_ = false;
  };

  Waiter Wait() { return Waiter(this); }
  void WakeAll() {
    while (!waiters_.empty()) WakeOne();
  }
  void WakeOne() {
    if (waiters_.empty()) return;
    Waiter* waiter = waiters_.front();
    waiters_.pop_front();
    waiter->queued_ = false;
    io_->Ready(waiter->handle_);
  }
  bool has_waiters() const { return !waiters_.empty(); }

 private:
  Io* io_;
  std::list<Waiter*> waiters_;
};

// A queue at a counter. Only the first in line looks whether it can be served; whoever leaves,
// served or destroyed, lets the next one look:
//   Line::Place place(&line);
//   while (!place.first() || !served) co_await place.Wait();
class Line {
 public:
  explicit Line(Io* io) : io_(io) {}
  Line(const Line&) = delete;

  class Place {
   public:
    explicit Place(Line* line) : line_(line), turn_(line->io_) {
      position_ = line_->places_.insert(line_->places_.end(), this);
    }
    Place(const Place&) = delete;
    ~Place() {
      const bool was_first = first();
      line_->places_.erase(position_);
      if (was_first) line_->WakeFirst();
    }
    bool first() const { return line_->places_.front() == this; }
    Event::Waiter Wait() { return turn_.Wait(); }

   private:
    friend class Line;
    Line* line_;
    Event turn_;
    std::list<Place*>::iterator position_;
  };

  void WakeFirst() {
    if (!places_.empty()) places_.front()->turn_.WakeAll();
  }
  bool empty() const { return places_.empty(); }

 private:
  Io* io_;
  std::list<Place*> places_;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_EVENT_H_
