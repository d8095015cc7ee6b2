// SPDX-License-Identifier: MIT
// Contraction of environment rows with G by the nets themselves, the descriptor D = A^T A, and their gradients (deep-potential.md
// 1.7, 1.9).
#pragma once

#include "native/potential/deep_potential/embedding.kernel.hpp"

namespace ionclay::IONCLAY_ISA {

// Double lanes of one vector of nets: one for double, two for float.
inline void widen(VecD g, VecD* out) { out[0] = g; }
inline void widen(VecF g, VecD* out) {
  out[0] = low_half(g);
  out[1] = high_half(g);
}
inline VecD narrowed(const VecD* in, double) { return in[0]; }
inline VecF narrowed(const VecD* in, float) { return narrow(in[0], in[1]); }

// A += sum of R (x) G over entries [begin, end) of the net list, one vector of columns at a time; summed in double.
template <class Real>
inline void contract_net(const DescriptorScratch<Real>& s, int stride, int begin, int end, Real* a) {
  constexpr int kL = kLanes<Real>;
  constexpr int kParts = kL / kWidth;
  if (begin == end) return;
  for (int m = 0; m < stride; m += kL) {
    VecD sum[4][kParts];
    for (int c = 0; c < 4; ++c) widen(load(a + c * stride + m), sum[c]);
    for (int k = begin; k < end; ++k) {
      const double* row = s.rows + 4 * static_cast<std::int64_t>(s.net_index[k]);
      VecD right[kParts];
      widen(load(s.embedding + static_cast<std::int64_t>(k) * stride + m), right);
      for (int c = 0; c < 4; ++c) {
        const VecD left = broadcast(row[c]);
        for (int p = 0; p < kParts; ++p) sum[c][p] = fma(left, right[p], sum[c][p]);
      }
    }
    for (int c = 0; c < 4; ++c) store(a + c * stride + m, narrowed(sum[c], Real()));
  }
}

// A += times * constant [4][stride] (empty slots).
template <class Real>
inline void add_constant(const double* constant, double times, int stride, Real* a) {
  for (int m = 0; m < 4 * stride; ++m) a[m] = static_cast<Real>(static_cast<double>(a[m]) + times * constant[m]);
}

// D_ab = sum_c A_ca A_cb of one atom, row b from column row_start[b] on (D is symmetric in its first M2 columns).
template <class Real>
inline void descriptor(const DescriptorView<Real>& view, const Real* a, Real* out) {
  constexpr int kL = kLanes<Real>;
  const int stride = view.width_padded;
  if (view.radial) {
    for (int m = 0; m < stride; m += kL) store(out + m, load(a + m));
    return;
  }
  for (int b = 0; b < view.axis; ++b) {
    const Vec<Real> r0 = broadcast(a[b]), r1 = broadcast(a[stride + b]), r2 = broadcast(a[2 * stride + b]),
                    r3 = broadcast(a[3 * stride + b]);
    Real* row = out + view.row_offset[b] - view.row_start[b];
    for (int m = view.row_start[b]; m < stride; m += kL) {
      const Vec<Real> sum =
          fma(load(a + 3 * stride + m), r3, fma(load(a + 2 * stride + m), r2, fma(load(a + stride + m), r1, load(a + m) * r0)));
      store(row + m, sum);
    }
  }
}

// dE/dA_ca = factor (sum_b gD_ab A_cb [+ sum_a' gD_a'a A_ca' for a < M2]).
template <class Real>
inline void descriptor_backward(const DescriptorView<Real>& view, const Real* a, const Real* gd, double factor, Real* da) {
  constexpr int kL = kLanes<Real>;
  const int stride = view.width_padded;
  const Vec<Real> scale = splat<Real>(factor);
  if (view.radial) {
    for (int m = 0; m < stride; m += kL) store(da + m, load(gd + m) * scale);
    for (int m = stride; m < 4 * stride; m += kL) store(da + m, splat<Real>(0.0));
    return;
  }
  for (int m = 0; m < 4 * stride; m += kL) store(da + m, splat<Real>(0.0));
  for (int b = 0; b < view.axis; ++b) {
    const Vec<Real> r0 = broadcast(a[b]), r1 = broadcast(a[stride + b]), r2 = broadcast(a[2 * stride + b]),
                    r3 = broadcast(a[3 * stride + b]);
    Vec<Real> s0 = splat<Real>(0.0), s1 = s0, s2 = s0, s3 = s0;
    const Real* row = gd + view.row_offset[b] - view.row_start[b];
    for (int m = view.row_start[b]; m < stride; m += kL) {
      const Vec<Real> g = load(row + m) * scale;
      store(da + m, fma(g, r0, load(da + m)));
      store(da + stride + m, fma(g, r1, load(da + stride + m)));
      store(da + 2 * stride + m, fma(g, r2, load(da + 2 * stride + m)));
      store(da + 3 * stride + m, fma(g, r3, load(da + 3 * stride + m)));
      s0 = fma(g, load(a + m), s0);
      s1 = fma(g, load(a + stride + m), s1);
      s2 = fma(g, load(a + 2 * stride + m), s2);
      s3 = fma(g, load(a + 3 * stride + m), s3);
    }
    double sums[4];
    reduce_add4(s0, s1, s2, s3, sums);
    for (int c = 0; c < 4; ++c) da[c * stride + b] += static_cast<Real>(sums[c]);
  }
}

// As `backward` of table.kernel.hpp, for entries [begin, end) of the net list and the full width.
template <class Real>
inline void net_backward(const DescriptorScratch<Real>& s, int stride, int begin, int end, const Real* da,
                         const double* row_slope, double row_scale, double* sums) {
  constexpr int kL = kLanes<Real>;
  for (int entry = begin; entry < end; ++entry) {
    const std::int64_t k = s.net_index[entry];
    const Real* g = s.embedding + static_cast<std::int64_t>(entry) * stride;
    const Real* dg = s.slope + static_cast<std::int64_t>(entry) * stride;
    const Real* row = s.rows_real + 4 * k;
    const Vec<Real> r0 = broadcast(row[0]), r1 = broadcast(row[1]), r2 = broadcast(row[2]), r3 = broadcast(row[3]);
    Vec<Real> s0 = splat<Real>(0.0), s1 = s0, s2 = s0, s3 = s0, along = s0;
    for (int m = 0; m < stride; m += kL) {
      const Vec<Real> value = load(g + m);
      const Vec<Real> d0 = load(da + m), d1 = load(da + stride + m), d2 = load(da + 2 * stride + m),
                      d3 = load(da + 3 * stride + m);
      s0 = fma(d0, value, s0);
      s1 = fma(d1, value, s1);
      s2 = fma(d2, value, s2);
      s3 = fma(d3, value, s3);
      along = fma(fma(r3, d3, fma(r2, d2, fma(r1, d1, r0 * d0))), load(dg + m), along);
    }
    reduce_add4(fma(s0, splat<Real>(row_slope[k] * row_scale), along), s1, s2, s3, sums + 4 * k);
  }
}

}  // namespace ionclay::IONCLAY_ISA
