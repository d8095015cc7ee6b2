// SPDX-License-Identifier: MIT
// Parameters -> padded layouts of the kernels, and the constants that need a kernel to compute them (empty slots, vacuum energies).
#include "native/potential/deep_potential/model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "native/core/error.hpp"
#include "native/potential/deep_potential/scratch.hpp"

namespace ionclay::deep_potential {

void require(bool condition, const char* what) {
  if (!condition) throw Error("MODEL_SHAPE", std::string("model parameters do not fit together: ") + what);
}

// Longest net, and most constants of empty slots (1 GB of doubles). Files of some kilobytes could ask for more than any memory holds, by
// naming one layer again and again or by statistics that differ by slot.
constexpr std::size_t kMostLayers = 256;
constexpr double kMostPadNumbers = 1 << 27;

// -1: none.
namespace {

bool in_range(const std::vector<int>& indices, std::size_t size) {
  return std::all_of(indices.begin(), indices.end(), [&](int k) { return k >= -1 && k < static_cast<int>(size); });
}

bool is_net(const std::vector<int>& layers, std::size_t size) {
  return !layers.empty() && layers.size() <= kMostLayers &&
         std::all_of(layers.begin(), layers.end(), [&](int k) { return k >= 0 && k < static_cast<int>(size); });
}

}  // namespace

template <class Real>
std::vector<Real> packed(const std::vector<double>& matrix, int rows, int columns, int strip) {
  std::vector<Real> out(matrix.size());
  for (int first = 0; first < columns; first += strip) {
    const int width = std::min(strip, columns - first);
    Real* at = out.data() + static_cast<std::size_t>(first) * rows;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < width; ++c)
        at[static_cast<std::size_t>(r) * width + c] =
            static_cast<Real>(matrix[static_cast<std::size_t>(r) * columns + first + c]);
    }
  }
  return out;
}

template <class Real>
Model<Real>::Model(const DeepPotentialParameters& p, const Kernel<Real>& kernel, bool fitting)
    : source_(p), kernel_(kernel), types_(p.ntypes) {
  const std::size_t types = static_cast<std::size_t>(p.ntypes);
  require(p.ntypes > 0 && p.ntypes <= 128, "number of types");
  require(p.cutoff > 0 && !p.descriptors.empty() && p.descriptors.size() <= 64, "cutoff or descriptors");
  require(p.fitting.size() == types, "number of fitting nets");
  require(p.pair_excluded.size() == types * types, "exclusions");
  for (const auto* flags : {&p.atom_excluded, &p.fitting_excluded, &p.subtract_vacuum})
    require(flags->size() == types, "type flags");
  for (const auto* values : {&p.atom_bias, &p.out_std, &p.out_bias}) require(values->size() == types, "biases");
  layers_.resize(p.layers.size());
  view_.ntypes = p.ntypes;
  view_.cutoff = p.cutoff;
  view_.native_rule = p.native_rule;
  view_.pair_excluded = keep(p.pair_excluded);
  view_.fitting_excluded = keep(p.fitting_excluded);
  view_.atom_excluded = keep(p.atom_excluded);
  view_.subtract_vacuum = keep(p.subtract_vacuum);
  view_.atom_bias = keep(p.atom_bias);
  view_.out_std = keep(p.out_std);
  view_.out_bias = keep(p.out_bias);

  // D is symmetric in its first M2 columns: equal columns enter the first fitting layer once, unless that layer hands its input on.
  bool folded = true;
  for (const auto& net : p.fitting) {
    require(is_net(net, p.layers.size()), "fitting net");
    folded = folded && p.layers[net.front()].shortcut == 0;
  }
  std::vector<int> base(types, 0);
  bool any_mixed = false;
  int most = 0;
  for (const auto& source : p.descriptors) {
    add_descriptor(source, folded);
    any_mixed = any_mixed || source.mixed;
    for (std::size_t g = 0; g < source.sel.size() && !source.mixed; ++g) base[g] = std::max(base[g], source.sel[g]);
    most = std::max(most, descriptors_.back().slots_total);
  }
  // A list without groups, as any mixed descriptor asks for, is as long as the longest; else each group is as long as its longest.
  for (const int slots : base) view_.base_slots += slots;
  if (any_mixed) view_.base_slots = most;
  view_.shared_base = p.descriptors.size() > 1 || p.descriptors[0].cutoff < p.cutoff || (p.has_pair_table && p.native_rule);
  view_.descriptor_count = static_cast<int>(descriptors_.size());
  view_.descriptors = descriptors_.data();
  if (p.has_pair_table) {
    const auto& t = p.pair_table;
    require(t.cells > 0 && t.coefficients.size() == types * types * 4 * static_cast<std::size_t>(t.cells) && t.step > 0 &&
                t.alpha > 0 && t.to > t.from && std::isfinite(t.smallest),
            "pair table");
    pair_table_ = {t.smallest, 1.0 / t.step, t.cutoff, t.softmin_cutoff, t.cells, keep(t.coefficients),
                   t.alpha,    t.from,       t.to,     t.add_bias};
    view_.pair_table = &pair_table_;
  }
  if (fitting) {
    add_fitting(p);
    make_vacuum(p);
  }
}

