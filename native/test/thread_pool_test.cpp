// SPDX-License-Identifier: MIT
// The thread pool: every block once, one thread a lane, errors and aborts that leave it usable. Meant to be run under ThreadSanitizer too.
#include "native/core/thread_pool.hpp"

#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "native/core/error.hpp"
#include "native/test/check.hpp"

namespace {

using ionclay::Error;
using ionclay::Execution;
using ionclay::parallel_for;

void every_block_once() {
  for (const int threads : {1, 2, 3, 8}) {
    for (const std::size_t blocks : {0u, 1u, 2u, 7u, 1000u}) {
      std::vector<std::atomic<int>> seen(blocks);
      std::vector<std::atomic<int>> busy(threads);
      std::atomic<bool> shared_lane{false};
      parallel_for(blocks, Execution{threads, nullptr}, [&](std::size_t block, int lane) {
        // Scratch memory belongs to a lane: two threads must never be in one at once.
        if (lane < 0 || lane >= threads || busy[lane].fetch_add(1) != 0) shared_lane = true;
        seen[block] += 1;
        busy[lane] -= 1;
      });
      bool once = true;
      for (const auto& count : seen) once = once && count == 1;
      CHECK(once);
      CHECK(!shared_lane);
    }
  }
}

// Plain memory written by workers must be visible to the caller afterwards.
void results_are_visible() {
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<int> squares(97, -1);
    parallel_for(squares.size(), Execution{4, nullptr},
                 [&](std::size_t block, int) { squares[block] = static_cast<int>(block * block); });
    bool right = true;
    for (std::size_t i = 0; i < squares.size(); ++i) right = right && squares[i] == static_cast<int>(i * i);
    CHECK(right);
  }
}

void an_exception_comes_back_once() {
  for (const int threads : {1, 4}) {
    std::atomic<int> inside{0};
    std::string message;
    try {
      parallel_for(500, Execution{threads, nullptr}, [&](std::size_t block, int) {
        inside += 1;
        if (block == 37) {
          inside -= 1;
          throw Error("TEST", "block 37", 37);
        }
        inside -= 1;
      });
    } catch (const Error& error) {
      message = error.message;
    }
    CHECK(message == "block 37");
    // All threads have left before the caller goes on: its stack may go away now.
    CHECK(inside == 0);
  }
  // Every block fails: the lowest one's exception is kept, whichever thread was first.
  for (int repeat = 0; repeat < 100; ++repeat) {
    std::string lowest;
    try {
      parallel_for(64, Execution{8, nullptr}, [&](std::size_t block, int) {
        if (block >= 5) throw Error("TEST", "block " + std::to_string(block));
      });
    } catch (const Error& error) {
      lowest = error.message;
    }
    CHECK(lowest == "block 5");
  }
  int sum = 0;
  parallel_for(10, Execution{1, nullptr}, [&](std::size_t block, int) { sum += static_cast<int>(block); });
  CHECK(sum == 45);
}

void an_abort_stops_early() {
  for (const int threads : {1, 4}) {
    std::atomic<bool> abort{false};
    std::atomic<int> done{0};
    std::string code;
    try {
      parallel_for(100000, Execution{threads, &abort}, [&](std::size_t, int) {
        if (done.fetch_add(1) == 50) abort = true;
      });
    } catch (const Error& error) {
      code = error.code;
    }
    CHECK(code == "ABORTED");
    // Each thread may finish the block that it is in, and one that it took before it saw the flag.
    CHECK(done.load() <= 51 + 2 * threads);
  }
}

// Several callers at a time (worker threads of one process), and a call from inside a call.
void callers_share_the_pool() {
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&right, caller] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::atomic<long> sum{0};
        parallel_for(64, Execution{3, nullptr}, [&](std::size_t block, int) { sum += static_cast<long>(block) + caller; });
        if (sum == 64 * 63 / 2 + 64 * caller) right += 1;
      }
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(right == 200);

  std::atomic<int> inner{0};
  parallel_for(8, Execution{4, nullptr},
               [&](std::size_t, int) { parallel_for(8, Execution{4, nullptr}, [&](std::size_t, int) { inner += 1; }); });
  CHECK(inner == 64);
}

void a_thousand_threads() {
  std::atomic<int> done{0};
  parallel_for(5000, Execution{1024, nullptr}, [&](std::size_t, int) { done += 1; });
  CHECK(done == 5000);
  done = 0;
  for (int repeat = 0; repeat < 100; ++repeat) parallel_for(4, Execution{2, nullptr}, [&](std::size_t, int) { done += 1; });
  CHECK(done == 400);
}

}  // namespace

int main() {
  every_block_once();
  results_are_visible();
  an_exception_comes_back_once();
  an_abort_stops_early();
  callers_share_the_pool();
  a_thousand_threads();
  CHECK(ionclay::hardware_threads() >= 1);
  return ionclay::test::finish("thread_pool_test");
}
