// SPDX-License-Identifier: MIT
// Small Deep Potentials of every kind with random weights, and systems of random atoms to put through them. Every number comes from a seed.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "native/potential/deep_potential/deep_potential.hpp"

namespace ionclay::test {

// splitmix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  double uniform() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  double spread(double width) { return width * (2.0 * uniform() - 1.0); }
  std::vector<double> numbers(std::size_t n, double width, double mean = 0.0) {
    std::vector<double> out(n);
    for (double& x : out) x = mean + spread(width);
    return out;
  }

 private:
  std::uint64_t state_;
};

// Tables of the file: none, of a smooth function, or random panels that do not join.
enum class FileTables { none, smooth, jumping };

struct DescriptorShape {
  bool radial = false;
  bool mixed = false;
  bool one_sided = false;
  bool per_slot = false;
  std::vector<int> sel{9, 7};  // a group; one number where mixed
  double cutoff = 4.3, smooth = 1.1, protection = 0.0;
  std::vector<int> embedding{3, 6, 6};
  int axis = 2;
  int activation = 0;
  bool affine = false;
  FileTables tables = FileTables::none;
  bool strip = false;
  int smoothing = 0;
  bool excluded = false;
  bool davg = true;
  int constants = 0;
};

struct ModelShape {
  std::string name;
  int ntypes = 2;
  bool native_rule = false;
  std::vector<DescriptorShape> descriptors{1};
  std::vector<int> fitting{5, 5};
  int activation = 0;
  bool shared_fitting = false;
  bool exclusions = false;  // of pairs, atoms and fitting nets, by the model
  bool vacuum = true;
  int type_constants = 0, case_constants = 0, fparam = 0, aparam = 0;
  bool pair_table = false;
};

inline DeepPotentialParameters::Layer random_layer(Random& random, int inputs, int outputs, int activation, int shortcut) {
  DeepPotentialParameters::Layer layer;
  layer.inputs = inputs;
  layer.outputs = outputs;
  layer.activation = activation;
  layer.shortcut = shortcut;
  layer.weights = random.numbers(static_cast<std::size_t>(inputs) * outputs, 1.4 / std::sqrt(inputs));
  layer.bias = random.numbers(outputs, 0.5);
  if (shortcut == 3) {
    layer.slope = random.numbers(outputs, 0.5, 0.5);
    layer.constant = random.numbers(outputs, 0.3);
  }
  if (shortcut != 0) layer.idt = random.numbers(outputs, 0.2, 0.6);
  return layer;
}

inline int keep(DeepPotentialParameters& p, DeepPotentialParameters::Layer layer) {
  p.layers.push_back(std::move(layer));
  return static_cast<int>(p.layers.size()) - 1;
}

inline DeepPotentialParameters::FileTable random_table(Random& random, int width, bool smooth) {
  DeepPotentialParameters::FileTable table;
  table.lower = -1.0;
  table.upper = 3.0;
  table.max = 9.0;
  table.step = 0.5;
  table.coarse_step = 2.0;
  table.rows = 8 + 3;
  table.single = !smooth;
  if (!smooth) {
    table.coefficients = random.numbers(static_cast<std::size_t>(table.rows) * 6 * width, 0.3);
    return table;
  }
  // One cubic for each output, seen from the left end of every panel.
  const std::vector<double> c = random.numbers(static_cast<std::size_t>(4) * width, 0.2);
  for (int row = 0; row < table.rows; ++row) {
    const double s = row < 8 ? table.lower + row * table.step : table.upper + (row - 8) * table.coarse_step;
    for (int m = 0; m < width; ++m) {
      const double* a = &c[4 * static_cast<std::size_t>(m)];
      const double panel[6] = {
          ((a[3] * s + a[2]) * s + a[1]) * s + a[0], (3 * a[3] * s + 2 * a[2]) * s + a[1], 3 * a[3] * s + a[2], a[3], 0.0, 0.0};
      table.coefficients.insert(table.coefficients.end(), panel, panel + 6);
    }
  }
  return table;
}