template <class Real>
void Model<Real>::add_descriptor(const DeepPotentialParameters::Descriptor& source, bool folded) {
  const std::size_t types = static_cast<std::size_t>(types_);
  const std::size_t pairs = types * types;
  require(source.cutoff > 0 && source.cutoff > source.smooth && source.switch_width > 0 && source.cutoff <= view_.cutoff,
          "cutoff");
  require(source.width > 0 && source.width <= 1 << 16 && source.slots > 0, "width or slots");
  require(source.radial ? source.axis == 0 : source.axis > 0 && source.axis <= source.width, "axis");
  require(static_cast<std::int64_t>(source.width) * std::max(source.axis, 1) <= 1 << 20, "width or axis");
  require(source.sel.size() == (source.mixed ? 1 : types), "sel");
  require(source.excluded.size() == pairs && source.net_of.size() == pairs && in_range(source.net_of, source.nets.size()),
          "nets");
  require(source.table_of.empty() || (source.table_of.size() == pairs && in_range(source.table_of, source.tables.size())),
          "tables");
  pieces_.emplace_back();
  Pieces& pieces = pieces_.back();
  DescriptorView<Real> view{};
  view.radial = source.radial;
  view.cutoff = source.cutoff;
  view.smooth = source.smooth;
  view.inverse_switch_width = 1.0 / source.switch_width;
  view.protection = source.protection;
  view.mixed = source.mixed;
  view.groups = static_cast<int>(source.sel.size());
  pieces.sel = source.sel;
  for (const int slots : pieces.sel) {
    require(slots >= 0 && slots <= 1 << 20, "sel");
    pieces.slot_offset.push_back(view.slots_total);
    view.slots_total += slots;
  }
  view.sel = pieces.sel.data();
  view.slot_offset = pieces.slot_offset.data();
  view.scale = 1.0 / (source.radial ? 5.0 * source.slots : source.slots);
  view.per_slot = source.per_slot;
  const std::size_t statistics = types * 4 * (source.per_slot ? static_cast<std::size_t>(view.slots_total) : 1);
  require(source.davg.size() == statistics && source.dstd.size() == statistics, "davg or dstd");
  view.davg = keep(source.davg);
  std::vector<double> inverse(source.dstd.size());
  for (std::size_t k = 0; k < inverse.size(); ++k) inverse[k] = 1.0 / source.dstd[k];
  view.inverse_dstd = keep(inverse);
  view.width = source.width;
  view.width_padded = padded(source.width);
  view.axis = source.axis;
  view.excluded = keep(source.excluded);

  std::vector<const NetworkView<Real>*> nets;
  for (const auto& net : source.nets) {
    require(is_net(net, source_.layers.size()) && source_.layers[net.front()].inputs == 1 &&
                source_.layers[net.back()].outputs == source.width,
            "embedding net");
    nets.push_back(network(net));
    view.widest_net = std::max(view.widest_net, nets.back()->widest);
  }
  std::vector<const FileTableView*> tables;
  for (const auto& table : source.tables) {
    file_tables_.push_back(make_file_table(table, source.width, view.width_padded));
    tables.push_back(&file_tables_.back());
  }
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const int net = source.net_of[pair];
    const int table = source.table_of.empty() ? -1 : source.table_of[pair];
    pieces.nets.push_back(net < 0 ? nullptr : nets[net]);
    pieces.file_tables.push_back(table < 0 ? nullptr : tables[table]);
  }
  pieces.latent.assign(pairs, nullptr);
  view.nets = pieces.nets.data();
  view.file_tables = pieces.file_tables.data();
  view.latent = pieces.latent.data();
  view.smoothing = static_cast<Smoothing>(source.smoothing);
  if (!source.strip_factors.empty()) {
    require(source.strip_factors.size() == pairs * source.width, "factors of the type embedding");
    std::vector<Real> factors(pairs * view.width_padded);
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      for (int m = 0; m < source.width; ++m)
        factors[pair * view.width_padded + m] = static_cast<Real>(source.strip_factors[pair * source.width + m]);
    }
    view.strip = keep(factors);
  }
  // D in the input row: row b from column row_start[b] on.
  view.input_offset = view_.inputs_padded;
  const std::size_t first = input_place_.size();
  int place = 0;
  for (int b = 0; b < source.axis; ++b) {
    const int start = folded ? b / kernel_.lanes * kernel_.lanes : 0;
    pieces.row_start.push_back(start);
    pieces.row_offset.push_back(place);
    place += view.width_padded - start;
  }
  view.row_offset = pieces.row_offset.data();
  view.row_start = pieces.row_start.data();
  if (source.radial) {
    place = view.width_padded;
    for (int m = 0; m < source.width; ++m) input_place_.push_back(view.input_offset + m);
  } else {
    input_place_.resize(first + static_cast<std::size_t>(source.width) * source.axis);
    for (int a = 0; a < source.width; ++a) {
      for (int b = 0; b < source.axis; ++b) {
        // Where D_ab = D_ba, with both in the first M2 columns, the larger index is the column.
        const bool swap = folded && a < source.axis && a < b;
        const int row = swap ? a : b, column = swap ? b : a;
        input_place_[first + static_cast<std::size_t>(a) * source.axis + b] =
            view.input_offset + pieces.row_offset[row] + column - pieces.row_start[row];
      }
    }
  }
  view_.inputs_padded += place;
  // Numbers that belong to this D follow it in the file; here they stand with the other constants (add_fitting).
  if (!source.constants.empty()) {
    require(source.constants.size() % types == 0, "constants of the descriptor");
    for (std::size_t k = 0; k < source.constants.size() / types; ++k) input_place_.push_back(-1);
  }
  make_pads(source, view, pieces);
  descriptors_.push_back(view);
}

