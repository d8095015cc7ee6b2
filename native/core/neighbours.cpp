// SPDX-License-Identifier: MIT
#include "native/core/neighbours.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "native/core/error.hpp"

namespace ionclay {
namespace {

// Lattice vectors within reach: 215 cells along each axis. More are never physics, and their table would not fit into memory.
constexpr double kMostImages = 1e7;

Bins make_bins(const std::vector<double>& fractional, std::size_t natoms, const Cell& cell, double radius) {
  Bins bins;
  double origin[3];
  double extent[3];
  for (int k = 0; k < 3; ++k) {
    origin[k] = 0.0;
    extent[k] = 1.0;
    if (!cell.periodic[k]) {
      double low = natoms > 0 ? fractional[k] : 0.0;
      double high = low;
      for (std::size_t i = 1; i < natoms; ++i) {
        low = std::min(low, fractional[3 * i + k]);
        high = std::max(high, fractional[3 * i + k]);
      }
      origin[k] = low;
      // A flat system still needs a bin of some size.
      extent[k] = std::max(high - low, radius / cell.widths[k]);
    }
    // Half-radius bins: a 125-bin search looks at 15.6 r^3 instead of 27 r^3 (dynamics.md 3.2).
    const double wanted = std::floor(extent[k] * cell.widths[k] / (0.5 * radius));
    bins.count[k] = static_cast<int>(std::clamp(wanted, 1.0, 512.0));
  }
  // Sparse systems (few atoms far apart) must not cost memory for empty bins.
  while (static_cast<double>(bins.count[0]) * bins.count[1] * bins.count[2] > 4.0 * static_cast<double>(natoms) + 64.0) {
    int* largest = std::max_element(bins.count, bins.count + 3);
    *largest = std::max(1, *largest / 2);
  }
  for (int k = 0; k < 3; ++k) {
    // The bound keeps the conversion defined; the caller refuses such cells.
    bins.range[k] = static_cast<int>(std::min(std::ceil(radius * bins.count[k] / (extent[k] * cell.widths[k])), 1e9));
    if (!cell.periodic[k]) bins.range[k] = std::min(bins.range[k], bins.count[k]);
  }
  const std::size_t total = static_cast<std::size_t>(bins.count[0]) * bins.count[1] * bins.count[2];
  bins.bin.resize(3 * natoms);
  bins.start.assign(total + 1, 0);
  for (std::size_t i = 0; i < natoms; ++i) {
    for (int k = 0; k < 3; ++k) {
      const double u = (fractional[3 * i + k] - origin[k]) / extent[k] * bins.count[k];
      bins.bin[3 * i + k] = std::clamp(static_cast<int>(u), 0, bins.count[k] - 1);
    }
    bins.start[bins.index(bins.bin[3 * i], bins.bin[3 * i + 1], bins.bin[3 * i + 2]) + 1] += 1;
  }
  for (std::size_t b = 0; b < total; ++b) bins.start[b + 1] += bins.start[b];
  bins.atoms.resize(natoms);
  std::vector<std::uint32_t> cursor(bins.start.begin(), bins.start.end() - 1);
  for (std::size_t i = 0; i < natoms; ++i) {
    bins.atoms[cursor[bins.index(bins.bin[3 * i], bins.bin[3 * i + 1], bins.bin[3 * i + 2])]++] = static_cast<std::int32_t>(i);
  }
  return bins;
}

}  // namespace

void Neighbours::prepare(const double* positions, std::size_t natoms, const Cell& cell, double radius, SearchSpace& space) {
  space.fractional = wrap(positions, natoms, cell);
  space.x = internal_positions(positions, cell, space.moved);
  space.bins = make_bins(space.fractional, natoms, cell, radius);
  int reach[3];
  for (int k = 0; k < 3; ++k)
    reach[k] = cell.periodic[k] ? (space.bins.range[k] + space.bins.count[k] - 1) / space.bins.count[k] : 0;
  set_reach(reach);
  shift_vectors(cell, space.shifts);
}

void Neighbours::set_reach(const int reach[3]) {
  double images = 1.0;
  for (int k = 0; k < 3; ++k) images *= 2.0 * reach[k] + 1.0;
  if (images > kMostImages) {
    throw Error("E_CELL_INVALID",
                "the cell is too thin for this cutoff: more than ten million images of it would be within reach");
  }
  for (int k = 0; k < 3; ++k) {
    reach_[k] = reach[k];
    span_[k] = 2 * reach[k] + 1;
  }
}

std::vector<double> Neighbours::wrap(const double* positions, std::size_t natoms, const Cell& cell) {
  if (natoms > 0x7fffffff) throw Error("E_TOO_LARGE", "more than 2147483647 atoms");
  std::vector<double> fractional(3 * natoms);
  offset_.assign(3 * natoms, 0);
  any_offset_ = false;
  for (std::size_t i = 0; i < natoms; ++i) {
    double s[3];
    cell.fractional(positions + 3 * i, s);
    for (int k = 0; k < 3; ++k) {
      if (!(std::fabs(s[k]) < 1e9)) {
        throw Error("NONFINITE_POSITION", "atom " + std::to_string(i) + " has a coordinate that is not a usable number", i);
      }
      if (cell.periodic[k]) {
        const double whole = std::floor(s[k]);
        offset_[3 * i + k] = static_cast<std::int32_t>(whole);
        if (whole != 0.0) any_offset_ = true;
        s[k] -= whole;
      }
      fractional[3 * i + k] = s[k];
    }
  }
  return fractional;
}

void Neighbours::shift_components(std::size_t shift, int n[3]) const {
  n[2] = static_cast<int>(shift % span_[2]) - reach_[2];
  n[1] = static_cast<int>(shift / span_[2] % span_[1]) - reach_[1];
  n[0] = static_cast<int>(shift / (static_cast<std::size_t>(span_[1]) * span_[2])) - reach_[0];
}

void Neighbours::shift_vectors(const Cell& cell, std::vector<double>& out) const {
  out.resize(3 * shift_count());
  int n[3];
  for (std::size_t s = 0; s < shift_count(); ++s) {
    shift_components(s, n);
    cell.lattice_vector(n, &out[3 * s]);
  }
}

const double* Neighbours::internal_positions(const double* positions, const Cell& cell, std::vector<double>& buffer) const {
  if (!any_offset_) return positions;
  const std::size_t n = offset_.size() / 3;
  buffer.resize(3 * n);
  double shift[3];
  for (std::size_t i = 0; i < n; ++i) {
    const int w[3] = {offset_[3 * i], offset_[3 * i + 1], offset_[3 * i + 2]};
    cell.lattice_vector(w, shift);
    for (int k = 0; k < 3; ++k) buffer[3 * i + k] = positions[3 * i + k] - shift[k];
  }
  return buffer.data();
}

}  // namespace ionclay