inline DeepPotentialParameters::Descriptor random_descriptor(DeepPotentialParameters& p, Random& random,
                                                             const DescriptorShape& shape) {
  DeepPotentialParameters::Descriptor d;
  const std::size_t types = static_cast<std::size_t>(p.ntypes);
  const std::size_t groups = shape.mixed ? 1 : types;
  d.radial = shape.radial;
  d.mixed = shape.mixed;
  d.per_slot = shape.per_slot;
  d.cutoff = shape.cutoff;
  d.smooth = shape.smooth;
  d.switch_width = shape.cutoff - shape.smooth;
  d.protection = shape.protection;
  d.sel = shape.sel;
  int slots = 0;
  for (const int n : shape.sel) slots += n;
  d.slots = slots > 0 ? slots : 1;
  for (std::size_t k = 0; k < types * (shape.per_slot ? slots : 1); ++k) {
    d.davg.insert(d.davg.end(), {shape.davg ? 0.05 + random.spread(0.02) : 0.0, 0.0, 0.0, 0.0});
    const double angular = shape.radial ? 1.0 : 0.09 + random.spread(0.02);
    d.dstd.insert(d.dstd.end(), {0.14 + random.spread(0.02), angular, angular, angular});
  }
  d.width = shape.embedding.back();
  d.axis = shape.radial ? 0 : shape.axis;
  const bool tables = shape.tables != FileTables::none;
  const std::size_t nets = shape.mixed && shape.strip ? 1 : shape.one_sided ? types : types * types;
  for (std::size_t net = 0; net < nets; ++net) {
    if (tables) {
      d.tables.push_back(random_table(random, d.width, shape.tables == FileTables::smooth));
      continue;
    }
    DeepPotentialParameters::Network network;
    int inputs = 1;
    for (const int outputs : shape.embedding) {
      const int shortcut = shape.affine && network.empty() ? 3 : outputs == inputs ? 1 : outputs == 2 * inputs ? 2 : 0;
      // Nets of one descriptor share their second layer, as folded type embeddings do.
      const bool shared = shape.affine && network.size() == 1 && net > 0;
      network.push_back(shared ? d.nets[0][1] : keep(p, random_layer(random, inputs, outputs, shape.activation, shortcut)));
      inputs = outputs;
    }
    d.nets.push_back(network);
  }
  std::vector<int> of(types * types), none(types * types, -1);
  for (std::size_t pair = 0; pair < of.size(); ++pair) {
    of[pair] = static_cast<int>(nets == 1 ? 0 : shape.one_sided ? pair % types : pair);
  }
  d.net_of = tables ? none : of;
  if (tables) d.table_of = of;
  for (std::size_t k = 0; k < types * groups; ++k) d.pad_net_of.push_back(shape.mixed ? of[k * types] : of[k]);
  d.excluded.assign(types * types, 0);
  if (shape.excluded) {
    d.excluded[1] = shape.mixed ? 1 : 2;
    d.excluded[types] = 1;
    if (!shape.radial && !shape.mixed) d.pad_net_of[1] = -1;
  }
  if (shape.strip) {
    d.strip_factors = random.numbers(types * types * d.width, 1.2);
    d.strip_pad_factors = random.numbers(types * groups * d.width, 1.2);
    d.smoothing = shape.smoothing;
  }
  d.constants = random.numbers(types * shape.constants, 0.8);
  return d;
}

// Repulsive, zero with its slope at the end; the same for all pairs but for its height.
inline DeepPotentialParameters::PairTable random_pair_table(Random& random, std::size_t types, double cutoff) {
  DeepPotentialParameters::PairTable table;
  table.cells = 40;
  table.step = cutoff / table.cells;
  table.cutoff = table.softmin_cutoff = cutoff;
  table.alpha = 0.3;
  table.from = 1.2;
  table.to = 2.8;
  table.add_bias = true;
  for (std::size_t pair = 0; pair < types * types; ++pair) {
    const double height = 5.0 + random.spread(2.0);
    for (int k = 0; k < table.cells; ++k) {
      // height (1 - x)^3 with x = (k + u)/cells, in powers of u from the third down.
      const double a = 1.0 - static_cast<double>(k) / table.cells, h = 1.0 / table.cells;
      for (const double c : {-h * h * h, 3.0 * a * h * h, -3.0 * a * a * h, a * a * a}) table.coefficients.push_back(height * c);
    }
  }
  return table;
}

