// Task: the one coroutine type. Lazy; awaited once, or owned by a TaskGroup.
//
// Its first parameter must be an Io*, or it is a member of a class with `Io* io() const`
// (that is how the promise finds the ready queue). That Io outlives the Task.
//
// A Task may be destroyed before its end, wherever it waits and also when it is about to run. Its
// Ops, its place in line and its children go with it. Only a child that somebody else owns must
// not outlive the one that awaits it.
//
// g++ 12 miscompiles some co_await expressions. The five rules (tests/tidy_test checks them):
//  1. one co_await per statement, its result in a named variable (or dropped);
//  2. arguments are lvalues, std::move(named) or trivially destructible values;
//  3. never inside ?:, loop conditions or macros, nor beside a lambda; no lambda coroutines;
//  4. no symmetric transfer: resumption always goes through Io::Ready;
//  5. parameters are pointers, moved-in values and trivial structs, never references to
//  temporaries.
#ifndef TIDEMARK_AGENT_IO_TASK_H_
#define TIDEMARK_AGENT_IO_TASK_H_

#include <cassert>
#include <coroutine>
#include <cstdlib>
#include <list>
#include <optional>
#include <utility>

#include "agent/io/io.h"

namespace tidemark {

template <class T>
class Task;

namespace task_internal {
struct PromiseBase {
  Io* io = nullptr;
  std::coroutine_handle<> continuation;
  bool finished = false;

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
      PromiseBase& promise = handle.promise();
      promise.finished = true;
      if (promise.continuation) promise.io->Ready(promise.continuation);
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() { std::abort(); }
};

template <class Object>
concept HasIo = requires(Object& object) {
  { object.io() };
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  template <class... Args>
  explicit Promise(Io* loop, Args&&...) {
    io = loop;
  }
  template <HasIo Object, class... Args>
  explicit Promise(Object& object, Args&&...) {
    io = object.io();
  }
  ~Promise() {
    if (!finished) io->Unready(std::coroutine_handle<Promise>::from_promise(*this));
  }
  Task<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};
template <>
struct Promise<void> : PromiseBase {
  template <class... Args>
  explicit Promise(Io* loop, Args&&...) {
    io = loop;
  }
  template <HasIo Object, class... Args>
  explicit Promise(Object& object, Args&&...) {
    io = object.io();
  }
  ~Promise() {
    if (!finished) io->Unready(std::coroutine_handle<Promise>::from_promise(*this));
  }
  Task<void> get_return_object();
  void return_void() {}
};
}  // namespace task_internal

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = task_internal::Promise<T>;
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Task(Task&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), started_(other.started_) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, nullptr);
      started_ = other.started_;
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Starts it without awaiting; await it later, or ask done().
  void Start() {
    assert(!started_);
    started_ = true;
    handle_.promise().io->Ready(handle_);
  }
  bool done() const { return handle_.done(); }
  // After done().
  decltype(auto) result() {
    if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
  }

  bool await_ready() const { return started_ && handle_.done(); }
  void await_suspend(std::coroutine_handle<> continuation) {
    handle_.promise().continuation = continuation;
    if (!started_) Start();
  }
  T await_resume() {
    if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
  }

 private:
  std::coroutine_handle<promise_type> handle_;
  bool started_ = false;
};

namespace task_internal {
template <class T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace task_internal

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_TASK_H_
