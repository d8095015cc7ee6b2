// SPDX-License-Identifier: MIT
// A block of atoms of one type, from neighbours to energies, forces and virial (deep-potential.md 1.2 to 1.9).
#pragma once

#include "native/potential/deep_potential/contraction.kernel.hpp"
#include "native/potential/deep_potential/fitting.kernel.hpp"
#include "native/potential/deep_potential/pair_table.kernel.hpp"
#include "native/potential/deep_potential/table.kernel.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::kMaxBlockAtoms;

// Finds the panels of all neighbours that have a table, lists those that go through their net, and evaluates these.
template <class Real>
inline void embed_block(const ModelView<Real>& model, const DescriptorView<Real>& view, const BlockTask& task,
                        DescriptorScratch<Real>& s, ScratchView<Real>& scratch) {
  const int types = model.ntypes;
  const int row = task.count + 1;
  int listed = 0;
  for (int t = 0; t < types; ++t) {
    const std::int64_t pair = static_cast<std::int64_t>(task.type) * types + t;
    const LatentTableView<Real>* table = view.latent[pair];
    const bool active = view.excluded[pair] == 0 && has_net(view, pair);
    const int first = listed;
    for (int a = 0; a < task.count; ++a) {
      s.net_segment[t * row + a] = listed;
      if (!active) continue;
      const std::int32_t* segment = s.neighbours.segment + static_cast<std::int64_t>(a) * (types + 1) + t;
      if (table != nullptr) locate(*table, s.neighbours.r, segment[0], segment[1], s.panel, s.u);
      for (int k = segment[0]; k < segment[1]; ++k) {
        if (table == nullptr || s.panel[k] < 0) s.net_index[listed++] = k;
      }
    }
    s.net_segment[t * row + task.count] = listed;
    if (listed == first) continue;
    const std::int64_t stride = scratch.capacity;
    const double inverse = view.inverse_dstd[4 * static_cast<std::int64_t>(task.type)];
    for (int entry = first; entry < listed; ++entry) {
      const int k = s.net_index[entry];
      const int at = entry - first;
      const std::int64_t slot = view.per_slot ? 4 * (static_cast<std::int64_t>(task.type) * view.slots_total + s.slot[k]) : 0;
      scratch.batch[at] = s.scalar[k];
      scratch.batch[stride + at] = s.chain[k] * (view.per_slot ? view.inverse_dstd[slot] : inverse);
      if (view.strip != nullptr) {
        const double r = s.neighbours.r[k];
        const double q = r + view.protection;
        double w[kWidth], dw[kWidth];
        VecD slope;
        store(w, switching(view, broadcast(r), slope));
        store(dw, slope);
        smoothing(view, w[0], dw[0], w[0] / q, s.chain[k], scratch.batch[3 * stride + at], scratch.batch[4 * stride + at]);
      }
    }
    const std::int64_t out = static_cast<std::int64_t>(first) * view.width_padded;
    embed_pair(view, pair, scratch.batch, stride, listed - first, s.embedding + out, s.slope + out, scratch);
  }
}

// A of every atom of the block, with what empty slots give (1.6).
template <class Real>
inline void contract_block(const ModelView<Real>& model, const DescriptorView<Real>& view, const BlockTask& task,
                           DescriptorScratch<Real>& s, ScratchView<Real>& scratch) {
  const int types = model.ntypes;
  const int row = task.count + 1;
  const int stride = view.width_padded;
  const std::int64_t plane = 4 * static_cast<std::int64_t>(stride);
  const std::uint8_t* excluded = view.excluded + static_cast<std::int64_t>(task.type) * types;
  for (std::int64_t m = 0; m < task.count * plane; ++m) s.contraction[m] = 0;
  for (int t = 0; t < types; ++t) {
    const std::int64_t pair = static_cast<std::int64_t>(task.type) * types + t;
    if (excluded[t] != 0 || !has_net(view, pair)) continue;
    const LatentTableView<Real>* table = view.latent[pair];
    if (table != nullptr) {
      const int q = table->columns_padded;
      for (int a = 0; a < task.count; ++a) {
        const std::int32_t* segment = s.neighbours.segment + static_cast<std::int64_t>(a) * (types + 1) + t;
        if (table->degree == 5) {
          forward<5>(*table, s, segment[0], segment[1], scratch.latent);
        } else {
          forward<7>(*table, s, segment[0], segment[1], scratch.latent);
        }
        Real* sums = scratch.latent_sums + static_cast<std::int64_t>(a) * 4 * q;
        for (int k = 0; k < 4 * q; ++k) sums[k] = static_cast<Real>(scratch.latent[k]);
      }
      gemm(4 * task.count, stride, q, scratch.latent_sums, q, table->expansion, s.contraction, stride, true);
    }
    for (int a = 0; a < task.count; ++a)
      contract_net(s, stride, s.net_segment[t * row + a], s.net_segment[t * row + a + 1], s.contraction + a * plane);
  }
  for (int a = 0; a < task.count; ++a) {
    const std::int32_t* segment = s.neighbours.segment + static_cast<std::int64_t>(a) * (types + 1);
    Real* out = s.contraction + a * plane;
    for (int t = 0; t < types; ++t) {
      const double* masked = view.masked[task.type * types + t];
      if (masked == nullptr || excluded[t] == 0) continue;
      add_constant(masked, excluded[t] == 2 ? view.sel[view.mixed ? 0 : t] : segment[t + 1] - segment[t], stride, out);
    }
    for (int g = 0; g < view.groups; ++g) {
      const double* pad = !view.mixed && excluded[g] == 2 ? nullptr : view.pads[task.type * view.groups + g];
      const int taken = view.mixed ? segment[types] - segment[0] : segment[g + 1] - segment[g];
      const int empty = view.sel[g] - taken;
      if (pad == nullptr || empty <= 0) continue;
      add_constant(view.per_slot ? pad + taken * plane : pad, view.per_slot ? 1.0 : empty, stride, out);
    }
    for (int m = 0; m < plane; m += kLanes<Real>) store(out + m, load(out + m) * splat<Real>(view.scale));
  }
}

