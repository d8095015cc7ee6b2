// SPDX-License-Identifier: MIT
// Evaluates the models of one file (scripts/dump-models.mjs) on every instruction set of the machine it runs on, and compares with the numbers
// beside them: for machines without Node, emulated ones among them. Usage: evaluate_model FILE [isa]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "native/core/error.hpp"
#include "native/potential/deep_potential/deep_potential.hpp"
#include "native/potential/evaluator.hpp"
#include "native/test/check.hpp"
#include "native/test/tree_file.hpp"

namespace {

using namespace ionclay;
using namespace ionclay::test;

struct Outcome {
  double energy = 0.0;
  std::vector<double> forces, energies, virial;
};

template <class T>
std::vector<T> copy(std::span<const T> view) {
  return {view.begin(), view.end()};
}

std::vector<double> optional_doubles(const Tree& frame, const char* name) {
  const Tree& value = at(frame, name);
  return value.is_null() ? std::vector<double>{} : copy(doubles(value, name));
}

Outcome evaluate(const std::shared_ptr<const Potential>& potential, const Tree& frame, int threads) {
  std::vector<double> positions = copy(doubles(at(frame, "positions"), "positions"));
  const std::vector<double> cell = copy(doubles(at(frame, "cell"), "cell"));
  const std::vector<std::int32_t> types = copy(integers(at(frame, "types"), "types"));
  const bool periodic = boolean(at(frame, "periodic"), "periodic");
  if (cell.size() != 9 || positions.size() != 3 * types.size()) throw ArgumentError("positions, types and cell do not fit");
  Outcome out{0.0, std::vector<double>(positions.size()), std::vector<double>(types.size()), std::vector<double>(9)};
  Evaluator evaluator({potential},
                      {positions.data(), nullptr, cell.data(), {{out.forces.data(), out.energies.data(), out.virial.data()}}},
                      types, {periodic, periodic, periodic}, 0.0, SelOverflow::truncate,
                      {optional_doubles(frame, "fparam"), optional_doubles(frame, "aparam")});
  evaluator.compute({threads, nullptr});
  out.energy = evaluator.results().energy;
  return out;
}

// Largest difference; infinite where the lengths differ or something is not a number.
double difference(const std::vector<double>& got, std::span<const double> want) {
  if (got.size() != want.size()) return HUGE_VAL;
  double worst = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double d = std::fabs(got[i] - want[i]);
    worst = d <= worst ? worst : (std::isnan(d) ? HUGE_VAL : d);
  }
  return worst;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

// One line a frame: the errors, and beside them what is allowed.
void compare(const std::string& label, const Outcome& got, const Tree& frame) {
  const Tree& want = at(frame, "expected");
  const Tree& tolerance = at(frame, "tolerance");
  const double energy = number(at(want, "energy"), "energy");
  const double energy_error = std::fabs(got.energy - energy) / std::fabs(energy);
  const double force_error = difference(got.forces, doubles(at(want, "forces"), "forces"));
  const double virial_error = difference(got.virial, doubles(at(want, "virial"), "virial"));
  const double atom_error = difference(got.energies, doubles(at(want, "atomEnergies"), "atomEnergies"));
  const double allowed[] = {number(at(tolerance, "energyRelative"), "energyRelative"), number(at(tolerance, "force"), "force"),
                            number(at(tolerance, "virial"), "virial"), number(at(tolerance, "atomEnergy"), "atomEnergy")};
  const bool right =
      energy_error <= allowed[0] && force_error <= allowed[1] && virial_error <= allowed[2] && atom_error <= allowed[3];
  std::printf("  %-60s energy %.1e (%.0e)  forces %.1e (%.0e)  virial %.1e (%.0e)  atoms %.1e (%.0e)%s\n", label.c_str(),
              energy_error, allowed[0], force_error, allowed[1], virial_error, allowed[2], atom_error, allowed[3],
              right ? "" : "  WRONG");
  CHECK(right);
}

void run(const Tree& model, Isa isa) {
  const std::string name = text(at(model, "name"), "name");
  try {
    DeepPotential::Options options;
    options.mixed = text(at(model, "precision"), "precision") == "mixed";
    options.compressed = boolean(at(model, "compression"), "compression");
    const auto potential = std::make_shared<DeepPotential>(deep_potential_parameters(at(model, "parameters")), isa, options);
    for (const Tree& frame : list(at(model, "frames"), "frames")) {
      const std::string label = std::string(isa_name(isa)) + " " + name + " " + text(at(frame, "label"), "label");
      const Outcome one = evaluate(potential, frame, 1);
      compare(label, one, frame);
      const Outcome three = evaluate(potential, frame, 3);
      CHECK(one.energy == three.energy && same_bits(one.forces, three.forces) && same_bits(one.virial, three.virial) &&
            same_bits(one.energies, three.energies));
    }
  } catch (const std::exception& error) {
    std::printf("  %s %s: %s\n", isa_name(isa), name.c_str(), error.what());
    CHECK(false);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::printf("usage: evaluate_model FILE [isa]\n");
    return 2;
  }
  try {
    const TreeFile file(arguments[1]);
    const std::vector<Isa> isas = count > 2 ? std::vector<Isa>{isa_from_name(arguments[2])} : available_isas();
    for (const Isa isa : isas) {
      for (const Tree& model : list(at(file.root(), "models"), "models")) run(model, isa);
    }
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 2;
  }
  return ionclay::test::finish("evaluate_model");
}
