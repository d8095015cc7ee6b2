// SPDX-License-Identifier: MIT
// Neighbourhoods of a block of atoms: distances to the images of the list, cutoff, and the rules for too many neighbours
// (deep-potential.md 1.2, 1.4, 1.12).
#pragma once

#include "native/potential/deep_potential/view.hpp"
#include "native/simd/math.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::BlockStatus;
using deep_potential::BlockTask;
using deep_potential::DescriptorScratch;
using deep_potential::DescriptorView;
using deep_potential::ModelView;
using deep_potential::NeighbourArrays;
using deep_potential::ScratchView;

// Whether neighbour a fills its slot before b: the nearer first, ties by atom and lattice vector (1.4; graph models compare float32
// squares, so that neighbours at equal distances are told apart by their order, not by rounding).
inline bool before(std::int32_t a, std::int32_t b, const NeighbourArrays& all, const BlockTask& task, bool single) {
  const double da = single ? static_cast<float>(all.r[a]) : all.r[a];
  const double db = single ? static_cast<float>(all.r[b]) : all.r[b];
  if (da != db) return da < db;
  const std::int32_t p = all.image[a], q = all.image[b];
  return task.image_atom[p] != task.image_atom[q] ? task.image_atom[p] < task.image_atom[q]
                                                  : task.image_shift[p] < task.image_shift[q];
}

// Heap sort: no memory, no library code in a kernel.
inline void sort_by_distance(std::int32_t* index, int n, const NeighbourArrays& all, const BlockTask& task, bool single) {
  const auto less = [&](std::int32_t a, std::int32_t b) { return before(a, b, all, task, single); };
  const auto sift = [&](int start, int end) {
    int root = start;
    while (2 * root + 1 < end) {
      int child = 2 * root + 1;
      if (child + 1 < end && less(index[child], index[child + 1])) ++child;
      if (!less(index[root], index[child])) return;
      const std::int32_t swap = index[root];
      index[root] = index[child];
      index[child] = swap;
      root = child;
    }
  };
  for (int start = n / 2 - 1; start >= 0; --start) sift(start, n);
  for (int end = n - 1; end > 0; --end) {
    const std::int32_t swap = index[0];
    index[0] = index[end];
    index[end] = swap;
    sift(0, end);
  }
}

// Appends the neighbours of atom `a` of the block within `cutoff`. False where another atom sits on the centre.
template <class Real>
inline bool collect(const ModelView<Real>& model, const BlockTask& task, int a, NeighbourArrays& all) {
  const int types = model.ntypes;
  const double* centre = task.positions + 3 * static_cast<std::int64_t>(task.atoms[a]);
  const VecD x = broadcast(centre[0]), y = broadcast(centre[1]), z = broadcast(centre[2]);
  const VecD cutoff2 = broadcast(model.cutoff * model.cutoff);
  const VecD touching = broadcast(1e-12);
  const std::uint8_t* removed = model.pair_excluded + static_cast<std::int64_t>(task.type) * types;
  const std::uint32_t* listed = task.segments + static_cast<std::int64_t>(a) * (types + 1);
  std::int32_t* segment = all.segment + static_cast<std::int64_t>(a) * (types + 1);
  int n = all.count;
  for (int t = 0; t < types; ++t) {
    segment[t] = n;
    if (removed[t] != 0) continue;
    for (std::uint32_t k = listed[t]; k < listed[t + 1]; k += kWidth) {
      // Entries are padded, images too: lanes beyond the segment are masked.
      const std::int32_t* index = reinterpret_cast<const std::int32_t*>(task.entries + k);
      const VecD dx = gather(task.image_x, index) - x;
      const VecD dy = gather(task.image_y, index) - y;
      const VecD dz = gather(task.image_z, index) - z;
      const VecD r2 = fma(dz, dz, fma(dy, dy, dx * dx));
      const std::uint32_t rest = listed[t + 1] - k;
      const unsigned lanes = rest >= static_cast<std::uint32_t>(kWidth) ? (1u << kWidth) - 1u : (1u << rest) - 1u;
      const unsigned inside = bits(r2 < cutoff2) & lanes;
      if ((bits(r2 < touching) & lanes) != 0) {
        int lane = 0;
        while ((bits(r2 < touching) >> lane & 1u) == 0) ++lane;
        task.culprits[0] = task.atoms[a];
        task.culprits[1] = task.image_atom[index[lane]];
        return false;
      }
      compress_store(all.x + n, dx, inside);
      compress_store(all.y + n, dy, inside);
      compress_store(all.z + n, dz, inside);
      compress_store(all.r + n, r2, inside);
      for (int lane = 0; lane < kWidth; ++lane) {
        all.image[n] = index[lane];
        n += static_cast<int>(inside >> lane & 1u);
      }
    }
  }
  segment[types] = n;
  all.count = n;
  return true;
}

