// SPDX-License-Identifier: MIT
// States of the evaluator: aborts, failures, restored lists, committees, many of them at once on one potential whose tables are made while
// they run. Meant to be run under ThreadSanitizer too.
#include <cstdio>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "native/simd/isa.hpp"
#include "native/test/bench.hpp"
#include "native/test/check.hpp"

namespace {

using namespace ionclay;
using namespace ionclay::test;

constexpr DeepPotentialOptions kNets{false, false}, kTables{false, true}, kFloatTables{true, true};

std::shared_ptr<const Potential> small_model(DeepPotentialOptions options = kNets, std::uint64_t seed = 3) {
  return std::make_shared<DeepPotential>(random_parameters(ModelShape{}, seed), available_isas().back(), options);
}

System big_system() { return random_system("big", 600, 2, {22, 0, 0, 3, 21, 0, 1, -4, 20}, {true, true, true}, 21); }

void callers_at_once() {
  const auto potential = small_model();
  const System system = big_system();
  const Outcome want = Bench(potential, system).run(1);
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&, caller] {
      Bench mine(potential, system);
      for (int repeat = 0; repeat < 3; ++repeat) right += same_bits(mine.run(1 + caller), want);
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(right == 18);
}

// Tables are made when types are first met, by whoever meets them first, while others compute.
void tables_made_by_many() {
  ModelShape shape;
  shape.ntypes = 4;
  shape.descriptors[0].sel = {12, 9, 7, 8};
  DescriptorShape radial = shape.descriptors[0];
  radial.radial = true;
  radial.cutoff = 3.5;
  shape.descriptors.push_back(radial);
  const std::vector<std::vector<std::int32_t>> mixtures = {{0}, {1}, {0, 1}, {2, 0}, {3, 2, 1, 0}, {3}, {1, 3}, {2}};
  const Isa isa = available_isas().back();
  for (const DeepPotentialOptions options : {kTables, kFloatTables}) {
    const DeepPotentialParameters parameters = random_parameters(shape, 8);
    std::vector<System> systems;
    std::vector<Outcome> want;
    for (const auto& mixture : mixtures) {
      systems.push_back(random_system("mixture", 120, 1, {13, 0, 0, 1, 12, 0, 2, -1, 13}, {true, true, true}, 30));
      for (std::size_t i = 0; i < systems.back().types.size(); ++i) systems.back().types[i] = mixture[i % mixture.size()];
      want.push_back(Bench(std::make_shared<DeepPotential>(parameters, isa, options), systems.back()).run(1));
    }
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto shared = std::make_shared<DeepPotential>(parameters, isa, options);
      std::atomic<int> right{0};
      std::atomic<std::size_t> tables{0};
      std::vector<std::thread> callers;
      for (std::size_t k = 0; k < mixtures.size(); ++k) {
        callers.emplace_back([&, k] {
          Bench mine(shared, systems[k], 0.5 * static_cast<double>(k % 2));
          mine.run(1 + static_cast<int>(k) % 3);
          // A list with a skin sums in another order.
          right +=
              k % 2 == 0 ? same_bits(mine.out[0], want[k]) : difference(mine.out[0], want[k]) < (options.mixed ? 1e-5 : 1e-12);
        });
      }
      callers.emplace_back([&] { tables = shared->tables({2, nullptr}).size(); });
      for (auto& caller : callers) caller.join();
      CHECK(right == static_cast<int>(mixtures.size()));
      CHECK(tables == 2 * 16);
      CHECK(shared->tables({1, nullptr}).size() == 2 * 16);
    }
  }
}

