// SPDX-License-Identifier: MIT
// Energies, forces and virial of pair terms over a full list. The neighbours of an atom are sorted by type first, so that all
// parameters are constants of the inner loop and every lane of it works on a pair inside the cutoff.
#pragma once

#include "native/potential/pair/view.hpp"
#include "native/simd/erfc.hpp"

namespace ionclay::IONCLAY_ISA {

using pair::BlockTask;
using pair::ModelView;
using pair::Row;
using pair::ScratchView;

struct PairSums {
  VecD energy, fx, fy, fz;
  VecD xx, yy, zz, yz, xz, xy;
};

// Terms of one row over n pairs. The comparisons are written so that a distance that is not a number stays one and is noticed.
template <bool EXPONENTIAL, bool POWER, bool MORSE, bool COULOMB>
inline void add_segment(const Row& row, const double* vectors, std::int64_t stride, int n, PairSums& sums) {
  const VecD zero = broadcast(0.0);
  const VecD one = broadcast(1.0);
  for (int k = 0; k < n; k += kWidth) {
    const VecD dx = load(vectors + k);
    const VecD dy = load(vectors + stride + k);
    const VecD dz = load(vectors + 2 * stride + k);
    const VecD r = sqrt(load(vectors + 3 * stride + k));
    const VecD inverse = one / r;
    VecD energy = zero;
    VecD slope = zero;
    if constexpr (EXPONENTIAL) {
      const VecD e = broadcast(row.A) * exp((broadcast(row.sigma) - r) * broadcast(row.inverse_rho));
      energy += e;
      slope = fnma(e, broadcast(row.inverse_rho), slope);
    }
    if constexpr (POWER) {
      const VecD i2 = inverse * inverse;
      const VecD i6 = i2 * i2 * i2;
      const VecD c12 = broadcast(row.C12) * i6;
      const VecD c8 = broadcast(row.C8) * i2;
      const VecD c6 = broadcast(row.C6);
      energy = fma(i6, c12 - c6 - c8, energy);
      const VecD inner = fma(broadcast(6.0), c6, fma(broadcast(8.0), c8, broadcast(-12.0) * c12));
      slope = fma(i6 * inverse, inner, slope);
    }
    if constexpr (MORSE) {
      const VecD g = exp(broadcast(row.a) * (broadcast(row.r0) - r));
      const VecD dg = broadcast(row.D) * g;
      energy = fma(dg, g - broadcast(2.0), energy);
      slope = fma(dg * broadcast(2.0 * row.a), one - g, slope);
    }
    if constexpr (EXPONENTIAL || POWER || MORSE) {
      const VecD tilt = broadcast(row.tilt);
      const MaskD outside = r >= broadcast(row.cutoff);
      energy = select(outside, zero, fma(tilt, r - broadcast(row.cutoff), energy + broadcast(row.shift)));
      slope = select(outside, zero, slope + tilt);
    }
    if constexpr (COULOMB) {
      const VecD x = broadcast(row.alpha) * r;
      const VecD gauss = exp(zero - x * x);
      const VecD screened = erfc_scaled(x) * gauss * inverse;
      const VecD c1 = broadcast(row.c1);
      const VecD outside_energy = fma(c1, r - broadcast(row.coulomb_cutoff), screened - broadcast(row.c0));
      // 2/sqrt(pi)
      const VecD bell = broadcast(1.1283791670955126 * row.alpha) * gauss;
      const VecD outside_slope = fnma(screened + bell, inverse, c1);
      const VecD kqq = broadcast(row.kqq);
      const MaskD outside = r >= broadcast(row.coulomb_cutoff);
      energy = energy + select(outside, zero, kqq * outside_energy);
      slope = slope + select(outside, zero, kqq * outside_slope);
    }
    const VecD f = slope * inverse;
    sums.energy += energy;
    const VecD gx = f * dx;
    const VecD gy = f * dy;
    const VecD gz = f * dz;
    sums.fx += gx;
    sums.fy += gy;
    sums.fz += gz;
    sums.xx = fma(gx, dx, sums.xx);
    sums.yy = fma(gy, dy, sums.yy);
    sums.zz = fma(gz, dz, sums.zz);
    sums.yz = fma(gy, dz, sums.yz);
    sums.xz = fma(gx, dz, sums.xz);
    sums.xy = fma(gx, dy, sums.xy);
  }
}

template <bool EXPONENTIAL, bool POWER>
inline void add_segment_of(const Row& row, const double* vectors, std::int64_t stride, int n, PairSums& sums) {
  if (row.morse) {
    if (row.coulomb) {
      add_segment<EXPONENTIAL, POWER, true, true>(row, vectors, stride, n, sums);
    } else {
      add_segment<EXPONENTIAL, POWER, true, false>(row, vectors, stride, n, sums);
    }
  } else if (row.coulomb) {
    add_segment<EXPONENTIAL, POWER, false, true>(row, vectors, stride, n, sums);
  } else {
    add_segment<EXPONENTIAL, POWER, false, false>(row, vectors, stride, n, sums);
  }
}

inline void add_row(const Row& row, const double* vectors, std::int64_t stride, int n, PairSums& sums) {
  if (row.exponential) {
    if (row.power) {
      add_segment_of<true, true>(row, vectors, stride, n, sums);
    } else {
      add_segment_of<true, false>(row, vectors, stride, n, sums);
    }
  } else if (row.power) {
    add_segment_of<false, true>(row, vectors, stride, n, sums);
  } else {
    add_segment_of<false, false>(row, vectors, stride, n, sums);
  }
}

// Sorts the listed neighbours of atom i that lie inside the cutoff into the scratch segments of their types.
inline void sort_neighbours(const ModelView& model, const BlockTask& task, const ScratchView& scratch, std::int64_t i) {
  for (int t = 0; t <= model.ntypes; ++t) scratch.counts[t] = 0;
  const double xi = task.positions[3 * i];
  const double yi = task.positions[3 * i + 1];
  const double zi = task.positions[3 * i + 2];
  const std::int64_t stride = scratch.capacity;
  const double cutoff2 = model.cutoff2;
  for (std::uint64_t e = task.list_offsets[i]; e < task.list_offsets[i + 1]; ++e) {
    const std::int32_t j = task.list_entries[2 * e];
    const double* shift = task.shifts + 3 * static_cast<std::int64_t>(task.list_entries[2 * e + 1]);
    const double dx = (task.positions[3 * static_cast<std::int64_t>(j)] - xi) + shift[0];
    const double dy = (task.positions[3 * static_cast<std::int64_t>(j) + 1] - yi) + shift[1];
    const double dz = (task.positions[3 * static_cast<std::int64_t>(j) + 2] - zi) + shift[2];
    const double r2 = dx * dx + dy * dy + dz * dz;
    const int type = task.types[j] < 0 ? model.ntypes : task.types[j];
    double* place = scratch.vectors + 4 * stride * type + scratch.counts[type];
    place[0] = dx;
    place[stride] = dy;
    place[2 * stride] = dz;
    place[3 * stride] = r2;
    // Kept by moving on, without a branch; written so that a distance that is not a number is kept.
    scratch.counts[type] += !(r2 >= cutoff2);
  }
}

inline void pair_block(const ModelView& model, const BlockTask& task, const ScratchView& scratch) {
  const VecD zero = broadcast(0.0);
  PairSums sums;
  sums.xx = sums.yy = sums.zz = sums.yz = sums.xz = sums.xy = zero;
  std::uint64_t inside = 0;
  unsigned collapsed = 0;
  for (std::int64_t i = task.begin; i < task.end; ++i) {
    const int type = task.types[i];
    double* force = task.forces + 3 * i;
    if (type < 0) {
      force[0] = force[1] = force[2] = task.atom_energies[i] = 0.0;
      continue;
    }
    sort_neighbours(model, task, scratch, i);
    sums.energy = sums.fx = sums.fy = sums.fz = zero;
    for (int t = 0; t < model.ntypes; ++t) {
      const int n = scratch.counts[t];
      if (n == 0) continue;
      inside += static_cast<std::uint64_t>(n);
      double* vectors = scratch.vectors + 4 * scratch.capacity * t;
      // Padding lies outside every cutoff and points nowhere.
      for (int k = n; k % kWidth != 0; ++k) {
        vectors[k] = vectors[scratch.capacity + k] = vectors[2 * scratch.capacity + k] = 0.0;
        vectors[3 * scratch.capacity + k] = 4.0 * model.cutoff2;
      }
      const int pair = type * model.ntypes + t;
      const VecD barrier2 = broadcast(model.barriers2[pair]);
      for (int k = 0; k < n; k += kWidth) collapsed |= bits(load(vectors + 3 * scratch.capacity + k) < barrier2);
      for (std::int32_t row = model.first_row[pair]; row < model.first_row[pair + 1]; ++row) {
        add_row(model.rows[row], vectors, scratch.capacity, n, sums);
      }
    }
    // The force on i is u'(r)/r d with d = x_j - x_i; half of each pair's energy is i's.
    force[0] = reduce_add(sums.fx);
    force[1] = reduce_add(sums.fy);
    force[2] = reduce_add(sums.fz);
    task.atom_energies[i] = model.self_energies[type] + 0.5 * reduce_add(sums.energy);
  }
  task.virial[0] = reduce_add(sums.xx);
  task.virial[1] = reduce_add(sums.yy);
  task.virial[2] = reduce_add(sums.zz);
  task.virial[3] = reduce_add(sums.yz);
  task.virial[4] = reduce_add(sums.xz);
  task.virial[5] = reduce_add(sums.xy);
  *task.pairs_inside = inside;
  *task.collapsed = collapsed != 0;
}

}  // namespace ionclay::IONCLAY_ISA
