// SPDX-License-Identifier: MIT
// What the core can do at most: chains of fused multiply-adds in registers, enough of them to hide the latency. Compiled by bench/peak.mjs with
// the compiler of the system for this very machine; prints GFLOP/s of double and of float, an operation being one multiplication or addition.
#include <chrono>
#include <cstdio>

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif

template <class Real>
struct Vector;
template <>
struct Vector<double> {
  typedef double type __attribute__((vector_size(kBytes)));
};
template <>
struct Vector<float> {
  typedef float type __attribute__((vector_size(kBytes)));
};

// Two pipes, latency four or five: at least ten chains. Twelve fit into sixteen registers.
constexpr int kChains = 12;

template <class Real>
double gigaflops() {
  using V = typename Vector<Real>::type;
  constexpr int kLanes = kBytes / static_cast<int>(sizeof(Real));
  constexpr long kRounds = 20'000'000;
  V chain[kChains];
  for (int c = 0; c < kChains; ++c) chain[c] = V{} + static_cast<Real>(0.001 * (c + 1));
  // Not constants to the compiler: the loop may neither be folded nor left out.
  volatile Real near_one = static_cast<Real>(0.999999), small = static_cast<Real>(1e-6);
  const V a = V{} + near_one, b = V{} + small;
  double best = 0.0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto start = std::chrono::steady_clock::now();
    for (long round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
      for (int c = 0; c < kChains; ++c) chain[c] = chain[c] * a + b;
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double rate = 2.0 * kRounds * kChains * kLanes / seconds * 1e-9;
    best = rate > best ? rate : best;
  }
  Real sum = 0;
  for (int c = 0; c < kChains; ++c) {
    for (int k = 0; k < kLanes; ++k) sum += chain[c][k];
  }
  volatile Real sink = sum;
  (void)sink;
  return best;
}

int main() {
  const double real = gigaflops<double>();
  const double single = gigaflops<float>();
  std::printf("{\"double\": %.2f, \"float\": %.2f, \"vectorBytes\": %d}\n", real, single, kBytes);
}
