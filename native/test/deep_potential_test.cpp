// SPDX-License-Identifier: MIT
// Memory, threads and states of the evaluator with random Deep Potentials over random systems: meant to be run under the sanitizers. That
// the numbers are right is shown elsewhere, against the formulas; here they must not depend on threads, skin or what happened before.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "native/core/error.hpp"
#include "native/potential/evaluator.hpp"
#include "native/simd/isa.hpp"
#include "native/test/check.hpp"
#include "native/test/random_model.hpp"

namespace {

using namespace ionclay;
using namespace ionclay::test;

struct Outcome {
  double energy = 0.0;
  std::vector<double> forces, energies, virial;
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

bool same_bits(const Outcome& a, const Outcome& b) {
  return std::memcmp(&a.energy, &b.energy, sizeof(double)) == 0 && same_bits(a.forces, b.forces) &&
         same_bits(a.energies, b.energies) && same_bits(a.virial, b.virial);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::fabs(a[i] - b[i]) / (1.0 + std::fabs(b[i])));
  return worst;
}

// A system bound to a potential, as JavaScript has it.
struct Bench {
  System system;
  std::vector<std::int32_t> images;
  Outcome out;
  Evaluator evaluator;

  Bench(std::shared_ptr<const Potential> potential, System s, double skin = 0.0, SelOverflow rule = SelOverflow::truncate,
        bool wraps = false)
      : system(std::move(s)),
        images(system.positions.size()),
        out{0.0, std::vector<double>(system.positions.size()), std::vector<double>(system.types.size()), std::vector<double>(9)},
        evaluator({std::move(potential)},
                  {system.positions.data(),
                   wraps ? images.data() : nullptr,
                   system.cell.data(),
                   {{out.forces.data(), out.energies.data(), out.virial.data()}}},
                  system.types, system.periodic, skin, rule) {}
  Bench(const Bench&) = delete;

