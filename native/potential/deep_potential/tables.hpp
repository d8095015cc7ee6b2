// SPDX-License-Identifier: MIT
// Tables that stand for an embedding net: G(r) = g(r) V with few latent columns (deep-potential.md 4.4 to 4.6).
#pragma once

#include <functional>
#include <optional>

#include "native/potential/deep_potential/parameters.hpp"

namespace ionclay::deep_potential {

// G and dG/dr at n distances, [n][stride].
using PairFunction = std::function<void(const double* r, int n, double* g, double* dg)>;

struct TableTask {
  double lower, middle, upper;  // A; the second derivative jumps at `middle` (start of the switch)
  int width, stride;            // M, and numbers a row of PairFunction
  // Weight with which G enters forces at a distance: |R_0| + |angular row|.
  std::function<double(double r)> weight;
  // Error of weight dG/dr that may be left, relative to its root mean square (r^2 weighted) or, where the net is steep, to a third of itself.
  double tolerance;
  std::size_t number_bytes;  // of a stored number, for the choice of the degree
  int neighbours;            // types a centre has: so many tables share the cache
};

// The table, or nothing where none of reasonable size is good enough (nets with kinks). A pure function of its arguments: plain loops,
// the same bits on every machine with IEEE arithmetic.
std::optional<DeepPotentialParameters::LatentTable> make_table(const TableTask& task, const PairFunction& pair);

}  // namespace ionclay::deep_potential
