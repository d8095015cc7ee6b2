// SPDX-License-Identifier: MIT
// Parameters -> padded layouts of the kernels, and the constants that need a kernel to compute them (empty slots, vacuum energies).
#include <algorithm>
#include <string>

#include "native/core/error.hpp"
#include "native/potential/deep_potential/deep_potential.hpp"
#include "native/potential/deep_potential/scratch.hpp"

namespace ionclay {

using namespace deep_potential;

namespace {

int padded(int n) { return (n + kPad - 1) / kPad * kPad; }

void require(bool condition, const char* what) {
  if (!condition) throw Error("MODEL_SHAPE", std::string("model parameters do not fit together: ") + what);
}

const Kernel* kernel_for(Isa isa) {
  switch (isa) {
#if defined(IONCLAY_HAVE_X86)
    case Isa::avx2: return &kernels::avx2;
    case Isa::avx512: return &kernels::avx512;
#elif defined(IONCLAY_HAVE_NEON)
    case Isa::neon: return &kernels::neon;
#endif
    default: return &kernels::baseline;
  }
}

}  // namespace

DeepPotential::~DeepPotential() = default;

const double* DeepPotential::keep(std::vector<double> values) {
  numbers_.push_back(std::move(values));
  return numbers_.back().data();
}

DeepPotential::DeepPotential(const DeepPotentialParameters& p, Isa isa) : kernel_(kernel_for(isa)) {
  const std::size_t types = static_cast<std::size_t>(p.ntypes);
  require(p.ntypes > 0 && p.ntypes <= 128, "number of types");
  require(p.cutoff > 0 && p.cutoff > p.smooth && p.switch_width > 0, "cutoff");
  require(p.sel.size() == types && p.width > 0 && p.axis > 0 && p.axis <= p.width && p.slots > 0, "sel, width or axis");
  require(p.width <= 1 << 16 && static_cast<std::int64_t>(p.width) * p.axis <= 1 << 20, "width or axis");
  const std::size_t nets = p.one_sided ? types : types * types;
  require(p.embedding.size() == nets && (p.tables.empty() || p.tables.size() == nets) && p.fitting.size() == types,
          "number of nets");
  for (const auto* flags : {&p.excluded, &p.pair_excluded}) require(flags->size() == types * types, "exclusions");
  for (const auto* flags : {&p.atom_excluded, &p.fitting_excluded, &p.subtract_vacuum})
    require(flags->size() == types, "type flags");
  for (const auto* values : {&p.atom_bias, &p.out_std, &p.out_bias}) require(values->size() == types, "biases");

  view_.ntypes = p.ntypes;
  view_.cutoff = p.cutoff;
  view_.smooth = p.smooth;
  view_.switch_width = p.switch_width;
  view_.protection = p.protection;
  view_.native_rule = p.native_rule;
  sel_ = p.sel;
  for (const int slots : sel_) {
    require(slots >= 0 && slots <= 1 << 20, "sel");
    slot_offset_.push_back(view_.slots_total);
    view_.slots_total += slots;
  }
  view_.sel = sel_.data();
  view_.slot_offset = slot_offset_.data();
  view_.inverse_slots = 1.0 / p.slots;
  view_.per_slot = p.per_slot;
  const std::size_t statistics = types * 4 * (p.per_slot ? static_cast<std::size_t>(view_.slots_total) : 1);
  require(p.davg.size() == statistics && p.dstd.size() == statistics, "davg or dstd");
  view_.davg = keep(p.davg);
  std::vector<double> inverse(p.dstd.size());
  for (std::size_t k = 0; k < inverse.size(); ++k) inverse[k] = 1.0 / p.dstd[k];
  view_.inverse_dstd = keep(std::move(inverse));
  view_.one_sided = p.one_sided;
  view_.width = p.width;
  view_.width_padded = padded(p.width);
  view_.axis = p.axis;
  for (const auto& network : p.embedding) {
    if (!network.empty()) require(network.front().inputs == 1 && network.back().outputs == p.width, "embedding net");
    embedding_.push_back(add_network(network, false));
    widest_embedding_ = std::max(widest_embedding_, embedding_.back().widest);
  }
  widest_embedding_ = std::max(widest_embedding_, view_.width_padded);
  view_.embedding = embedding_.data();
  for (const auto& table : p.tables) tables_.push_back(add_table(table));
  view_.tables = tables_.empty() ? nullptr : tables_.data();
  for (const auto& network : p.fitting) {
    require(!network.empty() && network.front().inputs == p.width * p.axis && network.back().outputs == 1, "fitting net");
    fitting_.push_back(add_network(network, true));
  }
  view_.fitting = fitting_.data();
  for (const auto* flags : {&p.excluded, &p.pair_excluded, &p.fitting_excluded, &p.atom_excluded}) flags_.push_back(*flags);
  view_.excluded = flags_[0].data();
  view_.pair_excluded = flags_[1].data();
  view_.fitting_excluded = flags_[2].data();
  view_.atom_excluded = flags_[3].data();
  view_.atom_bias = keep(p.atom_bias);
  view_.out_std = keep(p.out_std);
  view_.out_bias = keep(p.out_bias);
  make_pads();
  make_vacuum(p);
}

NetworkView DeepPotential::add_network(const DeepPotentialParameters::Network& network, bool fitting) {
  NetworkView view{nullptr, static_cast<int>(network.size()), kPad};
  std::vector<LayerView> layers;
  for (std::size_t l = 0; l < network.size(); ++l) {
    const auto& source = network[l];
    const bool first_fitting = fitting && l == 0;
    require(source.inputs > 0 && source.outputs > 0 && source.outputs <= 1 << 16 && source.inputs <= 1 << 20, "layer size");
    require(source.weights.size() == static_cast<std::size_t>(source.inputs) * source.outputs, "weights");
    require(source.bias.size() == static_cast<std::size_t>(source.outputs), "bias");
    require(source.idt.empty() || source.idt.size() == static_cast<std::size_t>(source.outputs), "idt");
    require(l == 0 || network[l - 1].outputs == source.inputs, "layer widths");
    const Shortcut shortcut = static_cast<Shortcut>(source.shortcut);
    require(shortcut != Shortcut::identity || source.outputs == source.inputs, "shortcut of equal widths");
    require(shortcut != Shortcut::twice || source.outputs == 2 * source.inputs, "shortcut of doubled width");

    LayerView layer{};
    layer.inputs = source.inputs;
    layer.outputs = source.outputs;
    // The first fitting layer takes the descriptor as the kernels form it, D[b Mp + a] for the file's D[a M2 + b].
    layer.inputs_padded = first_fitting ? view_.axis * view_.width_padded : padded(source.inputs);
    layer.outputs_padded = padded(source.outputs);
    layer.activation = static_cast<Activation>(source.activation);
    layer.threshold = source.threshold;
    layer.shortcut = shortcut;
    if (first_fitting) {
      std::vector<std::int32_t> place(source.inputs);
      for (int a = 0; a < view_.width; ++a) {
        for (int b = 0; b < view_.axis; ++b) place[a * view_.axis + b] = b * view_.width_padded + a;
      }
      places_.push_back(std::move(place));
      layer.input_place = places_.back().data();
    }
    const auto row_of = [&](int i) { return static_cast<std::size_t>(first_fitting ? layer.input_place[i] : i); };
    std::vector<double> weights(static_cast<std::size_t>(layer.inputs_padded) * layer.outputs_padded);
    for (int i = 0; i < source.inputs; ++i) {
      for (int o = 0; o < source.outputs; ++o) {
        weights[row_of(i) * layer.outputs_padded + o] = source.weights[static_cast<std::size_t>(i) * source.outputs + o];
      }
    }
    if (fitting) {
      std::vector<double> transposed(weights.size());
      for (int i = 0; i < layer.inputs_padded; ++i) {
        for (int o = 0; o < layer.outputs_padded; ++o) {
          transposed[static_cast<std::size_t>(o) * layer.inputs_padded + i] =
              weights[static_cast<std::size_t>(i) * layer.outputs_padded + o];
        }
      }
      layer.transposed = keep(std::move(transposed));
    }
    layer.weights = keep(std::move(weights));
    std::vector<double> bias = source.bias;
    bias.resize(layer.outputs_padded);
    layer.bias = keep(std::move(bias));
    if (!source.idt.empty()) {
      std::vector<double> idt = source.idt;
      idt.resize(layer.outputs_padded);
      layer.idt = keep(std::move(idt));
    }
    // Rows of scratch hold inputs too, but the descriptor has memory of its own.
    view.widest = std::max({view.widest, layer.outputs_padded, first_fitting ? 0 : layer.inputs_padded});
    layers.push_back(layer);
  }
  layers_.push_back(std::move(layers));
  view.layers = layers_.back().data();
  return view;
}

TableView DeepPotential::add_table(const DeepPotentialParameters::Table& source) {
  TableView view{};
  if (source.rows == 0) return view;
  require(source.coefficients.size() == static_cast<std::size_t>(source.rows) * 6 * view_.width, "table");
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
  const int mp = view_.width_padded;
  std::vector<double> coefficients(static_cast<std::size_t>(source.rows) * 6 * mp);
  for (int row = 0; row < source.rows; ++row) {
    for (int m = 0; m < view_.width; ++m) {
      for (int k = 0; k < 6; ++k) {
        coefficients[(static_cast<std::size_t>(row) * 6 + k) * mp + m] =
            source.coefficients[static_cast<std::size_t>(row) * 6 * view_.width + static_cast<std::size_t>(6 * m + k)];
      }
    }
  }
  view.coefficients = keep(std::move(coefficients));
  return view;
}

// An empty slot has the row R_pad = (0 - davg)/dstd and gives R_pad (x) G(s_pad): a constant per pair of types (1.6).
void DeepPotential::make_pads() {
  const int types = view_.ntypes;
  const int mp = view_.width_padded;
  pads_.assign(static_cast<std::size_t>(types) * types, nullptr);
  view_.pads = pads_.data();
  Scratch scratch;
  ScratchView& memory = scratch.fit(view_, -1, 1, 1, 1, widest_embedding_);
  std::vector<double> g(mp), slope(mp);
  for (int centre = 0; centre < types; ++centre) {
    for (int t = 0; t < types; ++t) {
      const int net = view_.one_sided ? t : centre * types + t;
      const bool has_net = (view_.tables != nullptr && view_.tables[net].rows > 0) || view_.embedding[net].count > 0;
      const int slots = view_.per_slot ? sel_[t] : 1;
      bool silent = true;
      std::vector<double> rows(4 * static_cast<std::size_t>(slots));
      for (int slot = 0; slot < slots; ++slot) {
        const std::size_t place = view_.per_slot
                                      ? (static_cast<std::size_t>(centre) * view_.slots_total + slot_offset_[t] + slot) * 4
                                      : static_cast<std::size_t>(centre) * 4;
        for (int c = 0; c < 4; ++c) {
          rows[4 * slot + c] = -view_.davg[place + c] * view_.inverse_dstd[place + c];
          if (view_.davg[place + c] != 0.0) silent = false;
        }
      }
      if (silent || !has_net) continue;
      // Where statistics differ by slot: suffix sums, entry k = all slots from k on.
      std::vector<double> pad((static_cast<std::size_t>(slots) + (view_.per_slot ? 1 : 0)) * 4 * mp);
      for (int slot = slots - 1; slot >= 0; --slot) {
        const double* row = &rows[4 * slot];
        kernel_->embed(view_, centre, t, row, 1, g.data(), slope.data(), memory);
        double* out = &pad[static_cast<std::size_t>(slot) * 4 * mp];
        for (int c = 0; c < 4; ++c) {
          for (int m = 0; m < mp; ++m) {
            const double next = view_.per_slot ? out[4 * mp + c * mp + m] : 0.0;
            out[c * mp + m] = row[c] * g[m] + next;
          }
        }
      }
      pads_[static_cast<std::size_t>(centre) * types + t] = keep(std::move(pad));
    }
  }
}

// Assigned vacuum energies (1.8): the net at D = 0 is taken off.
void DeepPotential::make_vacuum(const DeepPotentialParameters& p) {
  vacuum_.assign(p.ntypes, 0.0);
  Scratch scratch;
  for (int t = 0; t < p.ntypes; ++t) {
    if (p.subtract_vacuum[t] == 0) continue;
    ScratchView& memory = scratch.fit(view_, t, 1, 1, 1, widest_embedding_);
    std::fill(memory.fit_input, memory.fit_input + view_.fitting[t].layers[0].inputs_padded, 0.0);
    kernel_->fit(view_, t, 1, &vacuum_[t], false, memory);
  }
  view_.vacuum = vacuum_.data();
}

}  // namespace ionclay
