// SPDX-License-Identifier: MIT
// Switch, environment rows and the radial factors of their gradient (deep-potential.md 1.3, 1.5, 1.9).
#pragma once

#include "native/potential/deep_potential/neighbours.kernel.hpp"

namespace ionclay::IONCLAY_ISA {

// w(r) and w'(r).
template <class Real>
inline VecD switching(const DescriptorView<Real>& descriptor, VecD r, VecD& slope) {
  const VecD one = broadcast(1.0);
  const VecD smooth = broadcast(descriptor.smooth);
  const VecD inverse = broadcast(descriptor.inverse_switch_width);
  const VecD u = (r - smooth) * inverse;
  const VecD u2 = u * u;
  const MaskD inner = r < smooth;
  const MaskD outer = r >= broadcast(descriptor.cutoff);
  const VecD middle = fma(u2 * u, fma(u, fnma(broadcast(6.0), u, broadcast(15.0)), broadcast(-10.0)), one);
  const VecD middle_slope = u2 * fma(u, fnma(broadcast(30.0), u, broadcast(60.0)), broadcast(-30.0)) * inverse;
  slope = select(inner | outer, broadcast(0.0), middle_slope);
  return select(outer, broadcast(0.0), select(inner, one, middle));
}

// Rows R [n][4], s, and c1 = d(w/q)/dr, c2 = d(w/q^2)/dr, c3 = w/q^2; r^2 becomes r. Arrays hold whole vectors.
template <class Real>
inline void environment(const DescriptorView<Real>& descriptor, int centre_type, std::int64_t capacity,
                        DescriptorScratch<Real>& scratch) {
  const VecD one = broadcast(1.0);
  const VecD protection = broadcast(descriptor.protection);
  const std::int64_t statistics = static_cast<std::int64_t>(centre_type) * (descriptor.per_slot ? descriptor.slots_total : 1);
  const int n = scratch.neighbours.count;
  double raw[4][kWidth];
  for (int first = 0; first < n; first += kWidth) {
    const int lanes = n - first < kWidth ? n - first : kWidth;
    const VecD r = sqrt(load(scratch.neighbours.r + first));
    VecD dw;
    const VecD w = switching(descriptor, r, dw);
    const VecD iq = one / (r + protection);
    const VecD iq2 = iq * iq;
    const VecD c3 = w * iq2;
    store(scratch.neighbours.r + first, r);
    store(scratch.chain + first, fnma(w, iq2, dw * iq));
    store(scratch.chain + capacity + first, fnma(broadcast(2.0) * c3, iq, dw * iq2));
    store(scratch.chain + 2 * capacity + first, c3);
    store(raw[0], w * iq);
    store(raw[1], c3 * load(scratch.neighbours.x + first));
    store(raw[2], c3 * load(scratch.neighbours.y + first));
    store(raw[3], c3 * load(scratch.neighbours.z + first));
    for (int lane = 0; lane < lanes; ++lane) {
      const std::int64_t place = 4 * (statistics + (descriptor.per_slot ? scratch.slot[first + lane] : 0));
      const double* mean = descriptor.davg + place;
      const double* inverse = descriptor.inverse_dstd + place;
      double* out = scratch.rows + 4 * static_cast<std::int64_t>(first + lane);
      scratch.scalar[first + lane] = (raw[0][lane] - mean[0]) * inverse[0];
      if (descriptor.radial) {
        out[0] = 1.0;
        out[1] = out[2] = out[3] = 0.0;
      } else {
        out[0] = scratch.scalar[first + lane];
        for (int c = 1; c < 4; ++c) out[c] = (raw[c][lane] - mean[c]) * inverse[c];
      }
    }
  }
  if constexpr (sizeof(Real) != sizeof(double)) {
    for (std::int64_t k = 0; k < 4 * static_cast<std::int64_t>(n); ++k) scratch.rows_real[k] = static_cast<Real>(scratch.rows[k]);
  }
}

// Rows and s from c3 = w/q^2 and the positions, for a model whose geometry is that of another one but whose statistics are not.
template <class Real>
inline void normalise(const DescriptorView<Real>& descriptor, int centre_type, std::int64_t capacity,
                      DescriptorScratch<Real>& scratch) {
  const double* mean = descriptor.davg + 4 * static_cast<std::int64_t>(centre_type);
  const double* inverse = descriptor.inverse_dstd + 4 * static_cast<std::int64_t>(centre_type);
  for (int k = 0; k < scratch.neighbours.count; ++k) {
    const double c3 = scratch.chain[2 * capacity + k];
    double* out = scratch.rows + 4 * static_cast<std::int64_t>(k);
    scratch.scalar[k] = (c3 * (scratch.neighbours.r[k] + descriptor.protection) - mean[0]) * inverse[0];
    out[0] = descriptor.radial ? 1.0 : scratch.scalar[k];
    out[1] = descriptor.radial ? 0.0 : (c3 * scratch.neighbours.x[k] - mean[1]) * inverse[1];
    out[2] = descriptor.radial ? 0.0 : (c3 * scratch.neighbours.y[k] - mean[2]) * inverse[2];
    out[3] = descriptor.radial ? 0.0 : (c3 * scratch.neighbours.z[k] - mean[3]) * inverse[3];
    if constexpr (sizeof(Real) != sizeof(double)) {
      for (int c = 0; c < 4; ++c) scratch.rows_real[4 * static_cast<std::int64_t>(k) + c] = static_cast<Real>(out[c]);
    }
  }
}

}  // namespace ionclay::IONCLAY_ISA
