// SPDX-License-Identifier: MIT
// Embedding by tables of latent columns: G(r) = g(r) V, so that A = (sum_j R_j (x) g(r_j)) V (deep-potential.md 4.4, 4.5). The sweeps over
// neighbours work on q latent columns; V is applied once an atom and type, as a matrix product over the block. Columns are the lanes:
// a neighbour reads (degree + 1) rows of its panel in order, and nothing is summed across lanes on the way forward. The way back reads
// the panel again instead of keeping g and g': panels stay in the cache, the values of a whole block would not.
#pragma once

#include "native/potential/deep_potential/view.hpp"
#include "native/simd/vec.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::DescriptorScratch;
using deep_potential::LatentTableView;

// Panel and place of neighbours [begin, end); panel -1 below the table.
template <class Real>
inline void locate(const LatentTableView<Real>& table, const double* r, int begin, int end, std::int32_t* panel, Real* u) {
  for (int k = begin; k < end; ++k) {
    const double x = (r[k] - table.lower) * table.bins_per_length;
    if (!(x >= 0.0)) {
      panel[k] = -1;
      u[k] = 0;
      continue;
    }
    const int bin = x < table.bins ? static_cast<int>(x) : table.bins - 1;
    // No bin holds more than one edge.
    const std::int32_t first = table.start[bin];
    const std::int32_t p = first + (r[k] >= table.edges[first + 1] ? 1 : 0);
    panel[k] = p;
    u[k] = static_cast<Real>((r[k] - table.edges[p]) * table.inverse_width[p]);
  }
}

// out [4][q] (double) = sum over neighbours [begin, end) of R (x) g, for VECTORS vectors of columns.
template <int VECTORS, int DEGREE>
inline void forward_columns(const LatentTableView<double>& table, const DescriptorScratch<double>& s, int begin, int end,
                            int column, double* out) {
  const int q = table.columns_padded;
  VecD sum[4][VECTORS];
  for (int c = 0; c < 4; ++c) {
    for (int v = 0; v < VECTORS; ++v) sum[c][v] = broadcast(0.0);
  }
  for (int k = begin; k < end; ++k) {
    if (s.panel[k] < 0) continue;
    const double* a = table.coefficients + (static_cast<std::int64_t>(s.panel[k]) * q + column) * (DEGREE + 1);
    const VecD u = broadcast(s.u[k]);
    VecD g[VECTORS];
    for (int v = 0; v < VECTORS; ++v) g[v] = load(a + (v * (DEGREE + 1) + DEGREE) * kWidth);
    for (int power = DEGREE - 1; power >= 0; --power) {
      for (int v = 0; v < VECTORS; ++v) g[v] = fma(g[v], u, load(a + (v * (DEGREE + 1) + power) * kWidth));
    }
    const double* row = s.rows + 4 * static_cast<std::int64_t>(k);
    for (int c = 0; c < 4; ++c) {
      const VecD left = broadcast(row[c]);
      for (int v = 0; v < VECTORS; ++v) sum[c][v] = fma(left, g[v], sum[c][v]);
    }
  }
  for (int c = 0; c < 4; ++c) {
    for (int v = 0; v < VECTORS; ++v) store(out + c * q + column + v * kWidth, sum[c][v]);
  }
}

// The same with float panels: the polynomial in float, the sum over neighbours in double.
template <int VECTORS, int DEGREE>
inline void forward_columns(const LatentTableView<float>& table, const DescriptorScratch<float>& s, int begin, int end,
                            int column, double* out) {
  const int q = table.columns_padded;
  VecD sum[4][2 * VECTORS];
  for (int c = 0; c < 4; ++c) {
    for (int v = 0; v < 2 * VECTORS; ++v) sum[c][v] = broadcast(0.0);
  }
  for (int k = begin; k < end; ++k) {
    if (s.panel[k] < 0) continue;
    const float* a = table.coefficients + (static_cast<std::int64_t>(s.panel[k]) * q + column) * (DEGREE + 1);
    const VecF u = broadcast(s.u[k]);
    VecF g[VECTORS];
    for (int v = 0; v < VECTORS; ++v) g[v] = load(a + (v * (DEGREE + 1) + DEGREE) * kWidthF);
    for (int power = DEGREE - 1; power >= 0; --power) {
      for (int v = 0; v < VECTORS; ++v) g[v] = fma(g[v], u, load(a + (v * (DEGREE + 1) + power) * kWidthF));
    }
    const double* row = s.rows + 4 * static_cast<std::int64_t>(k);
    VecD wide[2 * VECTORS];
    for (int v = 0; v < VECTORS; ++v) {
      wide[2 * v] = low_half(g[v]);
      wide[2 * v + 1] = high_half(g[v]);
    }
    for (int c = 0; c < 4; ++c) {
      const VecD left = broadcast(row[c]);
      for (int v = 0; v < 2 * VECTORS; ++v) sum[c][v] = fma(left, wide[v], sum[c][v]);
    }
  }
  for (int c = 0; c < 4; ++c) {
    for (int v = 0; v < 2 * VECTORS; ++v) store(out + c * q + column + v * kWidth, sum[c][v]);
  }
}

