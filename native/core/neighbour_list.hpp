// SPDX-License-Identifier: MIT
// Full neighbour list with explicit images, by bins in fractional space (dynamics.md 3). Any cell, any mix of periodic directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/core/cell.hpp"
#include "native/core/thread_pool.hpp"

namespace ionclay {

class NeighbourList {
 public:
  struct Entry {
    std::int32_t atom;
    // Index into shifts(): the lattice vector to add to x_j - x_i.
    std::int32_t shift;
  };

  // All (j, n) with |x_j - x_i + n H| < radius, (i, 0) excluded. `positions` may lie anywhere; their wrapping offsets are kept, and
  // internal_positions() gives the coordinates that the entries refer to. A pure function of (positions, cell, radius).
  void build(const double* positions, std::size_t natoms, const Cell& cell, double radius, const Execution& execution);

  std::size_t natoms() const { return offsets_.empty() ? 0 : offsets_.size() - 1; }
  const std::uint64_t* offsets() const { return offsets_.data(); }
  // Entries of an atom are sorted by (j, n1, n2, n3).
  const Entry* entries() const { return entries_.data(); }
  // Index of the mirrored entry (j -> i, -n) of every entry.
  const std::uint32_t* mirrors() const { return mirrors_.data(); }
  std::size_t size() const { return entries_.size(); }

  std::size_t shift_count() const { return static_cast<std::size_t>(span_[0]) * span_[1] * span_[2]; }
  void shift_components(std::size_t shift, int n[3]) const;
  // Cartesian shift vectors for the present cell, three numbers each.
  void shift_vectors(const Cell& cell, std::vector<double>& out) const;

  // Positions minus the wrapping offsets found at the build, for the present cell; returns `positions` itself where all are zero.
  const double* internal_positions(const double* positions, const Cell& cell, std::vector<double>& buffer) const;
  bool wrapped_at_build() const { return any_offset_; }
  // floor(s) of every atom at the build (3N), zero in non-periodic directions.
  const std::vector<std::int32_t>& offsets_in_cells() const { return offset_; }

 private:
  void make_mirrors();

  std::vector<std::uint64_t> offsets_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> mirrors_;
  std::vector<std::int32_t> offset_;
  bool any_offset_ = false;
  // Shifts n_k run over [-reach_k, reach_k]; span = 2 reach + 1.
  int reach_[3] = {0, 0, 0};
  int span_[3] = {1, 1, 1};
};

}  // namespace ionclay
