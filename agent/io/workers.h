// Threads for what may not run on the loop thread: CPU work, and calls that block.
//
// Both kinds have threads of their own, so that a name look-up of ten seconds never delays
// sealing. Threads start when first needed and own no state: a job is handed over under the mutex,
// and handed back under it. This is the only mutex of the agent.
#ifndef TIDEMARK_AGENT_IO_WORKERS_H_
#define TIDEMARK_AGENT_IO_WORKERS_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace tidemark {

// What a worker runs. The caller keeps it in place until it comes back from TakeDone.
struct WorkerJob {
  void (*run)(WorkerJob* job) = nullptr;
};

class Workers {
 public:
  enum Kind { kCompute, kBlocking };

  // `wake_descriptor` is an eventfd, written when finished jobs are waiting for TakeDone.
  Workers(size_t compute_threads_max, size_t blocking_threads_max, int wake_descriptor);
  ~Workers() { Stop(); }
  Workers(const Workers&) = delete;

  void Add(Kind kind, WorkerJob* job);
  // True when the job had not started: it never will, and it will not be among the done.
  bool Remove(Kind kind, WorkerJob* job);
  // Finished jobs in the order in which they finished.
  void TakeDone(std::vector<WorkerJob*>* done);
  // Drops jobs that have not started, waits for those that have. Add is refused afterwards.
  void Stop();

 private:
  struct Queue {
    std::deque<WorkerJob*> jobs;
    std::condition_variable changed;
    std::vector<std::thread> threads;
    size_t threads_max = 0;
    size_t idle = 0;
  };
  void Serve(Queue* queue);

  const int wake_descriptor_;
  std::mutex mutex_;
  Queue queues_[2];
  std::vector<WorkerJob*> done_;
  bool stopping_ = false;
};

}  // namespace tidemark
#endif  // TIDEMARK_AGENT_IO_WORKERS_H_
