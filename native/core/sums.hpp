// SPDX-License-Identifier: MIT
// Sums whose order does not depend on threads (dynamics.md 15): fixed chunks, combined by a pairwise tree over the chunk index.
#pragma once

#include <cstddef>
#include <vector>

namespace ionclay {

inline constexpr std::size_t kChunk = 256;

// Pairwise tree over values[0], values[stride], ...: error grows with log n, order depends on n alone.
inline double tree_sum(const double* values, std::size_t n, std::size_t stride = 1) {
  if (n == 0) return 0.0;
  if (n == 1) return values[0];
  const std::size_t half = n / 2;
  return tree_sum(values, half, stride) + tree_sum(values + half * stride, n - half, stride);
}

// Chunks of kChunk summed left to right, then the tree.
inline double ordered_sum(const double* values, std::size_t n) {
  std::vector<double> chunks((n + kChunk - 1) / kChunk);
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    double sum = 0.0;
    const std::size_t end = (c + 1) * kChunk < n ? (c + 1) * kChunk : n;
    for (std::size_t i = c * kChunk; i < end; ++i) sum += values[i];
    chunks[c] = sum;
  }
  return tree_sum(chunks.data(), chunks.size());
}

}  // namespace ionclay