template <class Real>
const LayerView<Real>* Model<Real>::layer(int index) {
  auto& made = layers_[index];
  if (made == nullptr) made = std::make_unique<LayerView<Real>>(make_layer(source_.layers[index], nullptr, false));
  return made.get();
}

template <class Real>
const NetworkView<Real>* Model<Real>::network(const std::vector<int>& indices) {
  std::vector<LayerView<Real>> layers;
  int widest = kernel_.lanes;
  for (std::size_t l = 0; l < indices.size(); ++l) {
    require(l == 0 || source_.layers[indices[l - 1]].outputs == source_.layers[indices[l]].inputs, "layer widths");
    layers.push_back(*layer(indices[l]));
    widest = std::max(widest, layers.back().outputs_padded);
  }
  layer_lists_.push_back(std::move(layers));
  networks_.push_back({layer_lists_.back().data(), static_cast<int>(layer_lists_.back().size()), widest});
  return &networks_.back();
}

// `places`: position of each input in the padded input row, several inputs may share one (first fitting layer).
template <class Real>
LayerView<Real> Model<Real>::make_layer(const DeepPotentialParameters::Layer& source, const std::vector<std::int32_t>* places,
                                        bool transposed) {
  require(source.inputs > 0 && source.outputs > 0 && source.outputs <= 1 << 16 && source.inputs <= 1 << 20, "layer size");
  require(source.weights.size() == static_cast<std::size_t>(source.inputs) * source.outputs, "weights");
  const std::size_t outputs = static_cast<std::size_t>(source.outputs);
  require(source.bias.size() == outputs, "bias");
  require(source.idt.empty() || source.idt.size() == outputs, "idt");
  require(source.activation >= 0 && source.activation <= 8 && source.shortcut >= 0 && source.shortcut <= 3,
          "activation or shortcut");
  const Shortcut shortcut = static_cast<Shortcut>(source.shortcut);
  require(shortcut != Shortcut::identity || source.outputs == source.inputs, "shortcut of equal widths");
  require(shortcut != Shortcut::twice || source.outputs == 2 * source.inputs, "shortcut of doubled width");
  require(shortcut != Shortcut::affine ||
              (source.inputs == 1 && source.slope.size() == outputs && source.constant.size() == outputs && !transposed),
          "affine shortcut");

  LayerView<Real> layer{};
  layer.inputs = source.inputs;
  layer.outputs = source.outputs;
  layer.inputs_padded = places != nullptr ? view_.inputs_padded : padded(source.inputs);
  layer.outputs_padded = padded(source.outputs);
  layer.activation = static_cast<Activation>(source.activation);
  layer.threshold = source.threshold;
  layer.shortcut = shortcut;
  // Embedding layers read exactly their inputs, fitting layers whole padded rows.
  const int rows = transposed ? layer.inputs_padded : layer.inputs;
  const int columns = layer.outputs_padded;
  std::vector<double> weights(static_cast<std::size_t>(rows) * columns);
  for (int i = 0; i < source.inputs; ++i) {
    const std::size_t row = static_cast<std::size_t>(places != nullptr ? (*places)[i] : i);
    for (int o = 0; o < source.outputs; ++o)
      weights[row * columns + o] += source.weights[static_cast<std::size_t>(i) * source.outputs + o];
  }
  layer.weights = keep(packed<Real>(weights, rows, columns, kernel_.strip));
  if (transposed) {
    std::vector<double> turned(static_cast<std::size_t>(source.outputs) * rows);
    for (int i = 0; i < rows; ++i) {
      for (int o = 0; o < source.outputs; ++o)
        turned[static_cast<std::size_t>(o) * rows + i] = weights[static_cast<std::size_t>(i) * columns + o];
    }
    layer.transposed = keep(packed<Real>(turned, source.outputs, rows, kernel_.strip));
  }
  const auto row_of = [&](const std::vector<double>& values) -> const Real* {
    if (values.empty()) return nullptr;
    std::vector<Real> row(columns);
    for (std::size_t k = 0; k < values.size(); ++k) row[k] = static_cast<Real>(values[k]);
    return keep(row);
  };
  layer.bias = row_of(source.bias);
  layer.idt = row_of(source.idt);
  if (shortcut == Shortcut::affine) {
    layer.slope = row_of(source.slope);
    layer.constant = row_of(source.constant);
  }
  return layer;
}

