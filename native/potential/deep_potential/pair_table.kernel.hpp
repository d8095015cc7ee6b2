// SPDX-License-Identifier: MIT
// Pair table and the switch between it and the net on the softmin distance (deep-potential.md 1.15).
#pragma once

#include "native/potential/deep_potential/view.hpp"
#include "native/simd/math.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::BlockStatus;
using deep_potential::BlockTask;
using deep_potential::NeighbourArrays;
using deep_potential::PairTableView;

// Table energy of a pair and its slope; false where r lies below the table.
inline bool table_energy(const PairTableView& table, int types, int centre, int neighbour, double r, double& energy,
                         double& slope) {
  energy = 0.0;
  slope = 0.0;
  if (r >= table.cutoff) return true;
  if (r < table.smallest) return false;
  const double place = (r - table.smallest) * table.inverse_step;
  if (place >= table.cells) return true;
  const int cell = static_cast<int>(place);
  const double u = place - cell;
  const double* a = table.coefficients + 4 * ((static_cast<std::int64_t>(centre) * types + neighbour) * table.cells + cell);
  energy = ((a[0] * u + a[1]) * u + a[2]) * u + a[3];
  slope = ((3.0 * a[0] * u + 2.0 * a[1]) * u + a[2]) * table.inverse_step;
  return true;
}

// Mixes the energy of atom `a` of the block with the table: returns lambda and the new energy, and writes the gradient along r of what
// does not come from the net to radial [n]. r: distances of all neighbours within the cutoff of the list.
inline BlockStatus mix_table(const PairTableView& table, const BlockTask& task, int types, int a, const NeighbourArrays& all,
                             double bias, double& energy, double& net_share, double* radial) {
  const std::int32_t* segment = all.segment + static_cast<std::int64_t>(a) * (types + 1);
  double weight = 0.0, weighted = 0.0, sum = 0.0;
  for (int t = 0; t < types; ++t) {
    for (int k = segment[t]; k < segment[t + 1]; ++k) {
      const double r = all.r[k];
      double value, slope;
      if (!table_energy(table, types, task.type, t, r, value, slope)) {
        task.culprits[0] = task.atoms[a];
        task.culprits[1] = task.image_atom[all.image[k]];
        return BlockStatus::below_table;
      }
      sum += 0.5 * value;
      radial[k] = 0.5 * slope;
      if (!(r <= table.softmin_cutoff)) continue;
      const double w = std::exp(-r / table.alpha);
      weight += w;
      weighted += r * w;
    }
  }
  double lambda = 0.0, dlambda = 0.0;
  const double sigma = weight > 0.0 ? weighted / weight : 0.0;
  if (weight > 0.0) {
    const double width = table.to - table.from;
    const double u = (sigma - table.from) / width;
    if (u < 0.0) {
      lambda = 1.0;
    } else if (u < 1.0) {
      const double u2 = u * u;
      lambda = u2 * u * (-6.0 * u2 + 15.0 * u - 10.0) + 1.0;
      dlambda = u2 * (-30.0 * u2 + 60.0 * u - 30.0) / width;
    }
  }
  const double table_part = sum + (table.add_bias ? bias : 0.0);
  const double difference = table_part - energy;
  energy = lambda * table_part + (1.0 - lambda) * energy;
  net_share = 1.0 - lambda;
  for (int k = segment[0]; k < segment[types]; ++k) {
    const double r = all.r[k];
    const double w = r <= table.softmin_cutoff && weight > 0.0 ? std::exp(-r / table.alpha) / weight : 0.0;
    const double dsigma = ((1.0 - r / table.alpha) + sigma / table.alpha) * w;
    radial[k] = lambda * radial[k] + dlambda * dsigma * difference;
  }
  return BlockStatus::ok;
}

}  // namespace ionclay::IONCLAY_ISA
