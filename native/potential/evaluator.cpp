// SPDX-License-Identifier: MIT
#include "native/potential/evaluator.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <typeinfo>

#include "native/core/error.hpp"
#include "native/core/sums.hpp"

namespace ionclay {

namespace {

void require_parameters(const Potential& potential, const Evaluator::Parameters& given, std::size_t natoms) {
  const auto check = [](const char* name, std::size_t expected, std::size_t got) {
    if (expected == 0 || expected == got) return;
    throw Error("PARAMETERS_MISMATCH",
                std::string(name) + ": expected " + std::to_string(expected) + " numbers, got " + std::to_string(got));
  };
  check("fparam", potential.fparam_count(), given.frame.size());
  check("aparam", potential.aparam_count() * natoms, given.atoms.size());
}

}  // namespace

Evaluator::Evaluator(std::vector<std::shared_ptr<const Potential>> potentials, Arrays arrays, std::vector<std::int32_t> types,
                     std::array<bool, 3> periodic, double skin, SelOverflow overflow_rule, Parameters parameters)
    : potentials_(std::move(potentials)),
      cutoff_(potentials_.at(0)->cutoff()),
      arrays_(std::move(arrays)),
      types_(std::move(types)),
      periodic_(periodic),
      skin_(skin),
      overflow_rule_(overflow_rule),
      parameters_(std::move(parameters)),
      list_(potentials_[0]->make_neighbours()),
      results_(potentials_.size()) {
  for (std::size_t k = 0; k < potentials_.size(); ++k) {
    const Potential& potential = *potentials_[k];
    const std::unique_ptr<Neighbours> own = potential.make_neighbours();
    if (potential.cutoff() != cutoff_ || potential.ntypes() != potentials_[0]->ntypes() || typeid(*own) != typeid(*list_)) {
      throw Error("COMMITTEE_MISMATCH", "potential " + std::to_string(k) +
                                            " is of another kind, or has another cutoff or number of types than the first");
    }
    require_parameters(potential, parameters_, natoms());
    workspaces_.push_back(potential.make_workspace());
    const Outputs& outputs = arrays_.outputs.at(k);
    results_[k].forces = outputs.forces;
    results_[k].atom_energies = outputs.atom_energies;
    results_[k].virial = outputs.virial;
  }
}

void Evaluator::compute(const Execution& execution, bool members) {
  const auto start = std::chrono::steady_clock::now();
  const Cell cell = Cell::make(arrays_.cell, periodic_);
  rebuilt_ = !list_is_complete(cell);
  if (rebuilt_) {
    if (arrays_.images != nullptr) wrap(cell);
    reference_.clear();  // half a list must never be used
    list_->build(arrays_.positions, natoms(), types_.data(), cell, cutoff_ + skin_, execution);
    std::copy(arrays_.cell, arrays_.cell + 9, reference_cell_.begin());
    reference_.assign(arrays_.positions, arrays_.positions + 3 * natoms());
    rebuilds_ += 1;
  }
  list_->shift_vectors(cell, shifts_);
  results_[0].seconds[0] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Configuration configuration;
  configuration.natoms = natoms();
  configuration.positions = list_->internal_positions(arrays_.positions, cell, internal_);
  configuration.types = types_.data();
  configuration.cell = &cell;
  configuration.list = list_.get();
  configuration.shifts = shifts_.data();
  configuration.overflow_rule = overflow_rule_;
  if (!parameters_.frame.empty()) {
    configuration.fparam = parameters_.frame.data();
    configuration.fparam_count = parameters_.frame.size();
  }
  if (!parameters_.atoms.empty()) {
    configuration.aparam = parameters_.atoms.data();
    configuration.aparam_count = parameters_.atoms.size() / natoms();
  }
  if (members && size() > 1) {
    potentials_[0]->compute_members(potentials_, configuration, workspaces_, results_, execution);
  } else {
    potentials_[0]->compute(configuration, *workspaces_[0], results_[0], execution);
  }
}

void Evaluator::restore(std::vector<double> positions, const std::array<double, 9>& cell, const Execution& execution) {
  const Cell box = Cell::make(cell.data(), periodic_);
  reference_.clear();  // as above: should the build fail there is no list
  list_->build(positions.data(), natoms(), types_.data(), box, cutoff_ + skin_, execution);
  reference_cell_ = cell;
  reference_ = std::move(positions);
}

// No pair can have come inside the cutoff unseen while u1 + u2 <= s_min(G) r_L - r_c, with u the displacements that are left after the
// affine part G = H0^-1 H and the mean are taken off, and s_min >= 1 - |G - 1| (dynamics.md 3.3).
bool Evaluator::list_is_complete(const Cell& cell) const {
  if (reference_.empty() || skin_ <= 0.0) return false;
  const std::size_t n = natoms();
  double g[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  double norm = 0.0;
  bool moved = false;
  for (int k = 0; k < 9; ++k) moved = moved || reference_cell_[k] != arrays_.cell[k];
  if (moved) {
    const Cell old = Cell::make(reference_cell_.data(), periodic_);
    for (int a = 0; a < 3; ++a) {
      for (int b = 0; b < 3; ++b) {
        double sum = 0.0;
        for (int k = 0; k < 3; ++k) sum += old.inverse[3 * a + k] * cell.h[3 * k + b];
        g[3 * a + b] = sum;
        const double difference = sum - (a == b ? 1.0 : 0.0);
        norm += difference * difference;
      }
    }
    norm = std::sqrt(norm);
  }
  const double allowed = (1.0 - norm) * (cutoff_ + skin_) - cutoff_;
  if (!(allowed > 0.0)) return false;
  const auto displacement = [&](std::size_t i, double u[3]) {
    const double* x = arrays_.positions + 3 * i;
    const double* r = reference_.data() + 3 * i;
    for (int k = 0; k < 3; ++k) {
      u[k] = x[k] - (moved ? r[0] * g[k] + r[1] * g[3 + k] + r[2] * g[6 + k] : r[k]);
    }
  };
  double mean[3] = {0, 0, 0};
  double u[3];
  for (std::size_t i = 0; i < n; ++i) {
    displacement(i, u);
    for (int k = 0; k < 3; ++k) mean[k] += u[k];
  }
  for (double& m : mean) m /= static_cast<double>(n);
  double largest = 0.0;
  double second = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    displacement(i, u);
    double d2 = 0.0;
    for (int k = 0; k < 3; ++k) d2 += (u[k] - mean[k]) * (u[k] - mean[k]);
    if (!(d2 <= second)) {
      second = d2 > largest ? largest : d2;
      largest = std::max(largest, d2);
      if (std::isnan(d2)) return false;  // the build will name the atom
    }
  }
  return std::sqrt(largest) + std::sqrt(second) <= allowed;
}

// n += floor(s), x -= floor(s) H, only here (dynamics.md 2.5).
void Evaluator::wrap(const Cell& cell) {
  for (std::size_t i = 0; i < natoms(); ++i) {
    double* x = arrays_.positions + 3 * i;
    double s[3];
    cell.fractional(x, s);
    int n[3] = {0, 0, 0};
    for (int k = 0; k < 3; ++k) {
      if (!(std::fabs(s[k]) < 1e9)) {
        throw Error("NONFINITE_POSITION", "atom " + std::to_string(i) + " has a coordinate that is not a usable number",
                    static_cast<std::int64_t>(i));
      }
      if (periodic_[k]) n[k] = static_cast<int>(std::floor(s[k]));
    }
    if (n[0] == 0 && n[1] == 0 && n[2] == 0) continue;
    double shift[3];
    cell.lattice_vector(n, shift);
    for (int k = 0; k < 3; ++k) {
      x[k] -= shift[k];
      // Unsigned: counts beyond two thousand million cells wrap around instead of being undefined.
      arrays_.images[3 * i + k] =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(arrays_.images[3 * i + k]) + static_cast<std::uint32_t>(n[k]));
    }
  }
}

}  // namespace ionclay
