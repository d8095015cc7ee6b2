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
inline void gemm_tile(int depth, const Real* a, std::int64_t lda, const Real* b, Real* c, std::int64_t ldc, bool add,
                      const char* ahead, int share) {
  constexpr int kL = kLanes<Real>;
  Vec<Real> sum[ROWS][VECTORS];
  for (int r = 0; r < ROWS; ++r) {
    for (int v = 0; v < VECTORS; ++v) sum[r][v] = add ? load(c + r * ldc + v * kL) : splat<Real>(0.0);
  }
  for (int k = 0; k < depth; ++k) {
    prefetch(ahead + static_cast<std::int64_t>(k) * share);
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
  constexpr int kRow = VECTORS * kLanes<Real>;
  for (int k = 0; k < depth; k += kDepth) {
    const int piece = depth - k < kDepth ? depth - k : kDepth;
    const Real* bk = b + static_cast<std::int64_t>(k) * kRow;
    const bool onto = add || k > 0;
    // Weights of all nets do not fit into the second-level cache: while the rows of A pass, each tile fetches its share of the piece
    // that comes next.
    const int tiles = (rows + kTileRows - 1) / kTileRows;
    const int share = static_cast<int>(kRow * sizeof(Real)) / tiles;
    const char* ahead = reinterpret_cast<const char*>(bk + static_cast<std::int64_t>(piece) * kRow);
    int r = 0;
    for (; r + kTileRows <= rows; r += kTileRows, ahead += static_cast<std::int64_t>(piece) * share)
      gemm_tile<kTileRows, VECTORS>(piece, a + r * lda + k, lda, bk, c + r * ldc, ldc, onto, ahead, share);
    for (; r + 2 <= rows; r += 2) gemm_tile<2, VECTORS>(piece, a + r * lda + k, lda, bk, c + r * ldc, ldc, onto, ahead, share);
    for (; r < rows; ++r) gemm_tile<1, VECTORS>(piece, a + r * lda + k, lda, bk, c + r * ldc, ldc, onto, ahead, share);
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