// Neighbour `from` of one list becomes neighbour `to` of another (or the same).
inline void copy_neighbour(const NeighbourArrays& source, int from, NeighbourArrays& all, int to) {
  all.x[to] = source.x[from];
  all.y[to] = source.y[from];
  all.z[to] = source.z[from];
  all.r[to] = source.r[from];
  all.image[to] = source.image[from];
}

// Drops neighbours of the last atom appended whose flag is not set, keeping the order.
inline void compact(NeighbourArrays& all, std::int32_t* segment, int types, const std::int32_t* kept) {
  const int begin = segment[0];
  int n = begin;
  for (int t = 0; t < types; ++t) {
    const int from = segment[t], to = segment[t + 1];
    segment[t] = n;
    for (int k = from; k < to; ++k) {
      if (kept[k - begin] == 0) continue;
      copy_neighbour(all, k, all, n++);
    }
  }
  segment[types] = n;
  all.count = n;
}

inline int type_of(const std::int32_t* segment, int types, int k) {
  int t = 0;
  while (t + 1 < types && k >= segment[t + 1]) ++t;
  return t;
}

// Keeps the `total` nearest over all types (where total >= 0) and, inside these, the sel[group] nearest of each group.
template <class Real>
inline void keep_nearest(const BlockTask& task, NeighbourArrays& all, std::int32_t* segment, int types, bool mixed,
                         const int* sel, int total, bool single, ScratchView<Real>& scratch) {
  const int begin = segment[0];
  const int n = segment[types] - begin;
  for (int k = 0; k < n; ++k) {
    scratch.order[k] = begin + k;
    scratch.kept[k] = 0;
  }
  sort_by_distance(scratch.order, n, all, task, single);
  for (int g = 0; g < (mixed ? 1 : types); ++g) {
    int taken = 0;
    for (int rank = 0; rank < n && taken < sel[g]; ++rank) {
      if (total >= 0 && rank >= total) break;
      const int k = scratch.order[rank];
      if (!mixed && type_of(segment, types, k) != g) continue;
      scratch.kept[k - begin] = 1;
      ++taken;
    }
  }
  compact(all, segment, types, scratch.kept);
}

// Counts neighbours beyond sel; true where some group has too many. False in `go_on` where the rule is to stop.
template <class Real>
inline bool overflows(const DescriptorView<Real>& descriptor, int which, const BlockTask& task, int types, int atom,
                      const std::int32_t* segment, bool& go_on) {
  bool over = false;
  for (int g = 0; g < descriptor.groups; ++g) {
    const int count = descriptor.mixed ? segment[types] - segment[0] : segment[g + 1] - segment[g];
    if (count <= descriptor.sel[g]) continue;
    over = true;
    std::int32_t* seen = task.overflow + 2 * (static_cast<std::int64_t>(which) * types + g);
    const int beyond = count - descriptor.sel[g];
    if (beyond > seen[0]) seen[0] = beyond;
    seen[1] += 1;
    if (task.overflow_rule == 2) {
      task.culprits[0] = g;
      task.culprits[1] = count;
      task.culprits[2] = atom;
      task.culprits[3] = which;
      go_on = false;
      return true;
    }
  }
  return over;
}

