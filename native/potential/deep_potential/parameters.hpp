// SPDX-License-Identifier: MIT
// Parameters of a Deep Potential as the readers give them (lib/potential/deep-potential-parameters.ts), unpadded. Arrays [T * T] have
// index centre * T + neighbour.
#pragma once

#include <cstdint>
#include <vector>

#include "native/core/tree.hpp"

namespace ionclay {

struct DeepPotentialParameters {
  struct Layer {
    int inputs = 0, outputs = 0;
    int activation = 0;  // deep_potential::Activation
    double threshold = 3.0;
    int shortcut = 0;  // deep_potential::Shortcut
    std::vector<double> weights, bias, idt;
    std::vector<double> slope, constant;  // affine shortcut
  };
  // Indices into `layers`: nets of many pairs share most of theirs.
  using Network = std::vector<int>;
  struct FileTable {
    double lower = 0, upper = 0, max = 0, step = 0, coarse_step = 0;
    int rows = 0;
    bool single = false;
    std::vector<double> coefficients;  // [rows][6 M], coefficient fastest
  };
  struct Descriptor {
    bool radial = false;
    double cutoff = 0, smooth = 0, switch_width = 0, protection = 0, slots = 0;
    bool mixed = false, per_slot = false;
    std::vector<int> sel;
    std::vector<double> davg, dstd;
    int width = 0, axis = 0;
    std::vector<Network> nets;
    std::vector<int> net_of, pad_net_of;
    std::vector<FileTable> tables;
    std::vector<int> table_of;  // empty for a plain model; pad_net_of points into tables otherwise
    std::vector<std::uint8_t> excluded;
    std::vector<double> strip_factors, strip_pad_factors;  // [T * T][M], [T * groups][M]; empty without strip mode
    int smoothing = 0;
    std::vector<double> constants;  // [T][k]
  };
  struct External {
    std::vector<double> average, inverse_std;
  };
  struct PairTable {
    double smallest = 0, step = 0, cutoff = 0, softmin_cutoff = 0, alpha = 0, from = 0, to = 0;
    int cells = 0;
    std::vector<double> coefficients;
    bool add_bias = false;
  };
  // A table of ours (tables.hpp), made at load or read from a file.
  struct LatentTable {
    int descriptor = 0, centre = 0, neighbour = 0;
    int columns = 0, degree = 0;
    std::vector<double> edges;         // [panels + 1], A
    std::vector<double> coefficients;  // [panels][degree + 1][columns], powers of (r - edge)/width, lowest first
    std::vector<double> expansion;     // [columns][M]
    double value_error = 0, slope_error = 0;
  };

  int ntypes = 0;
  double cutoff = 0;
  bool native_rule = false;
  std::vector<Layer> layers;
  std::vector<Descriptor> descriptors;
  std::vector<std::uint8_t> pair_excluded, atom_excluded, fitting_excluded, subtract_vacuum;
  std::vector<Network> fitting;
  std::vector<double> type_constants;  // [T][k]
  External frame, atoms;
  std::vector<double> case_constants;
  std::vector<double> atom_bias, out_std, out_bias;
  bool has_pair_table = false;
  PairTable pair_table;
  double shortest_distance = 0;  // A, in the training data; 0 = unknown
  std::vector<LatentTable> stored;
};

// From the flat object of lib/potential/deep-potential-native.ts. Throws ArgumentError with the name of what is wrong.
DeepPotentialParameters deep_potential_parameters(const Tree& tree);

}  // namespace ionclay