inline DeepPotentialParameters random_parameters(const ModelShape& shape, std::uint64_t seed) {
  Random random(seed);
  DeepPotentialParameters p;
  const std::size_t types = static_cast<std::size_t>(shape.ntypes);
  p.ntypes = shape.ntypes;
  p.native_rule = shape.native_rule;
  int inputs = shape.type_constants + shape.case_constants + shape.fparam + shape.aparam;
  for (const DescriptorShape& d : shape.descriptors) {
    p.cutoff = std::max(p.cutoff, d.cutoff);
    p.descriptors.push_back(random_descriptor(p, random, d));
    inputs += (d.radial ? d.embedding.back() : d.embedding.back() * d.axis) + d.constants;
  }
  for (std::size_t t = 0; t < types; ++t) {
    if (shape.shared_fitting && t > 0) {
      p.fitting.push_back(p.fitting[0]);
      continue;
    }
    DeepPotentialParameters::Network network;
    int width = inputs;
    for (const int outputs : shape.fitting) {
      const int shortcut = outputs == width ? 1 : outputs == 2 * width ? 2 : 0;
      network.push_back(keep(p, random_layer(random, width, outputs, shape.activation, shortcut)));
      width = outputs;
    }
    network.push_back(keep(p, random_layer(random, width, 1, 8, 0)));
    p.fitting.push_back(network);
  }
  p.pair_excluded.assign(types * types, 0);
  p.atom_excluded.assign(types, 0);
  p.fitting_excluded.assign(types, 0);
  p.subtract_vacuum.assign(types, shape.vacuum ? 1 : 0);
  if (shape.exclusions) {
    p.pair_excluded.back() = 1;
    p.atom_excluded.back() = 1;
    p.fitting_excluded[types > 2 ? 1 : 0] = 1;
  }
  p.type_constants = random.numbers(types * shape.type_constants, 0.8);
  p.case_constants = random.numbers(shape.case_constants, 0.7);
  p.frame = {random.numbers(shape.fparam, 0.3), random.numbers(shape.fparam, 0.3, 1.2)};
  p.atoms = {random.numbers(shape.aparam, 0.3), random.numbers(shape.aparam, 0.3, 1.2)};
  p.atom_bias = random.numbers(types, 3.0);
  p.out_std = random.numbers(types, 0.1, 1.0);
  p.out_bias = random.numbers(types, 1.0);
  p.has_pair_table = shape.pair_table;
  if (shape.pair_table) p.pair_table = random_pair_table(random, types, p.cutoff);
  return p;
}

struct System {
  std::string name;
  std::vector<double> positions;
  std::vector<std::int32_t> types;
  std::array<double, 9> cell{};
  std::array<bool, 3> periodic{true, true, true};
};

// Atoms anywhere in (and a little around) the cell, none nearer to another or its next images than `apart` where there is room, so that
// models stay in a sane range.
inline System random_system(const std::string& name, int natoms, int ntypes, const std::array<double, 9>& cell,
                            const std::array<bool, 3>& periodic, std::uint64_t seed, bool with_virtual = false,
                            double apart = 1.0) {
  Random random(seed);
  System out{name, {}, {}, cell, periodic};
  std::vector<double> lattice;
  const auto reach = [&](int k) { return periodic[k] ? 2 : 0; };
  for (int a = -reach(0); a <= reach(0); ++a) {
    for (int b = -reach(1); b <= reach(1); ++b) {
      for (int c = -reach(2); c <= reach(2); ++c) {
        for (int k = 0; k < 3; ++k) lattice.push_back(a * cell[k] + b * cell[3 + k] + c * cell[6 + k]);
      }
    }
  }
  const auto clear = [&](const double* x) {
    for (std::size_t j = 0; j < out.positions.size(); j += 3) {
      for (std::size_t l = 0; l < lattice.size(); l += 3) {
        double d2 = 0.0;
        for (int c = 0; c < 3; ++c) {
          const double d = x[c] - out.positions[j + c] + lattice[l + c];
          d2 += d * d;
        }
        if (d2 < apart * apart) return false;
      }
    }
    return true;
  };
  for (int i = 0; i < natoms; ++i) {
    double x[3];
    for (int attempt = 0; attempt < 200; ++attempt) {
      double s[3];
      for (double& f : s) f = 1.6 * random.uniform() - 0.3;
      for (int c = 0; c < 3; ++c) x[c] = s[0] * cell[c] + s[1] * cell[3 + c] + s[2] * cell[6 + c];
      if (apart <= 0.0 || clear(x)) break;
    }
    out.positions.insert(out.positions.end(), x, x + 3);
    const bool is_virtual = with_virtual && i % 7 == 3;
    out.types.push_back(is_virtual ? -1 : static_cast<std::int32_t>(random.uniform() * ntypes));
  }
  return out;
}

}  // namespace ionclay::test
