// SPDX-License-Identifier: MIT
// Small Deep Potentials with random weights, and systems of random atoms to put through them. Every number comes from a seed.
#pragma once

#include <array>
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

struct ModelShape {
  std::string name;
  std::vector<int> sel{9, 7};
  bool one_sided = false;
  bool native_rule = false;
  bool per_slot = false;
  bool tables = false;
  std::vector<int> embedding{3, 6, 6};
  int axis = 2;
  std::vector<int> fitting{5, 5};
  int activation = 0;
  bool excluded = false;
  bool davg = true;
};

inline DeepPotentialParameters::Layer random_layer(Random& random, int inputs, int outputs, int activation, int shortcut) {
  DeepPotentialParameters::Layer layer;
  layer.inputs = inputs;
  layer.outputs = outputs;
  layer.activation = activation;
  layer.shortcut = shortcut;
  layer.weights = random.numbers(static_cast<std::size_t>(inputs) * outputs, 0.8);
  layer.bias = random.numbers(outputs, 0.5);
  if (shortcut != 0) layer.idt = random.numbers(outputs, 0.2, 0.6);
  return layer;
}

inline DeepPotentialParameters random_parameters(const ModelShape& shape, std::uint64_t seed) {
  Random random(seed);
  DeepPotentialParameters p;
  const int types = static_cast<int>(shape.sel.size());
  p.ntypes = types;
  p.cutoff = 4.3;
  p.smooth = 1.1;
  p.switch_width = p.cutoff - p.smooth;
  p.native_rule = shape.native_rule;
  p.per_slot = shape.per_slot;
  p.one_sided = shape.one_sided;
  p.sel = shape.sel;
  int slots = 0;
  for (const int n : shape.sel) slots += n;
  p.slots = slots > 0 ? slots : 1;
  const std::size_t rows = static_cast<std::size_t>(types) * (shape.per_slot ? slots : 1);
  for (std::size_t k = 0; k < rows; ++k) {
    p.davg.insert(p.davg.end(), {shape.davg ? 0.05 + random.spread(0.02) : 0.0, 0.0, 0.0, 0.0});
    const double angular = 0.09 + random.spread(0.02);
    p.dstd.insert(p.dstd.end(), {0.14 + random.spread(0.02), angular, angular, angular});
  }
  p.width = shape.embedding.back();
  p.axis = shape.axis;
  const int nets = shape.one_sided ? types : types * types;
  for (int net = 0; net < nets; ++net) {
    DeepPotentialParameters::Network network;
    int inputs = 1;
    for (const int outputs : shape.embedding) {
      network.push_back(random_layer(random, inputs, outputs, shape.activation,
                                     outputs == inputs       ? 1
                                     : outputs == 2 * inputs ? 2
                                                             : 0));
      inputs = outputs;
    }
    p.embedding.push_back(shape.tables ? DeepPotentialParameters::Network{} : network);
    if (!shape.tables) continue;
    DeepPotentialParameters::Table table;
    table.lower = -1.0;
    table.upper = 3.0;
    table.max = 9.0;
    table.step = 0.5;
    table.coarse_step = 2.0;
    table.rows = 8 + 3;
    table.coefficients = random.numbers(static_cast<std::size_t>(table.rows) * 6 * p.width, 0.3);
    p.tables.push_back(table);
  }
  for (int t = 0; t < types; ++t) {
    DeepPotentialParameters::Network network;
    int inputs = p.width * p.axis;
    for (const int outputs : shape.fitting) {
      network.push_back(random_layer(random, inputs, outputs, shape.activation, outputs == inputs ? 1 : 0));
      inputs = outputs;
    }
    network.push_back(random_layer(random, inputs, 1, 8, 0));
    p.fitting.push_back(network);
  }
  p.excluded.assign(static_cast<std::size_t>(types) * types, 0);
  p.pair_excluded = p.excluded;
  if (shape.excluded) {
    p.excluded[1] = 1;
    p.excluded[types] = 2;
    p.pair_excluded.back() = 1;
  }
  p.atom_excluded.assign(types, 0);
  p.fitting_excluded.assign(types, 0);
  p.subtract_vacuum.assign(types, 1);
  p.atom_bias = random.numbers(types, 3.0);
  p.out_std = random.numbers(types, 0.1, 1.0);
  p.out_bias = random.numbers(types, 1.0);
  return p;
}

struct System {
  std::string name;
  std::vector<double> positions;
  std::vector<std::int32_t> types;
  std::array<double, 9> cell{};
  std::array<bool, 3> periodic{true, true, true};
};

// Atoms anywhere in (and a little around) the cell, none nearer to another than `apart`, so that models stay in a sane range.
inline System random_system(const std::string& name, int natoms, int ntypes, const std::array<double, 9>& cell,
                            const std::array<bool, 3>& periodic, std::uint64_t seed, bool with_virtual = false) {
  Random random(seed);
  System out{name, {}, {}, cell, periodic};
  for (int i = 0; i < natoms; ++i) {
    for (int attempt = 0; attempt < 200; ++attempt) {
      double s[3];
      double x[3] = {0, 0, 0};
      for (int k = 0; k < 3; ++k) s[k] = 1.6 * random.uniform() - 0.3;
      for (int k = 0; k < 3; ++k) {
        for (int c = 0; c < 3; ++c) x[c] += s[k] * cell[3 * k + c];
      }
      bool clear = true;
      for (std::size_t j = 0; j < out.positions.size(); j += 3) {
        double d2 = 0.0;
        for (int c = 0; c < 3; ++c) d2 += (x[c] - out.positions[j + c]) * (x[c] - out.positions[j + c]);
        clear = clear && d2 > 1.0;
      }
      if (!clear && attempt < 199) continue;
      out.positions.insert(out.positions.end(), x, x + 3);
      break;
    }
    const bool is_virtual = with_virtual && i % 7 == 3;
    out.types.push_back(is_virtual ? -1 : static_cast<std::int32_t>(random.uniform() * ntypes));
  }
  return out;
}

}  // namespace ionclay::test
