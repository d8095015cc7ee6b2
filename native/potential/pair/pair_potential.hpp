// SPDX-License-Identifier: MIT
// Pair terms with damped-shifted-force Coulomb (coulomb.md 2-5, 12) behind the Potential interface.
#pragma once

#include <string>
#include <vector>

#include "native/potential/pair/view.hpp"
#include "native/potential/potential.hpp"
#include "native/simd/isa.hpp"

namespace ionclay {

class PairPotential final : public Potential {
 public:
  struct Parameters {
    // Symbols by type, for messages.
    std::vector<std::string> species;
    double cutoff = 0.0;
    std::vector<pair::Row> rows;
    std::vector<std::int32_t> first_row;
    std::vector<double> self_energies;
    // r_b by type pair, 0 where there is none or where nothing is to be done about it.
    std::vector<double> barriers;
  };

  // Throws PAIR_PARAMETERS where the sizes do not fit each other (a fault of the caller, not of the user).
  PairPotential(Parameters parameters, Isa isa);

  double cutoff() const override { return parameters_.cutoff; }
  int ntypes() const override { return static_cast<int>(parameters_.species.size()); }
  std::unique_ptr<Neighbours> make_neighbours() const override;
  std::unique_ptr<Workspace> make_workspace() const override;
  void compute(const Configuration& configuration, Workspace& workspace, Results& results,
               const Execution& execution) const override;

 private:
  [[noreturn]] void throw_collapse(const Configuration& configuration) const;

  Parameters parameters_;
  std::vector<double> barriers2_;
  pair::Block block_;
};

}  // namespace ionclay
