// SPDX-License-Identifier: MIT
// Potentials bound to one set of atoms: they share the neighbour list, which is kept while the rigorous criterion of dynamics.md 3.3
// holds. The first one drives; the others (members of a committee) are evaluated on request, at the same positions.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "native/potential/potential.hpp"

namespace ionclay {

class Evaluator {
 public:
  // Where the results of one potential go; written in place.
  struct Outputs {
    double* forces;
    double* atom_energies;
    double* virial;
  };
  // The caller's arrays, used in place; they must outlive every call.
  struct Arrays {
    double* positions;
    std::int32_t* images;  // may be null: then positions are never changed
    const double* cell;
    std::vector<Outputs> outputs;  // one for each potential
  };
  // Numbers beyond positions that the potentials need (deep-potential.md 1.8), raw; aparam has natoms rows.
  struct Parameters {
    std::vector<double> frame;
    std::vector<double> atoms;
  };

  // Throws COMMITTEE_MISMATCH where the potentials differ in cutoff or number of types, and PARAMETERS_MISMATCH where one of them needs
  // other frame or atom parameters than those given (a potential that needs none ignores them).
  Evaluator(std::vector<std::shared_ptr<const Potential>> potentials, Arrays arrays, std::vector<std::int32_t> types,
            std::array<bool, 3> periodic, double skin, SelOverflow overflow_rule, Parameters parameters = {});

  // The driving potential alone, or every member too: what is written for the first does not depend on it by a bit.
  void compute(const Execution& execution, bool members = true);

  std::size_t size() const { return potentials_.size(); }
  // Of potential `member` at its last evaluation.
  const Results& results(std::size_t member = 0) const { return results_[member]; }
  std::uint32_t rebuilds() const { return rebuilds_; }
  bool rebuilt() const { return rebuilt_; }
  std::size_t listed_pairs() const { return list_->size(); }
  bool has_reference() const { return !reference_.empty(); }
  const std::vector<double>& reference_positions() const { return reference_; }
  const std::array<double, 9>& reference_cell() const { return reference_cell_; }
  std::size_t natoms() const { return types_.size(); }

  // The list as it was built from these inputs (dynamics.md 14): order of summation goes on as if the run had not stopped.
  void restore(std::vector<double> positions, const std::array<double, 9>& cell, const Execution& execution);

 private:
  bool list_is_complete(const Cell& cell) const;
  void wrap(const Cell& cell);

  std::vector<std::shared_ptr<const Potential>> potentials_;
  std::vector<std::unique_ptr<Workspace>> workspaces_;
  double cutoff_;
  Arrays arrays_;
  std::vector<std::int32_t> types_;
  std::array<bool, 3> periodic_;
  double skin_;
  SelOverflow overflow_rule_;
  Parameters parameters_;
  std::unique_ptr<Neighbours> list_;
  std::vector<double> reference_;
  std::array<double, 9> reference_cell_{};
  std::vector<double> shifts_;
  std::vector<double> internal_;
  std::vector<Results> results_;
  std::uint32_t rebuilds_ = 0;
  bool rebuilt_ = false;
};

}  // namespace ionclay
