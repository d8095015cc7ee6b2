// SPDX-License-Identifier: MIT
// The process's own worker threads. Never the event loop, never the libuv pool.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace ionclay {

// How a computation runs: with how many threads, and when to give up.
struct Execution {
  int threads = 1;
  // Looked at between blocks; when it becomes true the computation throws Error("ABORTED").
  const std::atomic<bool>* abort = nullptr;

  bool aborted() const { return abort != nullptr && abort->load(std::memory_order_relaxed); }
};

// Runs body(block, lane) for every block in [0, blocks) on the calling thread and up to threads - 1 workers; lane in [0, threads)
// names the scratch memory of the thread. Which thread takes which block is not fixed, so body must write results by block.
// When bodies throw, the exception of the lowest block is rethrown here, after all threads have left.
void parallel_for(std::size_t blocks, const Execution& execution, const std::function<void(std::size_t block, int lane)>& body);

int hardware_threads();

}  // namespace ionclay
