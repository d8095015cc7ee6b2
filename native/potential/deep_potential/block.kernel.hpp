// SPDX-License-Identifier: MIT
// A block of atoms of one type, from neighbours to energies and pair gradients (deep-potential.md 1.6 to 1.9).
#pragma once

#include "native/potential/deep_potential/embedding.kernel.hpp"
#include "native/potential/deep_potential/environment.kernel.hpp"
#include "native/potential/deep_potential/fitting.kernel.hpp"

namespace ionclay::IONCLAY_ISA {

inline constexpr int kMaxBlockAtoms = 64;

// A += R (x) G over neighbours [begin, end): a register holds kColumns vectors of each of the four rows.
template <int COLUMNS>
inline void contract_columns(const double* rows, const double* g, int stride, int begin, int end, double* a) {
  VecD sum[4][COLUMNS];
  for (int c = 0; c < 4; ++c) {
    for (int v = 0; v < COLUMNS; ++v) sum[c][v] = load(a + c * stride + v * kWidth);
  }
  for (int k = begin; k < end; ++k) {
    const double* row = rows + 4 * static_cast<std::int64_t>(k);
    VecD right[COLUMNS];
    for (int v = 0; v < COLUMNS; ++v) right[v] = load(g + static_cast<std::int64_t>(k) * stride + v * kWidth);
    for (int c = 0; c < 4; ++c) {
      const VecD left = broadcast(row[c]);
      for (int v = 0; v < COLUMNS; ++v) sum[c][v] = fma(left, right[v], sum[c][v]);
    }
  }
  for (int c = 0; c < 4; ++c) {
    for (int v = 0; v < COLUMNS; ++v) store(a + c * stride + v * kWidth, sum[c][v]);
  }
}

inline void contract(const double* rows, const double* g, int stride, int begin, int end, double* a) {
#if defined(IONCLAY_ISA_AVX512)
  constexpr int kColumns = 5;
#else
  constexpr int kColumns = 2;
#endif
  int m = 0;
  for (; m + kColumns * kWidth <= stride; m += kColumns * kWidth)
    contract_columns<kColumns>(rows, g + m, stride, begin, end, a + m);
  for (; m < stride; m += kWidth) contract_columns<1>(rows, g + m, stride, begin, end, a + m);
}

// Descriptor rows D[b Mp + a] = sum_c A_ca A_cb of one atom, for the fitting net.
inline void descriptor(const ModelView& model, const double* a, double* out) {
  const int stride = model.width_padded;
  for (int b = 0; b < model.axis; ++b) {
    const VecD right[4] = {broadcast(a[b]), broadcast(a[stride + b]), broadcast(a[2 * stride + b]), broadcast(a[3 * stride + b])};
    for (int m = 0; m < stride; m += kWidth) {
      VecD sum = load(a + m) * right[0];
      for (int c = 1; c < 4; ++c) sum = fma(load(a + c * stride + m), right[c], sum);
      store(out + static_cast<std::int64_t>(b) * stride + m, sum);
    }
  }
}

// dE/dA_ca = (sum_b gD_ab A_cb [+ sum_a' gD_a'a A_ca' for a < M2]) / N, times the scale of the energy.
inline void descriptor_backward(const ModelView& model, const double* a, const double* gd, double scale, double* da) {
  const int stride = model.width_padded;
  const VecD factor = broadcast(scale * model.inverse_slots);
  for (int c = 0; c < 4; ++c) {
    for (int m = 0; m < stride; m += kWidth) {
      VecD sum = broadcast(0.0);
      for (int b = 0; b < model.axis; ++b) {
        sum = fma(load(gd + static_cast<std::int64_t>(b) * stride + m), broadcast(a[c * stride + b]), sum);
      }
      store(da + c * stride + m, sum * factor);
    }
    for (int b = 0; b < model.axis; ++b) {
      VecD sum = broadcast(0.0);
      for (int m = 0; m < stride; m += kWidth)
        sum = fma(load(gd + static_cast<std::int64_t>(b) * stride + m), load(a + c * stride + m), sum);
      da[c * stride + b] += reduce_add(sum) * scale * model.inverse_slots;
    }
  }
}

// Gradients of neighbours [begin, end) of one atom: dR = dA G, dR_0 += (R dA) G', then to Cartesian (1.9). Adds to the virial.
inline void pair_gradients(const ModelView& model, const BlockTask& task, int begin, int end, std::uint64_t list_begin,
                           const double* da, std::int64_t capacity, ScratchView& scratch, double* virial) {
  const int stride = model.width_padded;
  for (int k = begin; k < end; ++k) {
    const double* row = scratch.rows + 4 * static_cast<std::int64_t>(k);
    const double* g = scratch.embedding + static_cast<std::int64_t>(k) * stride;
    const double* dg = scratch.slope + static_cast<std::int64_t>(k) * stride;
    const VecD r0 = broadcast(row[0]), r1 = broadcast(row[1]), r2 = broadcast(row[2]), r3 = broadcast(row[3]);
    VecD s0 = broadcast(0.0), s1 = s0, s2 = s0, s3 = s0, along = s0;
    for (int m = 0; m < stride; m += kWidth) {
      const VecD value = load(g + m);
      const VecD d0 = load(da + m), d1 = load(da + stride + m), d2 = load(da + 2 * stride + m), d3 = load(da + 3 * stride + m);
      s0 = fma(d0, value, s0);
      s1 = fma(d1, value, s1);
      s2 = fma(d2, value, s2);
      s3 = fma(d3, value, s3);
      along = fma(fma(r3, d3, fma(r2, d2, fma(r1, d1, r0 * d0))), load(dg + m), along);
    }
    const std::int64_t place = model.per_slot ? (static_cast<std::int64_t>(task.type) * model.slots_total + scratch.slot[k]) * 4
                                              : static_cast<std::int64_t>(task.type) * 4;
    const double* inverse = model.inverse_dstd + place;
    const double w0 = reduce_add(s0 + along) * inverse[0];
    const double w1 = reduce_add(s1) * inverse[1];
    const double w2 = reduce_add(s2) * inverse[2];
    const double w3 = reduce_add(s3) * inverse[3];
    const double x = scratch.vector[k], y = scratch.vector[capacity + k], z = scratch.vector[2 * capacity + k];
    const double r = scratch.vector[3 * capacity + k];
    const double c1 = scratch.chain[k], c2 = scratch.chain[capacity + k], c3 = scratch.chain[2 * capacity + k];
    const double radial = (w0 * c1 + (w1 * x + w2 * y + w3 * z) * c2) / r;
    double* out = task.pair_gradients + 3 * (list_begin + static_cast<std::uint64_t>(scratch.entry[k]));
    out[0] = radial * x + w1 * c3;
    out[1] = radial * y + w2 * c3;
    out[2] = radial * z + w3 * c3;
    for (int p = 0; p < 3; ++p) {
      virial[3 * p] -= out[p] * x;
      virial[3 * p + 1] -= out[p] * y;
      virial[3 * p + 2] -= out[p] * z;
    }
  }
}

inline BlockStatus block(const ModelView& model, const BlockTask& task, ScratchView& scratch) {
  const int types = model.ntypes;
  const int stride = model.width_padded;
  const int row = task.count + 1;
  double last = task.clock();
  const auto lap = [&](int phase) {
    const double now = task.clock();
    task.seconds[phase] += now - last;
    last = now;
  };
  std::int64_t capacity = 0;
  for (int a = 0; a < task.count; ++a) {
    capacity += static_cast<std::int64_t>(task.list_offsets[task.atoms[a] + 1] - task.list_offsets[task.atoms[a]]);
  }
  const int n = gather_block(model, task, capacity, scratch);
  if (n == -1) return BlockStatus::overlap;
  if (n == -2) return BlockStatus::sel_overflow;
  *task.pairs_inside = static_cast<std::uint64_t>(n);
  if (model.per_slot) rank_slots(model, task, capacity, scratch);
  environment(model, task.type, n, capacity, scratch);
  lap(0);

  const std::uint8_t* excluded = model.excluded + static_cast<std::int64_t>(task.type) * types;
  const auto has_net = [&](int t) {
    const int net = model.one_sided ? t : task.type * types + t;
    return (model.tables != nullptr && model.tables[net].rows > 0) || model.embedding[net].count > 0;
  };
  for (int t = 0; t < types; ++t) {
    const int begin = scratch.segment[t * row];
    const int end = scratch.segment[t * row + task.count];
    if (begin == end || excluded[t] != 0 || !has_net(t)) continue;
    embed(model, task.type, t, scratch.scalar + begin, end - begin, scratch.embedding + static_cast<std::int64_t>(begin) * stride,
          scratch.slope + static_cast<std::int64_t>(begin) * stride, scratch);
  }
  lap(1);
  const std::int64_t input_stride = model.fitting[task.type].layers[0].inputs_padded;
  for (int a = 0; a < task.count; ++a) {
    double* contraction = scratch.descriptor + static_cast<std::int64_t>(a) * 4 * stride;
    for (int m = 0; m < 4 * stride; ++m) contraction[m] = 0.0;
    for (int t = 0; t < types; ++t) {
      const int begin = scratch.segment[t * row + a];
      const int end = scratch.segment[t * row + a + 1];
      if (excluded[t] == 0 && has_net(t)) contract(scratch.rows, scratch.embedding, stride, begin, end, contraction);
      // Empty slots are not free (1.6): a constant per slot, with no gradient.
      const double* pad = excluded[t] == 2 ? nullptr : model.pads[task.type * types + t];
      const int empty = model.sel[t] - (end - begin);
      if (pad == nullptr || empty <= 0) continue;
      const double times = model.per_slot ? 1.0 : static_cast<double>(empty);
      if (model.per_slot) pad += static_cast<std::int64_t>(end - begin) * 4 * stride;
      for (int m = 0; m < 4 * stride; m += kWidth)
        store(contraction + m, fma(broadcast(times), load(pad + m), load(contraction + m)));
    }
    for (int m = 0; m < 4 * stride; m += kWidth) store(contraction + m, load(contraction + m) * broadcast(model.inverse_slots));
    double* input = scratch.fit_input + a * input_stride;
    descriptor(model, contraction, input);
    for (std::int64_t m = static_cast<std::int64_t>(model.axis) * stride; m < input_stride; ++m) input[m] = 0.0;
  }

  lap(2);
  double energies[kMaxBlockAtoms];
  fit(model, task.type, task.count, energies, true, scratch);
  lap(3);
  const bool no_net = model.fitting_excluded[task.type] != 0;
  const bool silent = model.atom_excluded[task.type] != 0;
  const double scale = no_net || silent ? 0.0 : model.out_std[task.type];
  for (int a = 0; a < task.count; ++a) {
    const std::int32_t atom = task.atoms[a];
    const double net = no_net ? 0.0 : (energies[a] - model.vacuum[task.type]) + model.atom_bias[task.type];
    task.atom_energies[atom] = silent ? 0.0 : net * model.out_std[task.type] + model.out_bias[task.type];
    const std::uint64_t list_begin = task.list_offsets[atom];
    double* gradients = task.pair_gradients + 3 * list_begin;
    const std::uint64_t listed = task.list_offsets[atom + 1] - list_begin;
    for (std::uint64_t k = 0; k < 3 * listed; ++k) gradients[k] = 0.0;
    double* virial = task.atom_virials + 9 * static_cast<std::int64_t>(atom);
    for (int k = 0; k < 9; ++k) virial[k] = 0.0;
    if (scale == 0.0) continue;
    descriptor_backward(model, scratch.descriptor + static_cast<std::int64_t>(a) * 4 * stride,
                        scratch.fit_input + a * input_stride, scale, scratch.gradient_a);
    for (int t = 0; t < types; ++t) {
      if (excluded[t] != 0 || !has_net(t)) continue;
      pair_gradients(model, task, scratch.segment[t * row + a], scratch.segment[t * row + a + 1], list_begin, scratch.gradient_a,
                     capacity, scratch, virial);
    }
  }
  lap(4);
  return BlockStatus::ok;
}

}  // namespace ionclay::IONCLAY_ISA