template <class Real>
FileTableView Model<Real>::make_file_table(const DeepPotentialParameters::FileTable& source, int width, int width_padded) {
  FileTableView view{};
  require(source.rows > 0 && source.coefficients.size() == static_cast<std::size_t>(source.rows) * 6 * width, "table");
  require(source.step > 0 && source.coarse_step > 0 && source.upper > source.lower && source.max >= source.upper, "table range");
  // Panel numbers are kept in an int before they are limited to the rows that there are.
  require((source.upper - source.lower) / source.step < 1e9 && (source.max - source.upper) / source.coarse_step < 1e9,
          "table steps");
  view.lower = source.lower;
  view.upper = source.upper;
  view.max = source.max;
  view.step = source.step;
  view.coarse_step = source.coarse_step;
  view.rows = source.rows;
  view.fine_rows = static_cast<int>((source.upper - source.lower) / source.step);
  view.single = source.single;
  std::vector<double> coefficients(static_cast<std::size_t>(source.rows) * 6 * width_padded);
  for (int row = 0; row < source.rows; ++row) {
    for (int m = 0; m < width; ++m) {
      for (int k = 0; k < 6; ++k) {
        coefficients[(static_cast<std::size_t>(row) * 6 + k) * width_padded + m] =
            source.coefficients[static_cast<std::size_t>(row) * 6 * width + static_cast<std::size_t>(6 * m + k)];
      }
    }
  }
  view.coefficients = keep(coefficients);
  return view;
}

