#include "agent/io/workers.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cassert>

namespace tidemark {
namespace {

// Signals are the loop thread's business: it reads them from a descriptor.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Workers::Workers(size_t compute_threads_max, size_t blocking_threads_max, int wake_descriptor)
    : wake_descriptor_(wake_descriptor) {
  queues_[kCompute].threads_max = compute_threads_max;
  queues_[kBlocking].threads_max = blocking_threads_max;
}

void Workers::Add(Kind kind, WorkerJob* job) {
  Queue* queue = &queues_[kind];
  bool start = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    assert(!stopping_);
    queue->jobs.push_back(job);
    start = queue->idle < queue->jobs.size() && queue->threads.size() < queue->threads_max;
  }
  if (start) {
    const SignalsBlocked blocked;
    queue->threads.emplace_back(&Workers::Serve, this, queue);
  }
  queue->changed.notify_one();
}

bool Workers::Remove(Kind kind, WorkerJob* job) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::deque<WorkerJob*>& jobs = queues_[kind].jobs;
  const auto place = std::find(jobs.begin(), jobs.end(), job);
  if (place == jobs.end()) return false;
  jobs.erase(place);
  return true;
}

void Workers::TakeDone(std::vector<WorkerJob*>* done) {
  done->clear();
  std::lock_guard<std::mutex> lock(mutex_);
  done->swap(done_);
}

void Workers::Stop() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    for (Queue& queue : queues_) queue.jobs.clear();
  }
  for (Queue& queue : queues_) {
    queue.changed.notify_all();
    for (std::thread& thread : queue.threads) thread.join();
    queue.threads.clear();
  }
}

void Workers::Serve(Queue* queue) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    ++queue->idle;
    queue->changed.wait(lock, [this, queue] { return stopping_ || !queue->jobs.empty(); });
    --queue->idle;
    if (stopping_) return;
    WorkerJob* job = queue->jobs.front();
    queue->jobs.pop_front();
    lock.unlock();
    job->run(job);
    lock.lock();
    done_.push_back(job);
    // One wake-up for all that finish before the loop thread looks.
    if (done_.size() == 1) eventfd_write(wake_descriptor_, 1);
  }
}

}  // namespace tidemark