void aborts_and_failures(DeepPotentialOptions options) {
  const auto potential = small_model(options);
  const System system = big_system();
  const Outcome want = Bench(potential, system).run(1);
  const Outcome want_skinned = Bench(potential, system, 1.0).run(1);
  for (const int threads : {1, 4}) {
    // Before anything has been made, tables included.
    Bench bench(small_model(options), system, 1.0);
    std::atomic<bool> abort{true};
    CHECK(error_of([&] { bench.run(threads, &abort); }).code == "ABORTED");
    // Stopped somewhere in the middle, wherever that is: afterwards everything is as if nothing had happened.
    for (int repeat = 0; repeat < 8; ++repeat) {
      std::atomic<bool> later{false};
      std::thread stopper([&] {
        std::this_thread::sleep_for(std::chrono::microseconds(1 << (2 * repeat)));
        later = true;
      });
      const std::string code = error_of([&] { bench.run(threads, &later); }).code;
      CHECK(code == "ABORTED" || code == "NONE");
      stopper.join();
    }
    CHECK(same_bits(bench.run(threads), want_skinned));
  }

  // The same pair of atoms is named whatever the number of threads, though others are at fault as well; then the evaluator goes on.
  System overlapping = system;
  for (const std::size_t atom : {580u, 333u, 71u, 402u}) {
    for (int c = 0; c < 3; ++c) overlapping.positions[3 * atom + c] = overlapping.positions[3 * (atom - 1) + c];
  }
  const Error first = error_of([&] { Bench(potential, overlapping).run(1); });
  CHECK(first.code == "ATOMS_OVERLAP");
  Bench bench(potential, system);
  for (int repeat = 0; repeat < 10; ++repeat) {
    bench.move_to(overlapping);
    const Error again = error_of([&] { bench.run(8); });
    CHECK(again.message == first.message && again.atom == first.atom);
    bench.move_to(system);
    CHECK(same_bits(bench.run(1 + repeat % 3), want));
  }

  // Too many neighbours in the crowd, enough slots after it has spread.
  System crowd = system, spread = system;
  for (double& x : spread.positions) x *= 3.0;
  for (double& h : spread.cell) h *= 3.0;
  Bench stopping(potential, crowd, 0.0, SelOverflow::stop);
  const Error over = error_of([&] { stopping.run(3); });
  CHECK(over.code == "SEL_OVERFLOW" && over.atom >= 0 && over.atom < 600);
  CHECK(error_of([&] { stopping.run(1); }).message == over.message);
  stopping.move_to(spread);
  CHECK(same_bits(stopping.run(2), Bench(potential, spread).run(1)));

  // A NaN in the middle of a run names its atom, and the evaluator goes on once it is gone.
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e300}) {
    Bench kept(potential, system, 1.0);
    kept.run(1);
    kept.system.positions[3 * 77 + 1] = bad;
    const Error broken = error_of([&] { kept.run(2); });
    CHECK(broken.code == "NONFINITE_POSITION" && broken.atom == 77);
    kept.move_to(system);
    CHECK(same_bits(kept.run(2), want_skinned));
  }
}

void below_the_pair_table() {
  ModelShape shape;
  shape.pair_table = true;
  DeepPotentialParameters p = random_parameters(shape, 3);
  p.pair_table.smallest = 0.9;
  const auto potential = std::make_shared<DeepPotential>(p, available_isas().back(), kNets);
  const System system = big_system();
  Bench bench(potential, system);
  const Outcome want = bench.run(1);
  System close = system;
  for (int c = 0; c < 3; ++c) close.positions[3 * 40 + c] = close.positions[3 * 41 + c] + 0.3;
  bench.move_to(close);
  CHECK(error_of([&] { bench.run(2); }).code == "BELOW_PAIR_TABLE");
  bench.move_to(system);
  CHECK(same_bits(bench.run(3), want));
}

