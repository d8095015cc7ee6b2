// SPDX-License-Identifier: MIT
// Counts of pair distances by class (analysis.md 8.1): the loop behind radial distribution functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/core/cell.hpp"
#include "native/core/thread_pool.hpp"

namespace ionclay {

// Adds to counts[(a * nclasses + b) * bins + k] the number of ordered pairs (i in class a, j in class b, lattice vector n), (i, i, 0)
// excluded, whose distance r has floor(r / bin_width) == k < bins. Every image within bins * bin_width counts, however small the
// cell. `classes` holds one class index an atom, -1 for atoms that do not take part. Exact integers, so the result does not depend
// on the order of the sums or on the number of threads. Throws NONFINITE_POSITION with the atom, or ABORTED.
void pair_histogram(const double* positions, std::size_t natoms, const Cell& cell, const std::int32_t* classes, int nclasses,
                    double bin_width, std::size_t bins, double* counts, const Execution& execution);

}  // namespace ionclay
