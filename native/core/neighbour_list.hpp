// SPDX-License-Identifier: MIT
// Full neighbour list with explicit images, atom by atom, with the mirror of every entry: for potentials that work on pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "native/core/neighbours.hpp"

namespace ionclay {

class NeighbourList final : public Neighbours {
 public:
  struct Entry {
    std::int32_t atom;
    // Index of the lattice vector to add to x_j - x_i.
    std::int32_t shift;
  };

  // Takes no notice of types.
  void build(const double* positions, std::size_t natoms, const std::int32_t* types, const Cell& cell, double radius,
             const Execution& execution) override;

  std::size_t natoms() const { return offsets_.empty() ? 0 : offsets_.size() - 1; }
  const std::uint64_t* offsets() const { return offsets_.data(); }
  // Entries of an atom are sorted by (j, n1, n2, n3).
  const Entry* entries() const { return entries_.data(); }
  // Index of the mirrored entry (j -> i, -n) of every entry.
  const std::uint32_t* mirrors() const { return mirrors_.data(); }
  std::size_t size() const override { return entries_.size(); }

 private:
  void make_mirrors();

  std::vector<std::uint64_t> offsets_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> mirrors_;
};

}  // namespace ionclay