// An empty slot has the row R_pad = (0 - davg)/dstd and gives R_pad (x) G(s_pad): a constant per centre and group (1.6). In se_e2_r it gives
// G(s_pad) itself, and a masked slot gives G(0) (1.11).
template <class Real>
void Model<Real>::make_pads(const DeepPotentialParameters::Descriptor& source, DescriptorView<Real>& view, Pieces& pieces) {
  const int mp = view.width_padded;
  const std::size_t groups = static_cast<std::size_t>(view.groups);
  pieces.pads.assign(types_ * groups, nullptr);
  pieces.masked.assign(static_cast<std::size_t>(types_) * types_, nullptr);
  view.pads = pieces.pads.data();
  view.masked = pieces.masked.data();
  require(source.pad_net_of.size() == types_ * groups &&
              in_range(source.pad_net_of, source.table_of.empty() ? source.nets.size() : source.tables.size()),
          "nets of empty slots");
  require(source.strip_pad_factors.empty() || source.strip_pad_factors.size() == types_ * groups * source.width,
          "factors of empty slots");
  const double slots_kept = static_cast<double>(types_) * (view.per_slot ? view.slots_total + view.groups : view.groups);
  require(slots_kept * 4.0 * mp <= kMostPadNumbers, "constants of empty slots");
  // A model without fitting, to borrow scratch memory for the nets.
  ModelView<Real> borrowed = view_;
  borrowed.descriptor_count = 1;
  borrowed.descriptors = &view;
  borrowed.pair_table = nullptr;
  Scratch<Real> scratch;
  ScratchView<Real>& memory = scratch.fit(borrowed, -1, 1, 1);
  std::vector<Real> g(mp), slope(mp);
  const auto evaluate = [&](int index, double s, const double* factors) {
    // Nets and tables of this descriptor are the last that were made.
    const bool tables = !source.table_of.empty();
    const NetworkView<Real>* net = tables ? nullptr : &networks_[networks_.size() - source.nets.size() + index];
    const FileTableView* table = tables ? &file_tables_[file_tables_.size() - source.tables.size() + index] : nullptr;
    kernel_.embed(net, table, &s, 1, g.data(), slope.data(), mp, memory);
    if (factors == nullptr) return;
    // f of an empty slot is 1 without smoothing, else 0.
    if (view.smoothing == Smoothing::one) {
      for (int m = 0; m < source.width; ++m) g[m] = static_cast<Real>(g[m] * (1.0 + factors[m]));
    }
  };
  for (int centre = 0; centre < types_; ++centre) {
    for (std::size_t group = 0; group < groups; ++group) {
      const std::size_t key = centre * groups + group;
      const int net = source.pad_net_of[key];
      const int slots = view.per_slot ? pieces.sel[group] : 1;
      bool silent = !view.radial;
      std::vector<double> rows(4 * static_cast<std::size_t>(slots));
      for (int slot = 0; slot < slots; ++slot) {
        const std::size_t place =
            view.per_slot ? (static_cast<std::size_t>(centre) * view.slots_total + pieces.slot_offset[group] + slot) * 4
                          : static_cast<std::size_t>(centre) * 4;
        for (int c = 0; c < 4; ++c) {
          rows[4 * slot + c] = -view.davg[place + c] * view.inverse_dstd[place + c];
          if (view.davg[place + c] != 0.0) silent = false;
        }
      }
      const double* factors = source.strip_pad_factors.empty() ? nullptr : &source.strip_pad_factors[key * source.width];
      if (!silent && net >= 0) {
        // Where statistics differ by slot: suffix sums, entry k = all slots from k on.
        std::vector<double> pad((static_cast<std::size_t>(slots) + (view.per_slot ? 1 : 0)) * 4 * mp);
        for (int slot = slots - 1; slot >= 0; --slot) {
          const double* row = &rows[4 * slot];
          evaluate(net, row[0], factors);
          double* out = &pad[static_cast<std::size_t>(slot) * 4 * mp];
          for (int c = 0; c < 4; ++c) {
            const double weight = view.radial ? (c == 0 ? 1.0 : 0.0) : row[c];
            for (int m = 0; m < mp; ++m) {
              const double next = view.per_slot ? out[4 * mp + c * mp + m] : 0.0;
              out[c * mp + m] = weight * static_cast<double>(g[m]) + next;
            }
          }
        }
        pieces.pads[key] = keep(pad);
      }
    }
    for (int t = 0; view.radial && t < types_; ++t) {
      const std::size_t pair = static_cast<std::size_t>(centre) * types_ + t;
      const int net = source.table_of.empty() ? source.net_of[pair] : source.table_of[pair];
      if (source.excluded[pair] == 0 || net < 0) continue;
      evaluate(net, 0.0, nullptr);
      std::vector<double> constant(4 * static_cast<std::size_t>(mp));
      for (int m = 0; m < mp; ++m) constant[m] = static_cast<double>(g[m]);
      pieces.masked[pair] = keep(constant);
    }
  }
}

