// SPDX-License-Identifier: MIT
// C = A B for the small matrices of the nets. Each element of C is summed over k in ascending order whatever the tile it falls
// into, so results do not depend on how atoms or neighbours are grouped.
#pragma once

#include "native/simd/vec.hpp"

namespace ionclay::IONCLAY_ISA {

// Rows x vectors of a register tile: accumulators plus one row of B and a broadcast fill the register file.
#if defined(IONCLAY_ISA_AVX512)
inline constexpr int kTileRows = 8;
inline constexpr int kTileVectors = 3;
#elif defined(IONCLAY_ISA_AVX2)
inline constexpr int kTileRows = 4;
inline constexpr int kTileVectors = 3;
#else
inline constexpr int kTileRows = 2;
inline constexpr int kTileVectors = 4;
#endif

template <int ROWS, int VECTORS>
inline void gemm_tile(int depth, const double* a, int lda, const double* b, int ldb, double* c, int ldc) {
  VecD sum[ROWS][VECTORS];
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < VECTORS; ++v) sum[r][v] = broadcast(0.0);
  }
  for (int k = 0; k < depth; ++k) {
    VecD right[VECTORS];
    for (int v = 0; v < VECTORS; ++v) right[v] = load(b + static_cast<std::int64_t>(k) * ldb + v * kWidth);
    for (int r = 0; r < ROWS; ++r) {
      const VecD left = broadcast(a[static_cast<std::int64_t>(r) * lda + k]);
      for (int v = 0; v < VECTORS; ++v) sum[r][v] = fma(left, right[v], sum[r][v]);
    }
  }
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < VECTORS; ++v) store(c + static_cast<std::int64_t>(r) * ldc + v * kWidth, sum[r][v]);
  }
}

template <int VECTORS>
inline void gemm_columns(int rows, int depth, const double* a, int lda, const double* b, int ldb, double* c, int ldc) {
  int r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) {
    gemm_tile<kTileRows, VECTORS>(depth, a + static_cast<std::int64_t>(r) * lda, lda, b, ldb,
                                  c + static_cast<std::int64_t>(r) * ldc, ldc);
  }
  for (; r + 2 <= rows; r += 2) {
    gemm_tile<2, VECTORS>(depth, a + static_cast<std::int64_t>(r) * lda, lda, b, ldb, c + static_cast<std::int64_t>(r) * ldc,
                          ldc);
  }
  for (; r < rows; ++r) {
    gemm_tile<1, VECTORS>(depth, a + static_cast<std::int64_t>(r) * lda, lda, b, ldb, c + static_cast<std::int64_t>(r) * ldc,
                          ldc);
  }
}

// A [rows][depth], B [depth][columns], C [rows][columns]; columns a multiple of kPad.
inline void gemm(int rows, int columns, int depth, const double* a, int lda, const double* b, int ldb, double* c, int ldc) {
  int v = 0;
  const int vectors = columns / kWidth;
  for (; v + kTileVectors <= vectors; v += kTileVectors) {
    gemm_columns<kTileVectors>(rows, depth, a, lda, b + v * kWidth, ldb, c + v * kWidth, ldc);
  }
  for (; v + 2 <= vectors; v += 2) gemm_columns<2>(rows, depth, a, lda, b + v * kWidth, ldb, c + v * kWidth, ldc);
  for (; v < vectors; ++v) gemm_columns<1>(rows, depth, a, lda, b + v * kWidth, ldb, c + v * kWidth, ldc);
}

}  // namespace ionclay::IONCLAY_ISA
