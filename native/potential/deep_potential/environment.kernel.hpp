// SPDX-License-Identifier: MIT
// Neighbourhoods of a block of atoms in type-major order, and their environment rows (deep-potential.md 1.2 to 1.5).
#pragma once

#include "native/potential/deep_potential/view.hpp"
#include "native/simd/math.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::BlockStatus;
using deep_potential::BlockTask;
using deep_potential::ModelView;
using deep_potential::ScratchView;

// Indices by ascending distance; ties by their order in the list (1.4). Heap sort: no memory, no library code in a kernel.
inline void sort_by_distance(std::int32_t* index, int n, const double* candidate) {
  const auto less = [&](std::int32_t a, std::int32_t b) {
    const double da = candidate[4 * static_cast<std::int64_t>(a) + 3];
    const double db = candidate[4 * static_cast<std::int64_t>(b) + 3];
    return da < db || (da == db && a < b);
  };
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

// Neighbours of one atom inside the cutoff: candidate[k] = x y z r^2, candidate_type, candidate_entry. Returns how many, or -1 where
// an atom sits on the centre.
inline int collect(const ModelView& model, const BlockTask& task, std::int32_t centre, ScratchView& scratch) {
  const std::uint64_t begin = task.list_offsets[centre];
  const std::uint64_t end = task.list_offsets[centre + 1];
  const double* x = task.positions + 3 * static_cast<std::int64_t>(centre);
  const double cutoff2 = model.cutoff * model.cutoff;
  const std::uint8_t* removed = model.pair_excluded + static_cast<std::int64_t>(task.type) * model.ntypes;
  int count = 0;
  for (std::uint64_t k = begin; k < end; ++k) {
    const std::int32_t j = task.list_entries[2 * k];
    const double* t = task.shifts + 3 * static_cast<std::int64_t>(task.list_entries[2 * k + 1]);
    const double* y = task.positions + 3 * static_cast<std::int64_t>(j);
    double* out = scratch.candidate + 4 * static_cast<std::int64_t>(count);
    const double dx = (y[0] - x[0]) + t[0];
    const double dy = (y[1] - x[1]) + t[1];
    const double dz = (y[2] - x[2]) + t[2];
    const double r2 = dx * dx + dy * dy + dz * dz;
    out[0] = dx;
    out[1] = dy;
    out[2] = dz;
    out[3] = r2;
    const std::int32_t type = task.types[j];
    scratch.candidate_type[count] = type;
    scratch.candidate_entry[count] = static_cast<std::int32_t>(k - begin);
    const bool inside = r2 < cutoff2 && type >= 0 && removed[type >= 0 ? type : 0] == 0;
    if (inside && r2 < 1e-12) {
      task.culprits[0] = centre;
      task.culprits[1] = j;
      return -1;
    }
    count += inside ? 1 : 0;
  }
  return count;
}

// Drops candidates beyond sel (1.4): marks them with type -1. Returns false where the rule is to stop.
inline bool apply_sel(const ModelView& model, const BlockTask& task, std::int32_t centre, int count, std::int32_t* counts,
                      ScratchView& scratch) {
  bool over = false;
  for (int t = 0; t < model.ntypes; ++t) {
    if (counts[t] <= model.sel[t]) continue;
    over = true;
    const int beyond = counts[t] - model.sel[t];
    if (beyond > task.overflow[2 * t]) task.overflow[2 * t] = beyond;
    task.overflow[2 * t + 1] += 1;
    if (task.overflow_rule == 2) {
      task.culprits[0] = t;
      task.culprits[1] = counts[t];
      task.culprits[2] = centre;
      return false;
    }
  }
  if (task.overflow_rule != 0 || (!over && (!model.native_rule || count <= model.slots_total))) return true;
  std::int32_t* order = scratch.placed;
  for (int k = 0; k < count; ++k) order[k] = k;
  sort_by_distance(order, count, scratch.candidate);
  for (int t = 0; t < model.ntypes; ++t) counts[t] = 0;
  for (int k = 0; k < count; ++k) {
    std::int32_t& type = scratch.candidate_type[order[k]];
    const bool keep = (!model.native_rule || k < model.slots_total) && counts[type] < model.sel[type];
    if (keep) {
      counts[type] += 1;
    } else {
      type = -1;
    }
  }
  return true;
}

// Fills segment, entry, vector (and slot); returns the number of neighbours, -1 overlap, -2 sel overflow.
inline int gather_block(const ModelView& model, const BlockTask& task, std::int64_t capacity, ScratchView& scratch) {
  const int types = model.ntypes;
  const int row = task.count + 1;
  // Places in type-major order are known only when all atoms have been counted, and distances are not computed twice: neighbours are
  // kept in atom-major order first and moved afterwards.
  std::int64_t total = 0;
  std::int32_t* number = scratch.segment;  // [T][atoms + 1], counts first
  for (int k = 0; k < types * row; ++k) number[k] = 0;
  double* kept = scratch.rows;  // atom-major copy: x y z r2, moved into place below
  std::int32_t* kept_type = scratch.slot;
  std::int32_t* kept_entry = scratch.placed + capacity;
  for (int a = 0; a < task.count; ++a) {
    const int count = collect(model, task, task.atoms[a], scratch);
    if (count < 0) return -1;
    std::int32_t* counts = scratch.placed + 2 * capacity;
    for (int t = 0; t < types; ++t) counts[t] = 0;
    for (int k = 0; k < count; ++k) counts[scratch.candidate_type[k]] += 1;
    if (!apply_sel(model, task, task.atoms[a], count, counts, scratch)) return -2;
    for (int k = 0; k < count; ++k) {
      const std::int32_t type = scratch.candidate_type[k];
      if (type < 0) continue;
      for (int c = 0; c < 4; ++c) kept[4 * total + c] = scratch.candidate[4 * static_cast<std::int64_t>(k) + c];
      kept_type[total] = type;
      kept_entry[total] = scratch.candidate_entry[k];
      total += 1;
      number[type * row + a + 1] += 1;
    }
  }
  // Prefix sums: segment[t][a] = first neighbour of type t of atom a in type-major order.
  std::int32_t running = 0;
  for (int t = 0; t < types; ++t) {
    number[t * row] = running;
    for (int a = 0; a < task.count; ++a) {
      running += number[t * row + a + 1];
      number[t * row + a + 1] = running;
    }
  }
  double* x = scratch.vector;
  double* y = x + capacity;
  double* z = y + capacity;
  double* r2 = z + capacity;
  // Cursor of each type within the present atom, kept in the tail of `placed`.
  std::int32_t* cursor = scratch.placed + 2 * capacity;
  std::int64_t from = 0;
  for (int a = 0; a < task.count; ++a) {
    std::int64_t mine = 0;
    for (int t = 0; t < types; ++t) {
      cursor[t] = number[t * row + a];
      mine += number[t * row + a + 1] - number[t * row + a];
    }
    for (std::int64_t k = from; k < from + mine; ++k) {
      const std::int32_t place = cursor[kept_type[k]]++;
      x[place] = kept[4 * k];
      y[place] = kept[4 * k + 1];
      z[place] = kept[4 * k + 2];
      r2[place] = kept[4 * k + 3];
      scratch.entry[place] = kept_entry[k];
    }
    from += mine;
  }
  return static_cast<int>(total);
}

// Ranks by distance inside each (atom, type) segment: the slot of every neighbour, where the statistics differ by slot.
inline void rank_slots(const ModelView& model, const BlockTask& task, std::int64_t capacity, ScratchView& scratch) {
  const double* r2 = scratch.vector + 3 * capacity;
  const int row = task.count + 1;
  for (int t = 0; t < model.ntypes; ++t) {
    for (int a = 0; a < task.count; ++a) {
      const int begin = scratch.segment[t * row + a];
      const int end = scratch.segment[t * row + a + 1];
      for (int k = begin; k < end; ++k) {
        int rank = 0;
        for (int l = begin; l < end; ++l) rank += r2[l] < r2[k] || (r2[l] == r2[k] && l < k) ? 1 : 0;
        scratch.slot[k] = model.slot_offset[t] + rank;
      }
    }
  }
}

// Switch (1.3), rows (1.5) and the radial factors of the gradient (1.9) for n neighbours; r^2 in vector[3] becomes r.
inline void environment(const ModelView& model, int centre_type, int n, std::int64_t capacity, ScratchView& scratch) {
  const VecD one = broadcast(1.0);
  const VecD smooth = broadcast(model.smooth);
  const VecD cutoff = broadcast(model.cutoff);
  const VecD width = broadcast(model.switch_width);
  const VecD protection = broadcast(model.protection);
  double raw[4][kWidth];
  for (int first = 0; first < n; first += kWidth) {
    const int lanes = n - first < kWidth ? n - first : kWidth;
    double* at = scratch.vector + first;
    const VecD x = load_partial(at, lanes);
    const VecD y = load_partial(at + capacity, lanes);
    const VecD z = load_partial(at + 2 * capacity, lanes);
    const VecD r = sqrt(load_partial(at + 3 * capacity, lanes));
    const VecD u = (r - smooth) / width;
    const VecD u2 = u * u;
    const MaskD inner = r < smooth;
    const MaskD outer = r >= cutoff;
    const VecD middle = fma(u2 * u, fma(u, fnma(broadcast(6.0), u, broadcast(15.0)), broadcast(-10.0)), one);
    const VecD middle_slope = u2 * fma(u, fnma(broadcast(30.0), u, broadcast(60.0)), broadcast(-30.0)) / width;
    const VecD w = select(outer, broadcast(0.0), select(inner, one, middle));
    const VecD dw = select(inner | outer, broadcast(0.0), middle_slope);
    const VecD iq = one / (r + protection);
    const VecD iq2 = iq * iq;
    const VecD c3 = w * iq2;
    store_partial(at + 3 * capacity, r, lanes);
    store_partial(scratch.chain + first, fnma(w, iq2, dw * iq), lanes);
    store_partial(scratch.chain + capacity + first, fnma(broadcast(2.0) * c3, iq, dw * iq2), lanes);
    store_partial(scratch.chain + 2 * capacity + first, c3, lanes);
    store(raw[0], w * iq);
    store(raw[1], c3 * x);
    store(raw[2], c3 * y);
    store(raw[3], c3 * z);
    for (int lane = 0; lane < lanes; ++lane) {
      const std::int64_t place =
          model.per_slot ? (static_cast<std::int64_t>(centre_type) * model.slots_total + scratch.slot[first + lane]) * 4
                         : static_cast<std::int64_t>(centre_type) * 4;
      const double* mean = model.davg + place;
      const double* inverse = model.inverse_dstd + place;
      double* out = scratch.rows + 4 * static_cast<std::int64_t>(first + lane);
      for (int c = 0; c < 4; ++c) out[c] = (raw[c][lane] - mean[c]) * inverse[c];
      scratch.scalar[first + lane] = out[0];
    }
  }
}

}  // namespace ionclay::IONCLAY_ISA