template <class Real>
void Model<Real>::add_fitting(const DeepPotentialParameters& p) {
  const std::size_t types = static_cast<std::size_t>(types_);
  // Constants and parameters after all D blocks: places of the file's inputs in order.
  view_.extras_offset = view_.inputs_padded;
  std::vector<std::vector<double>> columns;  // one a constant: its value for each type
  std::vector<bool> belongs_to_descriptor;
  const auto constant = [&](const std::vector<double>& values, std::size_t count, std::size_t k, bool of_descriptor) {
    std::vector<double> column(types);
    for (std::size_t t = 0; t < types; ++t) column[t] = values.empty() ? 0.0 : values[t * count + k];
    columns.push_back(std::move(column));
    belongs_to_descriptor.push_back(of_descriptor);
    return view_.extras_offset + static_cast<int>(columns.size()) - 1;
  };
  std::size_t at = 0;
  for (const auto& source : p.descriptors) {
    at += source.radial ? source.width : static_cast<std::size_t>(source.width) * source.axis;
    const std::size_t count = source.constants.size() / types;
    for (std::size_t k = 0; k < count; ++k) input_place_[at++] = constant(source.constants, count, k, true);
  }
  require(p.type_constants.size() % types == 0, "type constants");
  const std::size_t embedded = p.type_constants.size() / types;
  for (std::size_t k = 0; k < embedded; ++k) input_place_.push_back(constant(p.type_constants, embedded, k, false));
  const auto external = [&](const DeepPotentialParameters::External& e, int& place, int& count, const double*& average,
                            const double*& inverse_std) {
    require(e.average.size() == e.inverse_std.size() && e.average.size() <= 4096, "frame or atom parameters");
    place = view_.extras_offset + static_cast<int>(columns.size());
    count = static_cast<int>(e.average.size());
    for (int k = 0; k < count; ++k) input_place_.push_back(constant({}, 0, 0, false));
    average = keep(e.average);
    inverse_std = keep(e.inverse_std);
  };
  external(p.frame, view_.fparam_place, view_.fparam_count, view_.fparam_average, view_.fparam_inverse_std);
  external(p.atoms, view_.aparam_place, view_.aparam_count, view_.aparam_average, view_.aparam_inverse_std);
  for (const double value : p.case_constants) input_place_.push_back(constant(std::vector<double>(types, value), 1, 0, false));
  view_.extras = static_cast<int>(columns.size());
  std::vector<double> extras(types * columns.size()), vacuum(types * columns.size());
  for (std::size_t t = 0; t < types; ++t) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      extras[t * columns.size() + k] = columns[k][t];
      vacuum[t * columns.size() + k] = belongs_to_descriptor[k] ? 0.0 : columns[k][t];
    }
  }
  view_.extras_of_type = keep(extras);
  view_.vacuum_extras = keep(vacuum);
  view_.inputs_padded = view_.extras_offset + padded(view_.extras);

  const std::int32_t* places = keep(input_place_);
  std::vector<std::pair<std::vector<int>, NetworkView<Real>>> made;
  std::map<std::pair<int, bool>, LayerView<Real>> packed_layers;
  for (const auto& net : p.fitting) {
    const auto known = std::find_if(made.begin(), made.end(), [&](const auto& entry) { return entry.first == net; });
    if (known != made.end()) {
      fitting_.push_back(known->second);
      continue;
    }
    require(p.layers[net.front()].inputs == static_cast<int>(input_place_.size()) && p.layers[net.back()].outputs == 1,
            "fitting net");
    NetworkView<Real> view{nullptr, static_cast<int>(net.size()), kernel_.lanes};
    std::vector<LayerView<Real>> layers;
    for (std::size_t l = 0; l < net.size(); ++l) {
      require(l == 0 || p.layers[net[l - 1]].outputs == p.layers[net[l]].inputs, "layer widths");
      // Nets may share layers: packed once, as a first layer and as any other.
      const auto [place, fresh] = packed_layers.try_emplace({net[l], l == 0});
      LayerView<Real>& layer = place->second;
      if (fresh) {
        layer = make_layer(p.layers[net[l]], l == 0 ? &input_place_ : nullptr, true);
        if (l == 0) layer.input_place = places;
      }
      view.widest = std::max({view.widest, layer.outputs_padded, l == 0 ? 0 : layer.inputs_padded});
      layers.push_back(layer);
    }
    layer_lists_.push_back(std::move(layers));
    view.layers = layer_lists_.back().data();
    made.emplace_back(net, view);
    fitting_.push_back(view);
  }
  view_.fitting = fitting_.data();
}

// Assigned vacuum energies (1.8): the net at D = 0 is taken off; a constant of the type unless parameters enter.
template <class Real>
void Model<Real>::make_vacuum(const DeepPotentialParameters& p) {
  if (view_.fparam_count > 0 || view_.aparam_count > 0) return;
  std::vector<double> vacuum(p.ntypes, 0.0);
  Scratch<Real> scratch;
  for (int t = 0; t < p.ntypes; ++t) {
    if (p.subtract_vacuum[t] == 0) continue;
    ScratchView<Real>& memory = scratch.fit(view_, t, 1, 1);
    std::fill(memory.fit_input, memory.fit_input + view_.inputs_padded, Real(0));
    for (int k = 0; k < view_.extras; ++k)
      memory.fit_input[view_.extras_offset + k] = static_cast<Real>(view_.vacuum_extras[t * view_.extras + k]);
    kernel_.fit(view_, t, 1, &vacuum[t], false, memory);
  }
  view_.vacuum = keep(vacuum);
}

template class Model<double>;
template class Model<float>;
template std::vector<double> packed<double>(const std::vector<double>&, int, int, int);
template std::vector<float> packed<float>(const std::vector<double>&, int, int, int);

}  // namespace ionclay::deep_potential