// Input rows of the fitting net: D of every descriptor, then constants and parameters; or with D left out (`vacuum`).
template <class Real>
inline void fill_input(const ModelView<Real>& model, const BlockTask& task, bool vacuum, ScratchView<Real>& scratch) {
  for (int a = 0; a < task.count; ++a) {
    Real* input = scratch.fit_input + static_cast<std::int64_t>(a) * model.inputs_padded;
    for (int k = 0; k < model.inputs_padded; ++k) input[k] = 0;
    for (int d = 0; d < model.descriptor_count && !vacuum; ++d) {
      const DescriptorView<Real>& view = model.descriptors[d];
      descriptor(view, scratch.descriptors[d].contraction + static_cast<std::int64_t>(a) * 4 * view.width_padded,
                 input + view.input_offset);
    }
    const double* extras =
        (vacuum ? model.vacuum_extras : model.extras_of_type) + static_cast<std::int64_t>(task.type) * model.extras;
    for (int k = 0; k < model.extras; ++k) input[model.extras_offset + k] = static_cast<Real>(extras[k]);
    for (int k = 0; k < model.fparam_count; ++k) {
      input[model.fparam_place + k] = static_cast<Real>((task.fparam[k] - model.fparam_average[k]) * model.fparam_inverse_std[k]);
    }
    const double* mine = task.aparam + static_cast<std::int64_t>(task.atoms[a]) * model.aparam_count;
    for (int k = 0; k < model.aparam_count; ++k)
      input[model.aparam_place + k] = static_cast<Real>((mine[k] - model.aparam_average[k]) * model.aparam_inverse_std[k]);
  }
}

// Forces of a block: sums of the backward sweep to Cartesian gradients (1.9), added to the centres and taken off the images.
template <class Real>
inline void scatter(const DescriptorView<Real>& view, const BlockTask& task, int types, std::int64_t capacity,
                    const DescriptorScratch<Real>& s, const double* sums) {
  for (int a = 0; a < task.count; ++a) {
    const std::int32_t* segment = s.neighbours.segment + static_cast<std::int64_t>(a) * (types + 1);
    double force[3] = {0.0, 0.0, 0.0};
    for (int k = segment[0]; k < segment[types]; ++k) {
      const double* sum = sums + 4 * static_cast<std::int64_t>(k);
      const std::int64_t place =
          4 * (static_cast<std::int64_t>(task.type) * (view.per_slot ? view.slots_total : 1) + (view.per_slot ? s.slot[k] : 0));
      const double* inverse = view.inverse_dstd + place;
      const double row = view.radial ? 0.0 : 1.0;
      const double w1 = row * sum[1] * inverse[1], w2 = row * sum[2] * inverse[2], w3 = row * sum[3] * inverse[3];
      const double x = s.neighbours.x[k], y = s.neighbours.y[k], z = s.neighbours.z[k];
      const double c2 = s.chain[capacity + k], c3 = s.chain[2 * capacity + k];
      const double radial = (sum[0] + (w1 * x + w2 * y + w3 * z) * c2) / s.neighbours.r[k];
      const double g[3] = {radial * x + w1 * c3, radial * y + w2 * c3, radial * z + w3 * c3};
      double* image = task.image_forces + 3 * static_cast<std::int64_t>(s.neighbours.image[k]);
      for (int c = 0; c < 3; ++c) {
        force[c] += g[c];
        image[c] -= g[c];
      }
    }
    for (int c = 0; c < 3; ++c) task.centre_forces[3 * a + c] += force[c];
  }
}

