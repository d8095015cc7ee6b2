// SPDX-License-Identifier: MIT
// What neighbour lists have in common: atoms wrapped into the cell, bins in fractional space (dynamics.md 3.2), and lattice vectors by
// index. A list is a pure function of positions, types, cell and radius.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/core/cell.hpp"
#include "native/core/thread_pool.hpp"

namespace ionclay {

// Atoms sorted into bins by counting sort: bin order, then index order, so that the list is a pure function of its inputs.
struct Bins {
  int count[3];
  int range[3];
  std::vector<std::int32_t> bin;     // 3 per atom
  std::vector<std::uint32_t> start;  // bins + 1
  std::vector<std::int32_t> atoms;

  std::size_t index(int a, int b, int c) const { return (static_cast<std::size_t>(a) * count[1] + b) * count[2] + c; }
};

class Neighbours {
 public:
  virtual ~Neighbours() = default;

  // All (j, n) with |x_j - x_i + n H| < radius, (i, 0) excluded. `positions` may lie anywhere; their wrapping offsets are kept, and
  // internal_positions() gives the coordinates that the lattice vectors refer to. types: -1 = virtual atom.
  virtual void build(const double* positions, std::size_t natoms, const std::int32_t* types, const Cell& cell, double radius,
                     const Execution& execution) = 0;
  // Pairs (i, j, n) of the full list.
  virtual std::size_t size() const = 0;

  std::size_t shift_count() const { return static_cast<std::size_t>(span_[0]) * span_[1] * span_[2]; }
  void shift_components(std::size_t shift, int n[3]) const;
  std::int32_t shift_index(int a, int b, int c) const {
    return static_cast<std::int32_t>(((a + reach_[0]) * static_cast<std::int64_t>(span_[1]) + (b + reach_[1])) * span_[2] +
                                     (c + reach_[2]));
  }
  // Cartesian shift vectors for the present cell, three numbers each.
  void shift_vectors(const Cell& cell, std::vector<double>& out) const;

  // Positions minus the wrapping offsets found at the build, for the present cell; returns `positions` itself where all are zero.
  const double* internal_positions(const double* positions, const Cell& cell, std::vector<double>& buffer) const;
  bool wrapped_at_build() const { return any_offset_; }
  // floor(s) of every atom at the build (3N), zero in non-periodic directions.
  const std::vector<std::int32_t>& offsets_in_cells() const { return offset_; }

 protected:
  // What a search over bins needs: coordinates in [0, 1) along periodic directions, the positions they belong to (x points into `moved` or
  // at what was given), bins, and the lattice vectors that the bins can meet.
  struct SearchSpace {
    std::vector<double> fractional, moved, shifts;
    const double* x = nullptr;
    Bins bins;
  };
  // Wraps the atoms, keeping what was taken off, and fixes the numbering of lattice vectors. Throws NONFINITE_POSITION, and E_CELL_INVALID
  // where more lattice vectors lie within reach than can be counted.
  void prepare(const double* positions, std::size_t natoms, const Cell& cell, double radius, SearchSpace& space);

 private:
  std::vector<double> wrap(const double* positions, std::size_t natoms, const Cell& cell);
  void set_reach(const int reach[3]);

  std::vector<std::int32_t> offset_;
  bool any_offset_ = false;
  // Shifts n_k run over [-reach_k, reach_k]; span = 2 reach + 1.
  int reach_[3] = {0, 0, 0};
  int span_[3] = {1, 1, 1};
};

inline int floor_div(int a, int m) { return a >= 0 ? a / m : -((m - 1 - a) / m); }

}  // namespace ionclay
