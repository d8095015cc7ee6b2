// SPDX-License-Identifier: MIT
// What every potential offers on the native side. Parameters are immutable and shared; scratch memory belongs to an evaluator.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "native/core/cell.hpp"
#include "native/core/neighbours.hpp"
#include "native/core/thread_pool.hpp"

namespace ionclay {

enum class SelOverflow { truncate = 0, grow = 1, stop = 2 };

// One configuration. `positions` are those that the list's lattice vectors refer to.
struct Configuration {
  std::size_t natoms = 0;
  const double* positions = nullptr;
  // Type of every atom; -1 = virtual atom, neither centre nor neighbour.
  const std::int32_t* types = nullptr;
  const Cell* cell = nullptr;
  // Made by the potential (make_neighbours), or by another of the same kind.
  const Neighbours* list = nullptr;
  // Cartesian lattice vectors of the list's shifts, 3 each, for the present cell.
  const double* shifts = nullptr;
  SelOverflow overflow_rule = SelOverflow::truncate;
  // Frame parameters, and atom parameters atom by atom, as the caller gave them (deep-potential.md 1.8); null where there are none.
  const double* fparam = nullptr;
  std::size_t fparam_count = 0;
  const double* aparam = nullptr;
  std::size_t aparam_count = 0;  // per atom
};

// Caller's arrays, overwritten. virial: 9, W_ab = sum over neighbours of r_a f_b (deep-potential.md 1.9).
struct Results {
  double* forces = nullptr;
  double* atom_energies = nullptr;
  double* virial = nullptr;
  double energy = 0.0;
  std::uint64_t pairs_inside = 0;
  // Seconds of the last evaluation, summed over threads: list, environment, embedding, descriptor, fitting, forces (for benchmarks).
  double seconds[6] = {0, 0, 0, 0, 0, 0};
  // Per descriptor and type t: largest number of neighbours beyond sel[t] (2t) and how many atoms had any (2t + 1); entry 0 where a
  // descriptor has one group of slots for all types.
  std::vector<std::int32_t> overflow;
};

class Workspace {
 public:
  virtual ~Workspace() = default;
};

class Potential {
 public:
  virtual ~Potential() = default;
  virtual double cutoff() const = 0;
  virtual int ntypes() const = 0;
  // How many frame parameters, and atom parameters an atom, the potential needs.
  virtual std::size_t fparam_count() const { return 0; }
  virtual std::size_t aparam_count() const { return 0; }
  // An empty list of the kind that the potential works on.
  virtual std::unique_ptr<Neighbours> make_neighbours() const = 0;
  virtual std::unique_ptr<Workspace> make_workspace() const = 0;
  // Bits of the results do not depend on execution.threads. Throws Error.
  virtual void compute(const Configuration& configuration, Workspace& workspace, Results& results,
                       const Execution& execution) const = 0;
  // All members of a committee, of which this one is the first; its results are those of `compute` to the last bit. An Error that comes
  // from a later member names it in its details. Potentials that can do several at once for less do so.
  virtual void compute_members(const std::vector<std::shared_ptr<const Potential>>& members, const Configuration& configuration,
                               const std::vector<std::unique_ptr<Workspace>>& workspaces, std::vector<Results>& results,
                               const Execution& execution) const;
};

}  // namespace ionclay