template <class Real>
inline void backward_block(const ModelView<Real>& model, const DescriptorView<Real>& view, const BlockTask& task,
                           const double* scale, DescriptorScratch<Real>& s, ScratchView<Real>& scratch) {
  const int types = model.ntypes;
  const int row = task.count + 1;
  const int stride = view.width_padded;
  const std::int64_t plane = 4 * static_cast<std::int64_t>(stride);
  const std::uint8_t* excluded = view.excluded + static_cast<std::int64_t>(task.type) * types;
  for (int a = 0; a < task.count; ++a) {
    descriptor_backward(view, s.contraction + a * plane,
                        scratch.fit_input + static_cast<std::int64_t>(a) * model.inputs_padded + view.input_offset,
                        scale[a] * view.scale, s.gradient + a * plane);
  }
  // d R_0 / dr = c1 / dstd_0; where that differs by slot the factor goes into the chain.
  const double row_scale = view.radial ? 0.0 : view.per_slot ? 1.0 : view.inverse_dstd[4 * static_cast<std::int64_t>(task.type)];
  if (view.per_slot) {
    for (int k = 0; k < s.neighbours.count; ++k)
      s.chain[k] *= view.inverse_dstd[4 * (static_cast<std::int64_t>(task.type) * view.slots_total + s.slot[k])];
  }
  for (int t = 0; t < types; ++t) {
    const std::int64_t pair = static_cast<std::int64_t>(task.type) * types + t;
    if (excluded[t] != 0 || !has_net(view, pair)) {
      for (int a = 0; a < task.count; ++a) {
        const std::int32_t* segment = s.neighbours.segment + static_cast<std::int64_t>(a) * (types + 1) + t;
        for (std::int64_t k = 4 * static_cast<std::int64_t>(segment[0]); k < 4 * static_cast<std::int64_t>(segment[1]); ++k)
          scratch.gradients[k] = 0.0;
      }
      continue;
    }
    const LatentTableView<Real>* table = view.latent[pair];
    if (table != nullptr)
      gemm(4 * task.count, table->columns_padded, stride, s.gradient, stride, table->contraction, scratch.latent_sums,
           table->columns_padded);
    for (int a = 0; a < task.count; ++a) {
      const std::int32_t* segment = s.neighbours.segment + static_cast<std::int64_t>(a) * (types + 1) + t;
      if (table != nullptr) {
        const Real* h = scratch.latent_sums + static_cast<std::int64_t>(a) * 4 * table->columns_padded;
        if (table->degree == 5) {
          backward<5>(*table, s, segment[0], segment[1], h, s.chain, row_scale, scratch.gradients);
        } else {
          backward<7>(*table, s, segment[0], segment[1], h, s.chain, row_scale, scratch.gradients);
        }
      }
      net_backward(s, stride, s.net_segment[t * row + a], s.net_segment[t * row + a + 1], s.gradient + a * plane, s.chain,
                   row_scale, scratch.gradients);
    }
  }
  scatter(view, task, types, scratch.capacity, s, scratch.gradients);
}

// W = sum over images of f (x) (x - x_0) + sum over centres: the sum over pairs of (-g) (x) r, with far fewer terms. Lengths are
// counted from the first atom of the block, so that nothing is lost far from the origin.
inline void block_virial(const BlockTask& task) {
  const double* origin = task.positions + 3 * static_cast<std::int64_t>(task.atoms[0]);
  double w[9] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
  const auto add = [&](const double* force, double x, double y, double z) {
    for (int c = 0; c < 3; ++c) {
      w[3 * c] += force[c] * x;
      w[3 * c + 1] += force[c] * y;
      w[3 * c + 2] += force[c] * z;
    }
  };
  for (int k = 0; k < task.images; ++k)
    add(task.image_forces + 3 * static_cast<std::int64_t>(k), task.image_x[k] - origin[0], task.image_y[k] - origin[1],
        task.image_z[k] - origin[2]);
  for (int a = 0; a < task.count; ++a) {
    const double* x = task.positions + 3 * static_cast<std::int64_t>(task.atoms[a]);
    add(task.centre_forces + 3 * a, x[0] - origin[0], x[1] - origin[1], x[2] - origin[2]);
  }
  for (int k = 0; k < 9; ++k) task.virial[k] = w[k];
}