// A run that goes on from a restored list gives the bits of the run that was not stopped.
void restored_lists(DeepPotentialOptions options) {
  const auto potential = small_model(options);
  const System system = big_system();
  Bench first(potential, system, 1.0);
  const Outcome start = first.run(1);
  Random random(5);
  System moved = system;
  for (int step = 0; step < 3; ++step) {
    for (double& x : moved.positions) x += random.spread(0.08);
    for (double& h : moved.cell) h *= 1.001;
    first.move_to(moved);
    const Outcome want = first.run(2);
    CHECK(!first.evaluator.rebuilt());
    Bench second(potential, moved, 1.0);
    second.evaluator.restore(first.evaluator.reference_positions(), first.evaluator.reference_cell(), {2, nullptr});
    CHECK(same_bits(second.run(3), want) && !second.evaluator.rebuilt());
  }

  // What cannot be restored leaves no list behind: neither half of one, nor one that does not belong to the reference.
  Bench second(potential, system, 1.0);
  std::vector<double> far = system.positions;
  for (double& x : far) x += 0.3;
  std::vector<double> broken = far;
  broken[900] = std::numeric_limits<double>::infinity();
  CHECK(error_of([&] { second.evaluator.restore(broken, system.cell, {1, nullptr}); }).code == "NONFINITE_POSITION");
  CHECK(!second.evaluator.has_reference());
  CHECK(same_bits(second.run(1), start) && second.evaluator.rebuilt());
  std::atomic<bool> abort{true};
  CHECK(error_of([&] { second.evaluator.restore(far, system.cell, {2, &abort}); }).code == "ABORTED");
  CHECK(!second.evaluator.has_reference());
  CHECK(same_bits(second.run(1), start));
  CHECK(error_of([&] { second.evaluator.restore(far, {1, 0, 0, 1, 0, 0, 0, 0, 1}, {1, nullptr}); }).code == "E_CELL_INVALID");
  CHECK(same_bits(second.run(1), start));
}

void committees() {
  const System system = big_system();
  for (const DeepPotentialOptions options : {kNets, kTables, kFloatTables}) {
    // Different nets and statistics, one of them twice, and one with a switch that starts elsewhere.
    ModelShape other;
    other.descriptors[0].smooth = 2.0;
    const Isa isa = available_isas().back();
    std::vector<std::shared_ptr<const Potential>> members = {small_model(options, 3), small_model(options, 4)};
    members.push_back(members[0]);
    members.push_back(std::make_shared<DeepPotential>(random_parameters(other, 5), isa, options));
    // The other precision, beside these.
    members.push_back(small_model({!options.mixed, options.compressed}, 6));
    for (const std::size_t count : {std::size_t{4}, members.size()}) {
      const std::vector<std::shared_ptr<const Potential>> some(members.begin(),
                                                               members.begin() + static_cast<std::ptrdiff_t>(count));
      Bench committee(some, system);
      committee.run(2);
      for (std::size_t k = 0; k < some.size(); ++k) {
        const bool mixed = options.mixed != (k == 4);
        const Outcome own = Bench(some[k], system).run(1);
        CHECK(k == 0 ? same_bits(committee.out[k], own) : difference(committee.out[k], own) < (mixed ? 1e-5 : 1e-12));
      }
      CHECK(difference(committee.out[2], committee.out[0]) < (options.mixed ? 1e-5 : 1e-12));
      const std::vector<Outcome> once = committee.out;
      committee.run(5);
      for (std::size_t k = 0; k < some.size(); ++k) CHECK(same_bits(committee.out[k], once[k]));
      // The first alone, to the last bit.
      CHECK(same_bits(committee.run(3, nullptr, false), once[0]));
      std::atomic<bool> abort{true};
      CHECK(error_of([&] { committee.run(3, &abort); }).code == "ABORTED");
      CHECK(same_bits(committee.run(1), once[0]));
    }
  }
  ModelShape three;
  three.ntypes = 3;
  three.descriptors[0].sel = {5, 5, 5};
  const auto stranger = std::make_shared<DeepPotential>(random_parameters(three, 3), available_isas().back());
  CHECK(error_of([&] { Bench({small_model(), stranger}, system); }).code == "COMMITTEE_MISMATCH");
}

