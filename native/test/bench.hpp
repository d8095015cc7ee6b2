// SPDX-License-Identifier: MIT
// A system bound to potentials, as JavaScript has it, and how outcomes are compared.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "native/core/error.hpp"
#include "native/potential/evaluator.hpp"
#include "native/test/random_model.hpp"

namespace ionclay::test {

struct Outcome {
  double energy = 0.0;
  std::vector<double> forces, energies, virial;

  explicit Outcome(std::size_t natoms = 0) : forces(3 * natoms), energies(natoms), virial(9) {}
};

inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

inline bool same_bits(const Outcome& a, const Outcome& b) {
  return std::memcmp(&a.energy, &b.energy, sizeof(double)) == 0 && same_bits(a.forces, b.forces) &&
         same_bits(a.energies, b.energies) && same_bits(a.virial, b.virial);
}

// Largest difference relative to the largest number, or to 1; infinite where something is not a number.
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return HUGE_VAL;
  double worst = 0.0, size = 1.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return HUGE_VAL;
    worst = std::max(worst, std::fabs(a[i] - b[i]));
    size = std::max(size, std::fabs(b[i]));
  }
  return worst / size;
}

inline double difference(const Outcome& a, const Outcome& b) {
  const double energy = difference(std::vector<double>{a.energy}, std::vector<double>{b.energy});
  return std::max({energy, difference(a.forces, b.forces), difference(a.energies, b.energies), difference(a.virial, b.virial)});
}

struct Bench {
  System system;
  std::vector<std::int32_t> images;
  std::vector<Outcome> out;  // one for each potential
  Evaluator evaluator;

  Bench(std::vector<std::shared_ptr<const Potential>> potentials, System s, double skin = 0.0,
        SelOverflow rule = SelOverflow::truncate, bool wraps = false)
      : system(std::move(s)),
        images(system.positions.size()),
        out(potentials.size(), Outcome(system.types.size())),
        evaluator(potentials, {system.positions.data(), wraps ? images.data() : nullptr, system.cell.data(), outputs()},
                  system.types, system.periodic, skin, rule, parameters(potentials)) {}
  Bench(std::shared_ptr<const Potential> potential, System s, double skin = 0.0, SelOverflow rule = SelOverflow::truncate,
        bool wraps = false)
      : Bench(std::vector<std::shared_ptr<const Potential>>{std::move(potential)}, std::move(s), skin, rule, wraps) {}
  Bench(const Bench&) = delete;

  const Outcome& run(int threads = 1, const std::atomic<bool>* abort = nullptr, bool members = true) {
    evaluator.compute({threads, abort}, members);
    for (std::size_t k = 0; k < out.size(); ++k) out[k].energy = evaluator.results(k).energy;
    return out[0];
  }

  // In place: the evaluator holds the addresses.
  void move_to(const System& other) {
    std::copy(other.positions.begin(), other.positions.end(), system.positions.begin());
    system.cell = other.cell;
  }

 private:
  std::vector<Evaluator::Outputs> outputs() {
    std::vector<Evaluator::Outputs> all;
    for (Outcome& o : out) all.push_back({o.forces.data(), o.energies.data(), o.virial.data()});
    return all;
  }

  Evaluator::Parameters parameters(const std::vector<std::shared_ptr<const Potential>>& potentials) const {
    std::size_t frame = 0, atoms = 0;
    for (const auto& potential : potentials) {
      frame = std::max(frame, potential->fparam_count());
      atoms = std::max(atoms, potential->aparam_count());
    }
    Evaluator::Parameters out;
    for (std::size_t k = 0; k < frame; ++k) out.frame.push_back(0.3 - 0.9 * static_cast<double>(k));
    for (std::size_t k = 0; k < atoms * system.types.size(); ++k) out.atoms.push_back(std::sin(static_cast<double>(k)));
    return out;
  }
};

template <class Call>
Error error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return Error("NONE", "nothing was thrown");
}

}  // namespace ionclay::test