template <class Real>
inline BlockStatus block(const ModelView<Real>& model, const BlockTask& task, ScratchView<Real>& scratch) {
  const int types = model.ntypes;
  double last = task.clock();
  const auto lap = [&](int phase) {
    const double now = task.clock();
    task.seconds[phase] += now - last;
    last = now;
  };
  if (!task.has_neighbours) {
    const BlockStatus gathered = gather_block(model, task, scratch);
    if (gathered != BlockStatus::ok) return gathered;
  }
  *task.pairs_inside = 0;
  for (int d = 0; d < model.descriptor_count; ++d) {
    DescriptorScratch<Real>& s = scratch.descriptors[d];
    if (!task.has_neighbours) {
      if (model.descriptors[d].per_slot) rank_slots(model.descriptors[d], task, types, !model.native_rule, s);
      environment(model.descriptors[d], task.type, scratch.capacity, s);
    } else if (!task.has_rows) {
      normalise(model.descriptors[d], task.type, scratch.capacity, s);
    }
    *task.pairs_inside += static_cast<std::uint64_t>(s.neighbours.count);
  }
  lap(0);
  for (int d = 0; d < model.descriptor_count; ++d) {
    embed_block(model, model.descriptors[d], task, scratch.descriptors[d], scratch);
    contract_block(model, model.descriptors[d], task, scratch.descriptors[d], scratch);
  }
  lap(1);
  double vacuum[kMaxBlockAtoms];
  for (int a = 0; a < task.count; ++a) vacuum[a] = model.vacuum != nullptr ? model.vacuum[task.type] : 0.0;
  if (model.subtract_vacuum[task.type] != 0 && model.vacuum == nullptr) {
    fill_input(model, task, true, scratch);
    fit(model, task.type, task.count, vacuum, false, scratch);
  }
  fill_input(model, task, false, scratch);
  lap(2);
  double energies[kMaxBlockAtoms];
  fit(model, task.type, task.count, energies, true, scratch);
  lap(3);
  for (int k = 0; k < 3 * task.count; ++k) task.centre_forces[k] = 0.0;
  for (std::int64_t k = 0; k < 3 * static_cast<std::int64_t>(task.images); ++k) task.image_forces[k] = 0.0;
  const bool no_net = model.fitting_excluded[task.type] != 0;
  const bool silent = model.atom_excluded[task.type] != 0;
  double scale[kMaxBlockAtoms];
  for (int a = 0; a < task.count; ++a) {
    double energy = no_net ? 0.0 : ((energies[a] - vacuum[a]) + model.atom_bias[task.type]) * model.out_std[task.type];
    scale[a] = no_net || silent ? 0.0 : model.out_std[task.type];
    // Graphs mix the net with its bias, native models add theirs to the mixture (1.15).
    const double after = model.native_rule ? model.out_bias[task.type] : 0.0;
    if (!model.native_rule) energy += model.out_bias[task.type];
    if (model.pair_table != nullptr && !silent) {
      // Native models look at the whole list, graphs at what fills the slots of the descriptor.
      const bool whole = model.shared_base && model.native_rule;
      NeighbourArrays& all = whole ? scratch.base : scratch.descriptors[0].neighbours;
      const std::int32_t* segment = all.segment + static_cast<std::int64_t>(a) * (types + 1);
      for (int k = segment[0]; whole && k < segment[types]; ++k) all.r[k] = std::sqrt(all.r[k]);
      double share;
      const BlockStatus mixed =
          mix_table(*model.pair_table, task, types, a, all, model.atom_bias[task.type], energy, share, scratch.gradients);
      if (mixed != BlockStatus::ok) return mixed;
      scale[a] *= share;
      for (int k = segment[0]; k < segment[types]; ++k) {
        const double radial = scratch.gradients[k] / all.r[k];
        const double g[3] = {radial * all.x[k], radial * all.y[k], radial * all.z[k]};
        double* image = task.image_forces + 3 * static_cast<std::int64_t>(all.image[k]);
        for (int c = 0; c < 3; ++c) {
          task.centre_forces[3 * a + c] += g[c];
          image[c] -= g[c];
        }
      }
    }
    task.atom_energies[task.atoms[a]] = silent ? 0.0 : energy + after;
  }
  for (int d = 0; d < model.descriptor_count; ++d)
    backward_block(model, model.descriptors[d], task, scale, scratch.descriptors[d], scratch);
  block_virial(task);
  lap(4);
  return BlockStatus::ok;
}

#define IONCLAY_KERNEL(REAL)                                                                                 \
  {ionclay::IONCLAY_ISA::kLanes<REAL>, ionclay::IONCLAY_ISA::kStrip<REAL>, ionclay::IONCLAY_ISA::pair<REAL>, \
   ionclay::IONCLAY_ISA::embed<REAL>,  ionclay::IONCLAY_ISA::fit<REAL>,    ionclay::IONCLAY_ISA::block<REAL>}

}  // namespace ionclay::IONCLAY_ISA