// The same models in committees of different order, and alone, while types turn up that have no tables yet: nobody waits for ever.
void committees_at_once() {
  ModelShape shape;
  shape.ntypes = 3;
  shape.descriptors[0].sel = {12, 9, 7};
  const Isa isa = available_isas().back();
  for (int repeat = 0; repeat < 6; ++repeat) {
    std::vector<std::shared_ptr<const Potential>> models;
    for (std::uint64_t seed = 0; seed < 2; ++seed)
      models.push_back(std::make_shared<DeepPotential>(random_parameters(shape, 40 + seed), isa, kTables));
    const std::vector<std::vector<std::size_t>> orders = {{0, 1, 0}, {1, 0, 1}, {0}, {1}};
    std::atomic<int> done{0};
    std::vector<std::thread> callers;
    for (std::size_t k = 0; k < orders.size(); ++k) {
      callers.emplace_back([&, k] {
        std::vector<std::shared_ptr<const Potential>> members;
        for (const std::size_t model : orders[k]) members.push_back(models[model]);
        for (int types = 1; types <= 3; ++types) {
          System system = random_system("mixture", 60, types, {10, 0, 0, 1, 9, 0, 2, -1, 11}, {true, true, true}, 30);
          if (k % 2 == 1) {
            for (std::int32_t& t : system.types) t = 2 - t;
          }
          Bench bench(members, system);
          done += std::isfinite(bench.run(1 + static_cast<int>(k)).energy) ? 1 : 0;
        }
      });
    }
    for (auto& caller : callers) caller.join();
    CHECK(done == 12);
  }
}

void wrapping() {
  const auto potential = small_model();
  const System system = big_system();
  const Outcome want = Bench(potential, system).run(1);
  Bench wrapped(potential, system, 0.5, SelOverflow::truncate, true);
  wrapped.run(2);
  // Positions have moved by lattice vectors of some tens of A: rounding of 1e-14 A, times slopes of forces.
  CHECK(difference(wrapped.out[0], want) < 1e-11);
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

void refused_cells() {
  const auto potential = small_model();
  // 1e-3 A thin: thousands of images each way along c, times those along a and b.
  System thin{"thin", {0, 0, 0}, {0}, {0.05, 0, 0, 0, 0.05, 0, 0, 0, 1e-3}, {true, true, true}};
  CHECK(error_of([&] { Bench(potential, thin).run(1); }).code == "E_CELL_INVALID");
  thin.cell = {1e-7, 0, 0, 0, 1e4, 0, 0, 0, 1e4};  // 4e7 images along a alone
  CHECK(error_of([&] { Bench(potential, thin).run(1); }).code == "E_CELL_INVALID");
  thin.cell = {1e-18, 0, 0, 0, 1e9, 0, 0, 0, 1e9};  // more than an int holds
  CHECK(error_of([&] { Bench(potential, thin).run(1); }).code == "E_CELL_INVALID");
  thin.cell = {1e200, 0, 0, 0, 1e200, 0, 0, 0, 1e200};
  CHECK(error_of([&] { Bench(potential, thin).run(1); }).code == "E_CELL_INVALID");
  // Few enough images, but so many bins among them that no number holds their count.
  System many{"many", {}, {}, {1e-5, 0, 0, 0, 400, 0, 0, 0, 400}, {true, true, true}};
  for (int i = 0; i < 2000; ++i) {
    for (int c = 0; c < 3; ++c) many.positions.push_back(c == 0 ? 0.0 : i * 0.2);
    many.types.push_back(i % 2);
  }
  CHECK(error_of([&] { Bench(potential, many).run(1); }).code == "E_CELL_INVALID");
}

}  // namespace

int main() {
  callers_at_once();
  tables_made_by_many();
  for (const DeepPotentialOptions options : {kNets, kFloatTables}) {
    aborts_and_failures(options);
    restored_lists(options);
  }
  below_the_pair_table();
  committees();
  committees_at_once();
  wrapping();
  refused_cells();
  return ionclay::test::finish("evaluator_test");
}