// Applies 1.4 to the last atom of descriptor `which`.
template <class Real>
inline bool apply_sel(const ModelView<Real>& model, int which, const BlockTask& task, int a, NeighbourArrays& all,
                      ScratchView<Real>& scratch) {
  const DescriptorView<Real>& descriptor = model.descriptors[which];
  const int types = model.ntypes;
  std::int32_t* segment = all.segment + static_cast<std::int64_t>(a) * (types + 1);
  bool go_on = true;
  const bool over = overflows(descriptor, which, task, types, task.atoms[a], segment, go_on);
  if (!go_on) return false;
  if (task.overflow_rule != 0) return true;
  // A native model keeps the nearest over all types first; where the list is shared that has been done.
  const bool native = model.native_rule && !model.shared_base && !descriptor.mixed;
  const bool crowded = native && segment[types] - segment[0] > descriptor.slots_total;
  if (over || crowded)
    keep_nearest(task, all, segment, types, descriptor.mixed, descriptor.sel, native ? descriptor.slots_total : -1,
                 !model.native_rule, scratch);
  return true;
}

// The neighbours of a sub-descriptor of a hybrid: those of the base list within its own cutoff.
template <class Real>
inline void select_within(const NeighbourArrays& base, NeighbourArrays& all, int a, int types, double cutoff) {
  const std::int32_t* from = base.segment + static_cast<std::int64_t>(a) * (types + 1);
  std::int32_t* segment = all.segment + static_cast<std::int64_t>(a) * (types + 1);
  int n = all.count;
  for (int t = 0; t < types; ++t) {
    segment[t] = n;
    for (int k = from[t]; k < from[t + 1]; ++k) {
      if (!(base.r[k] < cutoff * cutoff)) continue;
      copy_neighbour(base, k, all, n++);
    }
  }
  segment[types] = n;
  all.count = n;
}

// Fills the neighbour arrays of every descriptor.
template <class Real>
inline BlockStatus gather_block(const ModelView<Real>& model, const BlockTask& task, ScratchView<Real>& scratch) {
  const int types = model.ntypes;
  NeighbourArrays& base = model.shared_base ? scratch.base : scratch.descriptors[0].neighbours;
  base.count = 0;
  for (int d = 0; d < model.descriptor_count; ++d) scratch.descriptors[d].neighbours.count = 0;
  for (int a = 0; a < task.count; ++a) {
    if (!collect(model, task, a, base)) return BlockStatus::overlap;
    if (model.shared_base && model.native_rule && task.overflow_rule == 0) {
      std::int32_t* segment = base.segment + static_cast<std::int64_t>(a) * (types + 1);
      if (segment[types] - segment[0] > model.base_slots)
        keep_nearest(task, base, segment, types, true, &model.base_slots, -1, false, scratch);
    }
    for (int d = 0; d < model.descriptor_count; ++d) {
      NeighbourArrays& all = scratch.descriptors[d].neighbours;
      if (model.shared_base) select_within<Real>(base, all, a, types, model.descriptors[d].cutoff);
      if (!apply_sel(model, d, task, a, all, scratch)) return BlockStatus::sel_overflow;
    }
  }
  return BlockStatus::ok;
}

// Ranks by distance inside each group: the slot of every neighbour, where the statistics differ by slot.
template <class Real>
inline void rank_slots(const DescriptorView<Real>& descriptor, const BlockTask& task, int types, bool single,
                       DescriptorScratch<Real>& scratch) {
  for (int a = 0; a < task.count; ++a) {
    const std::int32_t* segment = scratch.neighbours.segment + static_cast<std::int64_t>(a) * (types + 1);
    for (int g = 0; g < descriptor.groups; ++g) {
      const int begin = descriptor.mixed ? segment[0] : segment[g];
      const int end = descriptor.mixed ? segment[types] : segment[g + 1];
      for (int k = begin; k < end; ++k) {
        int rank = 0;
        for (int l = begin; l < end; ++l) rank += before(l, k, scratch.neighbours, task, single) ? 1 : 0;
        scratch.slot[k] = descriptor.slot_offset[g] + rank;
      }
    }
  }
}

}  // namespace ionclay::IONCLAY_ISA
