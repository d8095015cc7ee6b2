// SPDX-License-Identifier: MIT
#include "native/core/thread_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "native/core/error.hpp"

namespace ionclay {
namespace {

struct Job {
  std::size_t blocks;
  int lanes;
  const std::function<void(std::size_t, int)>* body;
  const std::atomic<bool>* abort;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  // Guarded by the pool's mutex.
  int entered = 1;  // lane 0 is the caller
  int inside = 1;
  std::exception_ptr error;

  void work(int lane) {
    for (;;) {
      if (failed.load(std::memory_order_relaxed)) return;
      if (abort != nullptr && abort->load(std::memory_order_relaxed)) return;
      const std::size_t block = next.fetch_add(1, std::memory_order_relaxed);
      if (block >= blocks) return;
      (*body)(block, lane);
    }
  }
  bool open() const {
    return entered < lanes && next.load(std::memory_order_relaxed) < blocks && !failed.load(std::memory_order_relaxed);
  }
};

class Pool {
 public:
  void run(const std::shared_ptr<Job>& job) {
    {
      std::lock_guard lock(mutex_);
      grow(job->lanes - 1);
      jobs_.push_back(job);
    }
    wake_.notify_all();
    enter(*job, 0);
    std::unique_lock lock(mutex_);
    job->inside -= 1;
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), job));
    left_.wait(lock, [&] { return job->inside == 0; });
    if (job->error) std::rethrow_exception(job->error);
  }

 private:
  void enter(Job& job, int lane) {
    try {
      job.work(lane);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!job.error) job.error = std::current_exception();
      job.failed = true;
    }
  }

  void grow(int wanted) {
    while (static_cast<int>(workers_) < wanted) {
      workers_ += 1;
      // Detached: the pool lives as long as the process, and exit in the middle of work must not wait for it.
      std::thread([this] { loop(); }).detach();
    }
  }

  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      std::shared_ptr<Job> job;
      wake_.wait(lock, [&] {
        for (const auto& candidate : jobs_) {
          if (candidate->open()) {
            job = candidate;
            return true;
          }
        }
        return false;
      });
      const int lane = job->entered++;
      job->inside += 1;
      lock.unlock();
      enter(*job, lane);
      lock.lock();
      job->inside -= 1;
      if (job->inside == 0) left_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, left_;
  std::deque<std::shared_ptr<Job>> jobs_;
  std::size_t workers_ = 0;
};

// Never destroyed: detached workers may still look at it while the process ends.
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

}  // namespace

void parallel_for(std::size_t blocks, const Execution& execution, const std::function<void(std::size_t, int)>& body) {
  const int lanes = std::max<std::size_t>(1, std::min<std::size_t>(execution.threads, blocks));
  if (lanes <= 1) {
    for (std::size_t block = 0; block < blocks; ++block) {
      if (execution.aborted()) break;
      body(block, 0);
    }
  } else {
    auto job = std::make_shared<Job>();
    job->blocks = blocks;
    job->lanes = lanes;
    job->body = &body;
    job->abort = execution.abort;
    pool().run(job);
  }
  if (execution.aborted()) throw Error("ABORTED", "the computation was stopped");
}

int hardware_threads() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace ionclay