  const Outcome& run(int threads = 1, const std::atomic<bool>* abort = nullptr) {
    evaluator.compute({threads, abort});
    out.energy = evaluator.results().energy;
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

std::vector<ModelShape> shapes() {
  std::vector<ModelShape> out;
  const auto add = [&](const char* name) -> ModelShape& {
    out.push_back({});
    out.back().name = name;
    return out.back();
  };
  add("two-sided");
  add("one-sided, native rule").one_sided = true;
  out.back().native_rule = true;
  add("statistics by slot").per_slot = true;
  add("tables").tables = true;
  add("exclusions").excluded = true;
  add("no slots for one type").sel = {0, 12};
  add("no slots for one type, statistics by slot").sel = {11, 0};
  out.back().per_slot = true;
  add("widths that are no multiple of a vector").embedding = {5, 10, 10, 17};
  out.back().axis = 7;
  out.back().fitting = {33, 33, 9};
  add("softplus, wide").activation = 4;
  out.back().embedding = {16, 32, 32};
  out.back().axis = 4;
  return out;
}

std::vector<System> systems(int ntypes) {
  const std::array<bool, 3> all{true, true, true}, none{false, false, false};
  return {
      random_system("one atom alone", 1, ntypes, {1, 0, 0, 0, 1, 0, 0, 0, 1}, none, 1),
      random_system("one atom in a tiny cell", 1, ntypes, {2.1, 0, 0, 0.4, 2.3, 0, -0.3, 0.2, 1.9}, all, 2),
      random_system("two far apart", 2, ntypes, {400, 0, 0, 0, 400, 0, 0, 0, 400}, none, 3),
      random_system("cluster", 23, ntypes, {9, 0, 0, 0, 9, 0, 0, 0, 9}, none, 4, true),
      random_system("slab", 31, ntypes, {8, 0, 0, 2, 7, 0, 0, 0, 20}, {true, true, false}, 5),
      random_system("triclinic", 90, ntypes, {11, 0, 0, 4, 10, 0, -5, 3, 9}, all, 6, true),
      random_system("all virtual", 4, 1, {6, 0, 0, 0, 6, 0, 0, 0, 6}, all, 7),
  };
}

void threads_and_skin(Isa isa) {
  for (const ModelShape& shape : shapes()) {
    const auto potential = std::make_shared<DeepPotential>(random_parameters(shape, 11), isa);
    for (System system : systems(2)) {
      if (system.name == "all virtual") system.types.assign(system.types.size(), -1);
      if (system.name == "one atom in a tiny cell" && shape.embedding.size() > 3) continue;
      Bench alone(potential, system);
      const Outcome plain = alone.run(1);
      bool equal = std::isfinite(plain.energy);
      for (const int threads : {2, 3, 8}) {
        Bench other(potential, system);
        equal = equal && same_bits(plain, other.run(threads));
        // Again, with scratch memory that has been used.
        equal = equal && same_bits(plain, other.run(threads));
      }
      // Entries beyond the cutoff add exact zeros.
      Bench skinned(potential, system, 1.5);
      equal = equal && same_bits(plain, skinned.run(2)) && skinned.evaluator.rebuilt();
      equal = equal && same_bits(plain, skinned.run(1)) && !skinned.evaluator.rebuilt();
      if (!equal) std::printf("%s, %s, %s\n", isa_name(isa), shape.name.c_str(), system.name.c_str());
      CHECK(equal);

      // Forces of an isolated or periodic system add up to nothing: rounding of sums of numbers below about 1e3.
      double total[3] = {0, 0, 0};
      for (std::size_t i = 0; i < plain.forces.size(); ++i) total[i % 3] += plain.forces[i];
      CHECK(std::fabs(total[0]) + std::fabs(total[1]) + std::fabs(total[2]) < 1e-9);

      // Moved a little, strained a little: the kept list gives what a new one gives, apart from the rounding of the wrapping offsets.
      Random random(17);
      for (int step = 0; step < 3; ++step) {
        for (double& x : system.positions) x += random.spread(0.1);
        for (double& h : system.cell) h *= 1.0 + 0.002 * step;
        skinned.system.positions = system.positions;
        skinned.system.cell = system.cell;
        // (assignment keeps the memory that the evaluator points to: the sizes are the same)
        Bench fresh(potential, system);
        const Outcome want = fresh.run(1);
        skinned.run(2);
        CHECK(largest_difference(skinned.out.forces, want.forces) < 1e-9 && std::fabs(skinned.out.energy - want.energy) < 1e-9);
      }
    }
  }
}

void many_types() {
  ModelShape shape;
  shape.name = "128 types";
  shape.sel.assign(128, 1);
  shape.one_sided = true;
  const auto potential = std::make_shared<DeepPotential>(random_parameters(shape, 5), available_isas().back());
  const System system = random_system("of 128 types", 300, 128, {15, 0, 0, 0, 15, 0, 0, 0, 15}, {true, true, true}, 9, true);
  Bench one(potential, system), eight(potential, system);
  CHECK(same_bits(one.run(1), eight.run(8)));
  shape.sel.assign(129, 1);
  CHECK(error_of([&] { DeepPotential(random_parameters(shape, 5), Isa::baseline); }).code == "MODEL_SHAPE");
}

std::shared_ptr<const Potential> small_model() {
  return std::make_shared<DeepPotential>(random_parameters(ModelShape{}, 3), available_isas().back());
}

System big_system() { return random_system("big", 600, 2, {22, 0, 0, 3, 21, 0, 1, -4, 20}, {true, true, true}, 21); }

void callers_at_once() {
  const auto potential = small_model();
  const System system = big_system();
  Bench alone(potential, system);
  const Outcome want = alone.run(1);
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&, caller] {
      Bench mine(potential, system, caller % 2);
      for (int repeat = 0; repeat < 3; ++repeat) right += same_bits(mine.run(1 + caller), want);
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(right == 18);
}

void aborts_and_failures() {
  const auto potential = small_model();
  const System system = big_system();
  Bench bench(potential, system, 1.0);
  const Outcome want = Bench(potential, system).run(1);
  for (const int threads : {1, 4}) {
    std::atomic<bool> abort{true};
    CHECK(error_of([&] { bench.run(threads, &abort); }).code == "ABORTED");
    // Stopped somewhere in the middle, wherever that is: afterwards everything is as if nothing had happened.
    std::atomic<bool> later{false};
    std::thread stopper([&] { later = true; });
    error_of([&] { bench.run(threads, &later); });
    stopper.join();
    CHECK(same_bits(bench.run(threads), want));
  }

  // The same pair of atoms is named whatever the number of threads, though others are at fault as well.
  System overlapping = system;
  for (const std::size_t atom : {580u, 333u, 71u, 402u}) {
    for (int c = 0; c < 3; ++c) overlapping.positions[3 * atom + c] = overlapping.positions[3 * (atom - 1) + c];
  }
  const Error first = error_of([&] { Bench(potential, overlapping).run(1); });
  CHECK(first.code == "ATOMS_OVERLAP");
  for (int repeat = 0; repeat < 20; ++repeat) {
    const Error again = error_of([&] { Bench(potential, overlapping).run(8); });
    CHECK(again.message == first.message && again.atom == first.atom);
  }
  const Error over = error_of([&] { Bench(potential, system, 0.0, SelOverflow::stop).run(3); });
  CHECK(over.code == "SEL_OVERFLOW" && over.atom >= 0 && over.atom < 600);
  CHECK(error_of([&] { Bench(potential, system, 0.0, SelOverflow::stop).run(1); }).message == over.message);

  // A NaN in the middle of a run names its atom, and the evaluator goes on once it is gone.
  bench.system.positions[3 * 77 + 1] = std::numeric_limits<double>::quiet_NaN();
  const Error broken = error_of([&] { bench.run(2); });
  CHECK(broken.code == "NONFINITE_POSITION" && broken.atom == 77);
  bench.system.positions = system.positions;
  CHECK(same_bits(bench.run(2), want));
}

void restored_lists() {
  const auto potential = small_model();
  const System system = big_system();
  Bench first(potential, system, 1.0);
  const Outcome want = first.run(1);
  Bench second(potential, system, 1.0);
  second.evaluator.restore(first.evaluator.reference_positions(), first.evaluator.reference_cell(), {2, nullptr});
  CHECK(same_bits(second.run(2), want) && !second.evaluator.rebuilt());

  // What cannot be restored leaves no list behind: neither half of one, nor one that does not belong to the reference.
  std::vector<double> far = system.positions;
  for (double& x : far) x += 0.3;
  std::vector<double> broken = far;
  broken[900] = std::numeric_limits<double>::infinity();
  CHECK(error_of([&] { second.evaluator.restore(broken, system.cell, {1, nullptr}); }).code == "NONFINITE_POSITION");
  CHECK(!second.evaluator.has_reference());
  CHECK(same_bits(second.run(1), want) && second.evaluator.rebuilt());
  std::atomic<bool> abort{true};
  CHECK(error_of([&] { second.evaluator.restore(far, system.cell, {2, &abort}); }).code == "ABORTED");
  CHECK(!second.evaluator.has_reference());
  CHECK(same_bits(second.run(1), want));
  CHECK(error_of([&] { second.evaluator.restore(far, {1, 0, 0, 1, 0, 0, 0, 0, 1}, {1, nullptr}); }).code == "E_CELL_INVALID");
  CHECK(same_bits(second.run(1), want));
}

void wrapping() {
  const auto potential = small_model();
  System system = big_system();
  const Outcome want = Bench(potential, system).run(1);
  Bench wrapped(potential, system, 0.5, SelOverflow::truncate, true);
  wrapped.run(2);
  CHECK(largest_difference(wrapped.out.forces, want.forces) < 1e-9);
  bool back = true;
  for (std::size_t i = 0; i < system.types.size(); ++i) {
    for (int c = 0; c < 3; ++c) {
      double x = wrapped.system.positions[3 * i + c];
      for (int k = 0; k < 3; ++k) x += wrapped.images[3 * i + k] * system.cell[3 * k + c];
      back = back && std::fabs(x - system.positions[3 * i + c]) < 1e-12 * 100;
    }
  }
  CHECK(back);
}

void refused_inputs() {
  const auto potential = small_model();
  // 1e-4 A thin: 43,000 images each way along c, times those along a and b.
  System thin = random_system("thin", 1, 2, {0.05, 0, 0, 0, 0.05, 0, 0, 0, 1e-3}, {true, true, true}, 2);
  thin.positions = {0, 0, 0};
  CHECK(error_of([&] { Bench(potential, thin).run(1); }).code == "E_CELL_INVALID");
  thin.cell = {1e-7, 0, 0, 0, 1e4, 0, 0, 0, 1e4};  // 4e7 images along a alone
  CHECK(error_of([&] { Bench(potential, thin).run(1); }).code == "E_CELL_INVALID");
  thin.cell = {1e-18, 0, 0, 0, 1e9, 0, 0, 0, 1e9};  // more than an int holds
  CHECK(error_of([&] { Bench(potential, thin).run(1); }).code == "E_CELL_INVALID");
  thin.cell = {1e200, 0, 0, 0, 1e200, 0, 0, 0, 1e200};
  CHECK(error_of([&] { Bench(potential, thin).run(1); }).code == "E_CELL_INVALID");

  ModelShape by_slot;
  by_slot.per_slot = true;
  const auto slotted = std::make_shared<DeepPotential>(random_parameters(by_slot, 3), available_isas().back());
  CHECK(error_of([&] { Bench(slotted, big_system(), 0.0, SelOverflow::grow).run(1); }).code == "SEL_CANNOT_GROW");

  ModelShape tables;
  tables.tables = true;
  const auto refused = [&](auto&& spoil) {
    DeepPotentialParameters p = random_parameters(tables, 3);
    spoil(p);
    return error_of([&] { DeepPotential(p, Isa::baseline); }).code == "MODEL_SHAPE";
  };
  CHECK(refused([](auto& p) { p.tables[1].step = 1e-300; }));
  CHECK(refused([](auto& p) { p.tables[1].max = 1e300; }));
  CHECK(refused([](auto& p) { p.tables[0].coefficients.pop_back(); }));
  CHECK(refused([](auto& p) { p.sel[0] = 2147483647; }));
  CHECK(refused([](auto& p) { p.sel[0] = -1; }));
  CHECK(refused([](auto& p) { p.width = 1 << 16, p.axis = 1 << 16; }));
  CHECK(refused([](auto& p) { p.fitting[0][0].bias.clear(); }));
  CHECK(refused([](auto& p) { p.excluded.pop_back(); }));

  // A weight that is not a number must be seen in the energy, not hidden by a saturated tanh.
  DeepPotentialParameters p = random_parameters(ModelShape{}, 3);
  p.fitting[0][0].weights[2] = std::numeric_limits<double>::quiet_NaN();
  for (const Isa isa : available_isas()) {
    CHECK(std::isnan(Bench(std::make_shared<DeepPotential>(p, isa), big_system()).run(2).energy));
  }
}

}  // namespace

int main() {
  for (const Isa isa : available_isas()) threads_and_skin(isa);
  many_types();
  callers_at_once();
  aborts_and_failures();
  restored_lists();
  wrapping();
  refused_inputs();
  return ionclay::test::finish("deep_potential_test");
}
