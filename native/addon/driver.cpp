// SPDX-License-Identifier: MIT
#include "native/addon/driver.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_set>

namespace ionclay::addon {
namespace {

// Process-wide threads that lead computations. As many as there are computations at once; idle ones are reused.
class Leaders {
 public:
  // Throws std::system_error where the system gives no thread; then the job is not kept.
  void post(std::function<void()> job) {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (idle_ < jobs_.size()) {
      try {
        std::thread([this] { loop(); }).detach();
      } catch (...) {
        jobs_.pop_back();
        throw;
      }
    }
    wake_.notify_one();
  }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      idle_ += 1;
      wake_.wait(lock, [&] { return !jobs_.empty(); });
      idle_ -= 1;
      std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::size_t idle_ = 0;
};

// Never destroyed: detached threads may outlive static destruction.
Leaders& leaders() {
  static Leaders* instance = new Leaders;
  return *instance;
}

struct Finished {
  std::shared_ptr<Work> work;
  std::exception_ptr failure;
};

}  // namespace

class Driver {
 public:
  explicit Driver(Napi::Env env) : env_(env) {
    const napi_value name = Napi::String::New(env, "ionclay");
    const napi_status status =
        napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, &Driver::deliver, &queue_);
    if (status != napi_ok) throw Napi::Error::New(env);
    // Only pending work keeps the event loop alive.
    napi_unref_threadsafe_function(env, queue_);
  }

  void start(std::shared_ptr<Work> work) {
    auto* finished = new Finished{work, nullptr};
    const std::unique_lock lock(mutex_);
    try {
      // The job waits for the lock in its last lines at the earliest: everything below has been done by then.
      pending_.insert(work);
      leaders().post([this, finished] { lead(finished); });
    } catch (...) {
      pending_.erase(work);
      delete finished;
      throw;
    }
    running_ += 1;
    if (pending_.size() == 1) napi_ref_threadsafe_function(env_, queue_);
  }

  // The environment ends. Running work touches no memory of JavaScript, but it touches this.
  void close() {
    std::unique_lock lock(mutex_);
    for (const auto& work : pending_) {
      if (work->abort != nullptr) work->abort->store(true);
    }
    idle_.wait(lock, [&] { return running_ == 0; });
    lock.unlock();
    napi_release_threadsafe_function(queue_, napi_tsfn_abort);
  }

 private:
  // On a leading thread.
  void lead(Finished* finished) {
    try {
      finished->work->run();
    } catch (...) {
      finished->failure = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    if (napi_call_threadsafe_function(queue_, finished, napi_tsfn_nonblocking) != napi_ok) delete finished;
    running_ -= 1;
    idle_.notify_all();
  }

  // On the event loop; with env = null for what is left over when the environment ends.
  static void deliver(napi_env env, napi_value, void* context, void* data) {
    std::unique_ptr<Finished> finished(static_cast<Finished*>(data));
    if (env == nullptr) return;
    auto* driver = static_cast<Driver*>(context);
    {
      std::lock_guard lock(driver->mutex_);
      driver->pending_.erase(finished->work);
      if (driver->pending_.empty()) napi_unref_threadsafe_function(env, driver->queue_);
    }
    const Napi::HandleScope scope(env);
    try {
      finished->work->settle(Napi::Env(env), finished->failure);
    } catch (const Napi::Error& error) {
      error.ThrowAsJavaScriptException();
    }
  }

  Napi::Env env_;
  napi_threadsafe_function queue_ = nullptr;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::unordered_set<std::shared_ptr<Work>> pending_;
  int running_ = 0;
};

Driver& driver_of(Napi::Env env) { return *env.GetInstanceData<Driver>(); }

void install_driver(Napi::Env env) {
  auto* driver = new Driver(env);
  env.SetInstanceData<Driver>(driver);
  env.AddCleanupHook([driver] { driver->close(); });
}

void start(Napi::Env env, std::shared_ptr<Work> work) { driver_of(env).start(std::move(work)); }

}  // namespace ionclay::addon
