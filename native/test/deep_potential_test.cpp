// SPDX-License-Identifier: MIT
// Kernels of the Deep Potential with random models of every kind over random systems, in every precision: meant to be run under the
// sanitizers. That the numbers are right is shown elsewhere, against the formulas; here they must not depend on threads, on the skin of
// the list or on what the memory was used for before, and tables must stand for their nets.
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include "native/simd/isa.hpp"
#include "native/test/bench.hpp"
#include "native/test/check.hpp"

namespace {

using namespace ionclay;
using namespace ionclay::test;

std::vector<ModelShape> shapes() {
  std::vector<ModelShape> out;
  const auto add = [&](const char* name) -> ModelShape& {
    out.push_back({});
    out.back().name = name;
    return out.back();
  };
  const auto first = [&](const char* name) -> DescriptorShape& { return add(name).descriptors[0]; };
  first("two-sided");
  first("one-sided, native rule").one_sided = true;
  out.back().native_rule = true;
  first("statistics by slot").per_slot = true;
  first("tables of the file").tables = FileTables::smooth;
  first("tables of the file that jump").tables = FileTables::jumping;
  first("exclusions").excluded = true;
  add("exclusions of the model").exclusions = true;
  out.back().native_rule = true;
  first("no slots for one type").sel = {0, 12};
  first("no slots for one type, statistics by slot").sel = {11, 0};
  out.back().descriptors[0].per_slot = true;
  first("widths that are no multiple of a vector").embedding = {5, 10, 10, 17};
  out.back().descriptors[0].axis = 7;
  out.back().fitting = {33, 33, 9};
  first("axis beyond a vector").embedding = {8, 16, 20};
  out.back().descriptors[0].axis = 19;
  out.back().fitting = {6, 12};
  first("one number wide").embedding = {1};
  out.back().descriptors[0].axis = 1;
  out.back().fitting = {};
  first("softplus, wide").activation = 4;
  out.back().activation = 4;
  out.back().descriptors[0].embedding = {16, 32, 32};
  out.back().descriptors[0].axis = 4;
  // The first fitting layer hands on its input: D is not folded.
  first("shortcut of the whole descriptor").embedding = {3, 6};
  out.back().fitting = {12, 24};
  DescriptorShape& lone = first("one type");
  lone.sel = {14};
  lone.activation = 1;
  out.back().ntypes = 1;

  first("se_e2_r").radial = true;
  DescriptorShape& radial = first("se_e2_r, one-sided, excluded pair, tables");
  radial.radial = radial.one_sided = radial.excluded = true;
  radial.tables = FileTables::smooth;
  DescriptorShape& slots = first("se_e2_r, statistics by slot, native rule");
  slots.radial = slots.per_slot = true;
  out.back().native_rule = true;

  DescriptorShape a, r, short_ranged;
  a.one_sided = true;
  a.cutoff = 3.1;
  a.smooth = 0.6;
  r.radial = true;
  r.sel = {25, 20};
  short_ranged.cutoff = 3.7;
  short_ranged.smooth = 2.2;
  short_ranged.sel = {3, 2};
  add("hybrid").descriptors = {a, r, short_ranged};
  add("hybrid, native rule").descriptors = {short_ranged, r, a};
  out.back().native_rule = true;

  DescriptorShape concat;
  concat.mixed = concat.affine = true;
  concat.sel = {19};
  concat.constants = 3;
  add("one group, affine shortcuts").descriptors = {concat};
  out.back().shared_fitting = true;
  out.back().native_rule = true;
  concat.constants = 0;
  concat.excluded = true;
  concat.per_slot = true;
  add("one group, graph, statistics by slot").descriptors = {concat};
  out.back().shared_fitting = true;
  out.back().type_constants = 3;
  for (const int smoothing : {0, 1, 2}) {
    DescriptorShape strip;
    strip.mixed = strip.strip = true;
    strip.sel = {60};
    strip.smoothing = smoothing;
    strip.davg = smoothing != 1;
    strip.protection = smoothing == 1 ? 0.1 : 0.0;
    if (smoothing == 2) strip.tables = FileTables::smooth;
    add("strip mode").descriptors = {strip};
    out.back().native_rule = smoothing != 2;
    if (smoothing != 1) continue;
    DescriptorShape grouped = a;
    grouped.sel = {2, 2};
    add("mixed and grouped").descriptors = {strip, grouped};
    out.back().native_rule = true;
    add("pair table, native").descriptors = {strip};
    out.back().native_rule = out.back().pair_table = true;
  }
  add("pair table, graph").pair_table = true;
  ModelShape& parameters = add("frame and atom parameters");
  parameters.fparam = 2;
  parameters.aparam = 3;
  parameters.case_constants = 2;
  return out;
}

std::vector<System> systems(int ntypes) {
  const std::array<bool, 3> all{true, true, true}, none{false, false, false};
  std::vector<System> out = {
      random_system("triclinic", 90, ntypes, {11, 0, 0, 4, 10, 0, -5, 3, 9}, all, 6, true),
      random_system("one atom in a tiny cell", 1, ntypes, {2.1, 0, 0, 0.4, 2.3, 0, -0.3, 0.2, 1.9}, all, 2),
      random_system("cluster", 23, ntypes, {9, 0, 0, 0, 9, 0, 0, 0, 9}, none, 4, true),
      random_system("one atom alone", 1, ntypes, {1, 0, 0, 0, 1, 0, 0, 0, 1}, none, 1),
      random_system("two far apart", 2, ntypes, {400, 0, 0, 0, 400, 0, 0, 0, 400}, none, 3),
      random_system("slab", 31, ntypes, {8, 0, 0, 2, 7, 0, 0, 0, 20}, {true, true, false}, 5),
      random_system("all virtual", 4, 1, {6, 0, 0, 0, 6, 0, 0, 0, 6}, all, 7),
  };
  out.back().types.assign(4, -1);
  return out;
}

constexpr DeepPotentialOptions kNets{false, false}, kTables{false, true}, kFloatNets{true, false}, kFloatTables{true, true};

void kernels_on(Isa isa) {
  for (const ModelShape& shape : shapes()) {
    const DeepPotentialParameters parameters = random_parameters(shape, 11);
    const auto reference = std::make_shared<DeepPotential>(parameters, isa, kNets);
    for (const DeepPotentialOptions options : {kNets, kTables, kFloatNets, kFloatTables}) {
      const auto potential = std::make_shared<DeepPotential>(parameters, isa, options);
      // Sums in another order: rounding of doubles; in float a number may be rounded the other way (6e-8), which nets amplify.
      const double rounding = options.mixed ? 1e-5 : 1e-12;
      const auto all = systems(shape.ntypes);
      const std::size_t count = options.mixed == options.compressed ? all.size() : 3;
      for (std::size_t which = 0; which < count; ++which) {
        System system = all[which];
        const auto report = [&](bool ok, const char* what) {
          if (!ok)
            std::printf("%s, %s, %s, mixed %d, compressed %d: %s\n", isa_name(isa), shape.name.c_str(), system.name.c_str(),
                        options.mixed, options.compressed, what);
          CHECK(ok);
        };
        Bench alone(potential, system);
        const Outcome plain = alone.run(1);
        bool equal = true;
        for (const int threads : {2, 8}) {
          Bench other(potential, system);
          equal = equal && same_bits(plain, other.run(threads));
          // Again, with scratch memory that has been used.
          equal = equal && same_bits(plain, other.run(1));
        }
        report(equal, "threads");
        // Nets of a file that jump have no table: then these are the nets themselves. Tables are made to 1e-8 (3e-7 in float).
        const Outcome nets = Bench(reference, system).run(1);
        report(difference(plain, nets) < (options.mixed        ? 3e-5
                                          : options.compressed ? 1e-6
                                                               : 0.0) ||
                   same_bits(plain, nets),
               "against nets in double");

        Bench skinned(potential, system, 1.5);
        report(difference(skinned.run(2), plain) < rounding && skinned.evaluator.rebuilt(), "list with a skin");
        const Outcome once = skinned.out[0];
        report(same_bits(once, skinned.run(1)) && !skinned.evaluator.rebuilt(), "list kept");

        // Action and reaction: forces add up to nothing but the rounding of their sums, in float too.
        double total[3] = {0, 0, 0}, size = 1.0;
        for (std::size_t i = 0; i < plain.forces.size(); ++i) {
          total[i % 3] += plain.forces[i];
          size = std::max(size, std::fabs(plain.forces[i]));
        }
        report(std::fabs(total[0]) + std::fabs(total[1]) + std::fabs(total[2]) < 1e-11 * size, "sum of forces");

        // Moved a little, strained a little: the kept list gives what a new one gives, apart from the rounding of the wrapping offsets.
        // Not where images of one atom tie for the last slot: rounding would decide.
        if (system.name == "one atom in a tiny cell") continue;
        Random random(17);
        for (int step = 0; step < 3; ++step) {
          for (double& x : system.positions) x += random.spread(0.1);
          for (double& h : system.cell) h *= 1.0 + 0.002 * step;
          skinned.move_to(system);
          Bench fresh(potential, system);
          report(difference(skinned.run(2), fresh.run(1)) < (options.mixed ? 1e-5 : 1e-10), "moved");
        }
        // A cell that has changed by a third at once cannot keep any list.
        for (double& h : system.cell) h *= 1.3;
        for (double& x : system.positions) x *= 1.3;
        skinned.move_to(system);
        Bench fresh(potential, system);
        report(difference(skinned.run(2), fresh.run(1)) < (options.mixed ? 1e-5 : 1e-10) && skinned.evaluator.rebuilt(),
               "widened");
      }
    }
  }
}

void more_neighbours_than_slots() {
  const System system = random_system("crowd", 60, 2, {8, 0, 0, 1, 8, 0, 0, -1, 8}, {true, true, true}, 13);
  for (const Isa isa : available_isas()) {
    for (const ModelShape& shape : shapes()) {
      const auto potential = std::make_shared<DeepPotential>(random_parameters(shape, 7), isa);
      bool per_slot = false;
      for (const auto& d : shape.descriptors) per_slot = per_slot || d.per_slot;
      if (per_slot) {
        CHECK(error_of([&] { Bench(potential, system, 0.0, SelOverflow::grow).run(1); }).code == "SEL_CANNOT_GROW");
        continue;
      }
      if (shape.ntypes != 2) continue;
      Bench grown(potential, system, 0.5, SelOverflow::grow);
      const Outcome once = grown.run(1);
      CHECK(std::isfinite(once.energy) && same_bits(once, grown.run(3)));
    }
  }
}

void many_types() {
  ModelShape shape;
  shape.ntypes = 128;
  shape.descriptors[0].sel.assign(128, 1);
  shape.descriptors[0].one_sided = true;
  for (const DeepPotentialOptions options : {kNets, kFloatTables}) {
    const auto potential = std::make_shared<DeepPotential>(random_parameters(shape, 5), available_isas().back(), options);
    System system = random_system("of 128 types", 300, 128, {15, 0, 0, 0, 15, 0, 0, 0, 15}, {true, true, true}, 9, true);
    // Tables are made for pairs of types that are there: a few in the compressed model, whose tables take a while.
    for (std::int32_t& type : system.types) type = options.compressed && type >= 0 ? type % 4 * 31 : type;
    Bench one(potential, system), eight(potential, system);
    CHECK(same_bits(one.run(1), eight.run(8)));
  }
  shape.ntypes = 129;
  shape.descriptors[0].sel.assign(129, 1);
  CHECK(error_of([&] { DeepPotential(random_parameters(shape, 5), Isa::baseline); }).code == "MODEL_SHAPE");
}

void refused_parameters() {
  ModelShape shape;
  shape.pair_table = true;
  shape.descriptors.push_back(shape.descriptors[0]);
  shape.descriptors[1].tables = FileTables::smooth;
  shape.descriptors[1].strip = true;
  const auto refused = [&](auto&& spoil) {
    bool all = true;
    for (const DeepPotentialOptions options : {kNets, kFloatTables}) {
      DeepPotentialParameters p = random_parameters(shape, 3);
      spoil(p);
      all = all && error_of([&] { DeepPotential(p, Isa::baseline, options); }).code == "MODEL_SHAPE";
    }
    return all;
  };
  CHECK(!refused([](auto&) {}));
  CHECK(refused([](auto& p) { p.descriptors[1].tables[1].step = 1e-300; }));
  CHECK(refused([](auto& p) { p.descriptors[1].tables[1].max = 1e300; }));
  CHECK(refused([](auto& p) { p.descriptors[1].tables[0].lower = std::numeric_limits<double>::quiet_NaN(); }));
  CHECK(refused([](auto& p) { p.descriptors[1].tables[0].coefficients.pop_back(); }));
  CHECK(refused([](auto& p) { p.descriptors[1].table_of[3] = 99; }));
  CHECK(refused([](auto& p) { p.descriptors[1].strip_pad_factors.pop_back(); }));
  CHECK(refused([](auto& p) { p.descriptors[0].sel[0] = 2147483647; }));
  CHECK(refused([](auto& p) { p.descriptors[0].sel[0] = -1; }));
  CHECK(refused([](auto& p) { p.descriptors[0].width = 1 << 16, p.descriptors[0].axis = 1 << 16; }));
  CHECK(refused([](auto& p) { p.descriptors[0].excluded.pop_back(); }));
  CHECK(refused([](auto& p) { p.descriptors[0].net_of[0] = 4; }));
  CHECK(refused([](auto& p) { p.descriptors[0].nets[0].back() = -1; }));
  CHECK(refused([](auto& p) { p.descriptors[0].nets[0].clear(); }));
  CHECK(refused(
      [](auto& p) { p.descriptors[0].nets[0].insert(p.descriptors[0].nets[0].end(), 100000, p.descriptors[0].nets[0][2]); }));
  CHECK(refused([](auto& p) { p.descriptors[0].pad_net_of[0] = -2; }));
  CHECK(refused([](auto& p) { p.layers[p.fitting[0][0]].bias.clear(); }));
  CHECK(refused([](auto& p) { p.fitting[0].back() = -1; }));
  CHECK(refused([](auto& p) { p.fitting[0].insert(p.fitting[0].begin() + 1, 100000, p.fitting[0][1]); }));
  CHECK(refused([](auto& p) { p.layers[p.fitting[1][1]].outputs = 7; }));
  CHECK(refused([](auto& p) { p.frame.average.push_back(0.0); }));
  CHECK(refused([](auto& p) { p.type_constants.push_back(0.0); }));
  CHECK(refused([](auto& p) { p.descriptors[0].constants.assign(3, 0.0); }));
  CHECK(refused([](auto& p) { p.pair_table.coefficients.pop_back(); }));
  CHECK(refused([](auto& p) { p.pair_table.smallest = std::numeric_limits<double>::quiet_NaN(); }));
  CHECK(refused([](auto& p) { p.pair_table.cells = -1; }));
  CHECK(refused([](auto& p) { p.cutoff = 1.0; }));
  CHECK(refused([](auto& p) { p.descriptors.clear(); }));

  // A few numbers of the file must not become gigabytes: empty slots of 2^20 rows with statistics of their own, 2^16 wide.
  ModelShape wide;
  wide.ntypes = 1;
  wide.descriptors[0].sel = {1 << 18};
  wide.descriptors[0].per_slot = true;
  wide.descriptors[0].embedding = {1 << 14};
  CHECK(error_of([&] { DeepPotential(random_parameters(wide, 3), Isa::baseline); }).code == "MODEL_SHAPE");
}

// Tables that come with the file are bounds-checked like everything else.
void refused_tables() {
  const DeepPotentialParameters plain = random_parameters(ModelShape{}, 3);
  const Isa isa = available_isas().back();
  const auto made = DeepPotential(plain, isa, kTables).tables({2, nullptr});
  CHECK(made.size() == 4);
  const System system = random_system("big", 200, 2, {15, 0, 0, 3, 14, 0, 1, -4, 15}, {true, true, true}, 21);
  const Outcome fresh = Bench(std::make_shared<DeepPotential>(plain, isa, kTables), system).run(2);
  for (const DeepPotentialOptions options : {kTables, kFloatTables}) {
    DeepPotentialParameters stored = plain;
    stored.stored = made;
    const auto potential = std::make_shared<DeepPotential>(stored, isa, options);
    const Outcome read = Bench(potential, system).run(2);
    CHECK(options.mixed ? difference(read, fresh) < 1e-5 : same_bits(read, fresh));
    const auto refused = [&](auto&& spoil) {
      DeepPotentialParameters p = stored;
      spoil(p.stored[2]);
      return error_of([&] { DeepPotential(p, isa, options); }).code == "MODEL_SHAPE";
    };
    CHECK(refused([](auto& t) { t.descriptor = 1; }));
    CHECK(refused([](auto& t) { t.centre = 2; }));
    CHECK(refused([](auto& t) { t.neighbour = 128; }));
    CHECK(refused([](auto& t) { t.degree = 6; }));
    CHECK(refused([](auto& t) { t.edges.clear(); }));
    CHECK(refused([](auto& t) { t.edges.pop_back(); }));
    CHECK(refused([](auto& t) { t.edges.back() = 4.0; }));
    CHECK(refused([](auto& t) { t.edges[1] = t.edges[0]; }));
    CHECK(refused([](auto& t) { t.edges[1] = std::numeric_limits<double>::quiet_NaN(); }));
    CHECK(refused([](auto& t) { t.edges[0] = -std::numeric_limits<double>::infinity(); }));
    CHECK(refused([](auto& t) { t.edges[1] = t.edges[0] + 1e-12; }));
    CHECK(refused([](auto& t) { t.coefficients.pop_back(); }));
    CHECK(refused([](auto& t) { t.expansion.push_back(0.0); }));
  }
}

// A weight that is not a number must be seen in the energy, not hidden by a saturated tanh.
void not_a_number() {
  DeepPotentialParameters p = random_parameters(ModelShape{}, 3);
  p.layers[p.fitting[0][0]].weights[2] = std::numeric_limits<double>::quiet_NaN();
  const System system = random_system("big", 100, 2, {12, 0, 0, 3, 11, 0, 1, -4, 12}, {true, true, true}, 21);
  for (const Isa isa : available_isas()) {
    for (const DeepPotentialOptions options : {kNets, kFloatTables})
      CHECK(std::isnan(Bench(std::make_shared<DeepPotential>(p, isa, options), system).run(2).energy));
  }
}

}  // namespace

int main() {
  for (const Isa isa : available_isas()) kernels_on(isa);
  more_neighbours_than_slots();
  many_types();
  refused_parameters();
  refused_tables();
  not_a_number();
  return ionclay::test::finish("deep_potential_test");
}