#if defined(IONCLAY_ISA_AVX512) || defined(IONCLAY_ISA_NEON)
template <class Real>
inline constexpr int kSweepVectors = sizeof(Real) == 4 ? 2 : 4;
#else
template <class Real>
inline constexpr int kSweepVectors = sizeof(Real) == 4 ? 1 : 2;
#endif

template <int DEGREE, class Real>
inline void forward(const LatentTableView<Real>& table, const DescriptorScratch<Real>& s, int begin, int end, double* out) {
  constexpr int kL = kLanes<Real>;
  constexpr int kWide = kSweepVectors<Real>;
  const int q = table.columns_padded;
  int column = 0;
  for (; column + kWide * kL <= q; column += kWide * kL) forward_columns<kWide, DEGREE>(table, s, begin, end, column, out);
  if constexpr (kWide > 2) {
    for (; column + 2 * kL <= q; column += 2 * kL) forward_columns<2, DEGREE>(table, s, begin, end, column, out);
  }
  for (; column < q; column += kL) forward_columns<1, DEGREE>(table, s, begin, end, column, out);
}

// For neighbours [begin, end), from h [4][q] = V dE/dA: sums[k] = (along r, dR_1, dR_2, dR_3), where the first is
// dR_0 dR_0/dr + sum_m (R . dE/dA)_m dG_m/dr with dR_0/dr = row_slope[k].
template <int DEGREE, class Real>
inline void backward(const LatentTableView<Real>& table, const DescriptorScratch<Real>& s, int begin, int end, const Real* h,
                     const double* row_slope, double row_scale, double* sums) {
  constexpr int kL = kLanes<Real>;
  const int q = table.columns_padded;
  for (int k = begin; k < end; ++k) {
    if (s.panel[k] < 0) continue;
    const Real* a = table.coefficients + static_cast<std::int64_t>(s.panel[k]) * (DEGREE + 1) * q;
    const Vec<Real> u = broadcast(s.u[k]);
    const Real* row = s.rows_real + 4 * static_cast<std::int64_t>(k);
    const Vec<Real> r0 = broadcast(row[0]), r1 = broadcast(row[1]), r2 = broadcast(row[2]), r3 = broadcast(row[3]);
    Vec<Real> s0 = splat<Real>(0.0), s1 = s0, s2 = s0, s3 = s0, along = s0;
    for (int m = 0; m < q; m += kL, a += (DEGREE + 1) * kL) {
      Vec<Real> slope = load(a + DEGREE * kL);
      Vec<Real> value = fma(slope, u, load(a + (DEGREE - 1) * kL));
      for (int power = DEGREE - 2; power >= 0; --power) {
        slope = fma(slope, u, value);
        value = fma(value, u, load(a + power * kL));
      }
      const Vec<Real> h0 = load(h + m), h1 = load(h + q + m), h2 = load(h + 2 * q + m), h3 = load(h + 3 * q + m);
      s0 = fma(h0, value, s0);
      s1 = fma(h1, value, s1);
      s2 = fma(h2, value, s2);
      s3 = fma(h3, value, s3);
      along = fma(fma(r3, h3, fma(r2, h2, fma(r1, h1, r0 * h0))), slope, along);
    }
    const Vec<Real> radial = fma(s0, splat<Real>(row_slope[k] * row_scale), along * splat<Real>(table.inverse_width[s.panel[k]]));
    reduce_add4(radial, s1, s2, s3, sums + 4 * static_cast<std::int64_t>(k));
  }
}

}  // namespace ionclay::IONCLAY_ISA
