// SPDX-License-Identifier: MIT
// C = A B for the small matrices of the nets. B is packed at load into strips of kStrip columns, each [depth][columns of the strip]
// without gaps, so that the inner loop reads memory in order; the last strip may be narrower. Strips are walked in pieces of kDepth
// rows that stay in the first-level cache while all rows of A pass. Each element of C is summed over k in ascending order whatever
// the tile it falls into, so results do not depend on how atoms or neighbours are grouped.
#pragma once

#include "native/simd/vec.hpp"

namespace ionclay::IONCLAY_ISA {

// Rows x vectors of a register tile: accumulators plus one row of B and a broadcast fill the register file.
#if defined(IONCLAY_ISA_AVX512)
inline constexpr int kTileRows = 8;
inline constexpr int kTileVectors = 3;
inline constexpr int kDepth = 112;
#elif defined(IONCLAY_ISA_AVX2)
inline constexpr int kTileRows = 4;
inline constexpr int kTileVectors = 3;
inline constexpr int kDepth = 192;
#elif defined(IONCLAY_ISA_NEON)
inline constexpr int kTileRows = 4;
inline constexpr int kTileVectors = 4;
inline constexpr int kDepth = 256;
#else
inline constexpr int kTileRows = 2;
inline constexpr int kTileVectors = 4;
inline constexpr int kDepth = 256;
#endif

template <class Real>
inline constexpr int kStrip = kTileVectors * kLanes<Real>;

template <int ROWS, int VECTORS, class Real>
inline void gemm_tile(int depth, const Real* a, std::int64_t lda, const Real* b, Real* c, std::int64_t ldc, bool add) {
  constexpr int kL = kLanes<Real>;
  Vec<Real> sum[ROWS][VECTORS];
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < VECTORS; ++v) sum[r][v] = add ? load(c + r * ldc + v * kL) : splat<Real>(0.0);
  }
  for (int k = 0; k < depth; ++k) {
    Vec<Real> right[VECTORS];
    for (int v = 0; v < VECTORS; ++v) right[v] = load(b + static_cast<std::int64_t>(k) * (VECTORS * kL) + v * kL);
    for (int r = 0; r < ROWS; ++r) {
      const Vec<Real> left = broadcast(a[r * lda + k]);
      for (int v = 0; v < VECTORS; ++v) sum[r][v] = fma(left, right[v], sum[r][v]);
    }
  }
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < VECTORS; ++v) store(c + r * ldc + v * kL, sum[r][v]);
  }
}

template <int VECTORS, class Real>
inline void gemm_strip(int rows, int depth, const Real* a, std::int64_t lda, const Real* b, Real* c, std::int64_t ldc, bool add) {
  for (int k = 0; k < depth; k += kDepth) {
    const int piece = depth - k < kDepth ? depth - k : kDepth;
    const Real* bk = b + static_cast<std::int64_t>(k) * (VECTORS * kLanes<Real>);
    const bool onto = add || k > 0;
    int r = 0;
    for (; r + kTileRows <= rows; r += kTileRows)
      gemm_tile<kTileRows, VECTORS>(piece, a + r * lda + k, lda, bk, c + r * ldc, ldc, onto);
    for (; r + 2 <= rows; r += 2) gemm_tile<2, VECTORS>(piece, a + r * lda + k, lda, bk, c + r * ldc, ldc, onto);
    for (; r < rows; ++r) gemm_tile<1, VECTORS>(piece, a + r * lda + k, lda, bk, c + r * ldc, ldc, onto);
  }
}

// A [rows][depth], packed B [depth][columns], C [rows][columns]; columns whole vectors. `add`: onto what C holds.
template <class Real>
inline void gemm(int rows, int columns, int depth, const Real* a, std::int64_t lda, const Real* b, Real* c, std::int64_t ldc,
                 bool add = false) {
  constexpr int kL = kLanes<Real>;
  const int vectors = columns / kL;
  for (int v = 0; v < vectors; v += kTileVectors) {
    const Real* strip = b + static_cast<std::int64_t>(v) * kL * depth;
    Real* out = c + v * kL;
    switch (vectors - v) {
      case 1: gemm_strip<1>(rows, depth, a, lda, strip, out, ldc, add); break;
      case 2: gemm_strip<2>(rows, depth, a, lda, strip, out, ldc, add); break;
      default:
        if constexpr (kTileVectors == 4) {
          if (vectors - v == 3) {
            gemm_strip<3>(rows, depth, a, lda, strip, out, ldc, add);
            break;
          }
        }
        gemm_strip<kTileVectors>(rows, depth, a, lda, strip, out, ldc, add);
    }
  }
}

}  // namespace ionclay::IONCLAY_ISA
