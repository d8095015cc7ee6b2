// SPDX-License-Identifier: MIT
// Runs long work on threads of our own and settles a promise on the event loop (three phases: copy in, run, copy out).
#pragma once

#include "native/addon/napi.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace ionclay::addon {

class Driver;

// One piece of work. `run` touches only native memory; `settle` runs on the event loop afterwards, also after a failure.
struct Work {
  std::function<void()> run;
  std::function<void(Napi::Env, const std::exception_ptr&)> settle;
  std::atomic<bool>* abort = nullptr;
};

// One per environment (main thread or worker thread). At the end of the environment pending work is aborted and waited for: the
// process or worker may exit in the middle of a computation.
Driver& driver_of(Napi::Env env);
void install_driver(Napi::Env env);
void start(Napi::Env env, std::shared_ptr<Work> work);

}  // namespace ionclay::addon
