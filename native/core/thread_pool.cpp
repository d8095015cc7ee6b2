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
  std::size_t error_block = 0;

  // `block` says where the thread is, for the sake of exceptions.
  void work(int lane, std::size_t& block) {
    for (;;) {
      if (failed.load(std::memory_order_relaxed)) return;
      if (abort != nullptr && abort->load(std::memory_order_relaxed)) return;
      block = next.fetch_add(1, std::memory_order_relaxed);
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
      jobs_.push_back(job);
      grow(job->lanes - 1);
    }
    // Not all: the pool may have grown to a thousand threads for another job.
    for (int lane = 1; lane < job->lanes; ++lane) wake_.notify_one();
    enter(*job, 0);
    std::unique_lock lock(mutex_);
    job->inside -= 1;
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), job));
    left_.wait(lock, [&] { return job->inside == 0; });
    if (job->error) std::rethrow_exception(job->error);
  }

 private:
  // Of several exceptions that of the lowest block is kept. Blocks are taken in order and a block that was taken is finished, so the
  // lowest block that fails always runs: the error does not depend on threads either.
  void enter(Job& job, int lane) {
    std::size_t block = 0;
    try {
      job.work(lane, block);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!job.error || block < job.error_block) {
        job.error = std::current_exception();
        job.error_block = block;
      }
      job.failed = true;
    }
  }

  // Where the system gives no more threads those that there are do the work.
  void grow(int wanted) noexcept {
    try {
      while (workers_ < wanted) {
        // Detached: the pool lives as long as the process, and exit in the middle of work must not wait for it.
        std::thread([this] { loop(); }).detach();
        workers_ += 1;
      }
    } catch (...) {
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
  int workers_ = 0;
};

// Never destroyed: detached workers may still look at it while the process ends.
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

}  // namespace

void parallel_for(std::size_t blocks, const Execution& execution, const std::function<void(std::size_t, int)>& body) {
  const int lanes = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(std::max(1, execution.threads)), blocks));
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
