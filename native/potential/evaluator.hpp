// SPDX-License-Identifier: MIT
// A potential bound to one set of atoms: keeps the neighbour list while the rigorous criterion of dynamics.md 3.3 holds.
#pragma once

#include <memory>
#include <vector>

#include "native/potential/potential.hpp"

namespace ionclay {

class Evaluator {
 public:
  // The caller's arrays, used in place; they must outlive every call.
  struct Arrays {
    double* positions;
    std::int32_t* images;  // may be null: then positions are never changed
    const double* cell;
    double* forces;
    double* atom_energies;
    double* virial;
  };

  Evaluator(std::shared_ptr<const Potential> potential, Arrays arrays, std::vector<std::int32_t> types,
            std::array<bool, 3> periodic, double skin, SelOverflow overflow_rule);

  void compute(const Execution& execution);

  const Results& results() const { return results_; }
  std::uint32_t rebuilds() const { return rebuilds_; }
  bool rebuilt() const { return rebuilt_; }
  std::size_t listed_pairs() const { return list_.size(); }
  bool has_reference() const { return !reference_.empty(); }
  const std::vector<double>& reference_positions() const { return reference_; }
  const std::array<double, 9>& reference_cell() const { return reference_cell_; }
  std::size_t natoms() const { return types_.size(); }

  // The list as it was built from these inputs (dynamics.md 14): order of summation goes on as if the run had not stopped.
  void restore(std::vector<double> positions, const std::array<double, 9>& cell, const Execution& execution);

 private:
  bool list_is_complete(const Cell& cell) const;
  void wrap(const Cell& cell);

  std::shared_ptr<const Potential> potential_;
  std::unique_ptr<Workspace> workspace_;
  Arrays arrays_;
  std::vector<std::int32_t> types_;
  std::array<bool, 3> periodic_;
  double skin_;
  SelOverflow overflow_rule_;
  NeighbourList list_;
  std::vector<double> reference_;
  std::array<double, 9> reference_cell_{};
  std::vector<double> shifts_;
  std::vector<double> internal_;
  Results results_;
  std::uint32_t rebuilds_ = 0;
  bool rebuilt_ = false;
};

}  // namespace ionclay
