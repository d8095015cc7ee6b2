// SPDX-License-Identifier: MIT
#include "native/core/neighbour_list.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "native/core/error.hpp"

namespace ionclay {
namespace {

// Atoms sorted into bins by counting sort: bin order, then index order, so that the list is a pure function of its inputs.
struct Bins {
  int count[3];
  int range[3];
  std::vector<std::int32_t> bin;     // 3 per atom
  std::vector<std::uint32_t> start;  // bins + 1
  std::vector<std::int32_t> atoms;

  std::size_t index(int a, int b, int c) const { return (static_cast<std::size_t>(a) * count[1] + b) * count[2] + c; }
};

constexpr std::size_t kAtomsPerBlock = 64;
// Lattice vectors within reach: 215 cells along each axis. More are never physics, and their table would not fit into memory.
constexpr double kMostImages = 1e7;

Bins make_bins(const std::vector<double>& fractional, std::size_t natoms, const Cell& cell, double radius) {
  Bins bins;
  double origin[3];
  double extent[3];
  for (int k = 0; k < 3; ++k) {
    origin[k] = 0.0;
    extent[k] = 1.0;
    if (!cell.periodic[k]) {
      double low = fractional[k];
      double high = low;
      for (std::size_t i = 1; i < natoms; ++i) {
        low = std::min(low, fractional[3 * i + k]);
        high = std::max(high, fractional[3 * i + k]);
      }
      origin[k] = low;
      // A flat system still needs a bin of some size.
      extent[k] = std::max(high - low, radius / cell.widths[k]);
    }
    // Half-radius bins: a 125-bin search looks at 15.6 r^3 instead of 27 r^3 (dynamics.md 3.2).
    const double wanted = std::floor(extent[k] * cell.widths[k] / (0.5 * radius));
    bins.count[k] = static_cast<int>(std::clamp(wanted, 1.0, 512.0));
  }
  // Sparse systems (few atoms far apart) must not cost memory for empty bins.
  while (static_cast<double>(bins.count[0]) * bins.count[1] * bins.count[2] > 4.0 * static_cast<double>(natoms) + 64.0) {
    int* largest = std::max_element(bins.count, bins.count + 3);
    *largest = std::max(1, *largest / 2);
  }
  for (int k = 0; k < 3; ++k) {
    // The bound keeps the conversion defined; the caller refuses such cells.
    bins.range[k] = static_cast<int>(std::min(std::ceil(radius * bins.count[k] / (extent[k] * cell.widths[k])), 1e9));
    if (!cell.periodic[k]) bins.range[k] = std::min(bins.range[k], bins.count[k]);
  }
  const std::size_t total = static_cast<std::size_t>(bins.count[0]) * bins.count[1] * bins.count[2];
  bins.bin.resize(3 * natoms);
  bins.start.assign(total + 1, 0);
  for (std::size_t i = 0; i < natoms; ++i) {
    for (int k = 0; k < 3; ++k) {
      const double u = (fractional[3 * i + k] - origin[k]) / extent[k] * bins.count[k];
      bins.bin[3 * i + k] = std::clamp(static_cast<int>(u), 0, bins.count[k] - 1);
    }
    bins.start[bins.index(bins.bin[3 * i], bins.bin[3 * i + 1], bins.bin[3 * i + 2]) + 1] += 1;
  }
  for (std::size_t b = 0; b < total; ++b) bins.start[b + 1] += bins.start[b];
  bins.atoms.resize(natoms);
  std::vector<std::uint32_t> cursor(bins.start.begin(), bins.start.end() - 1);
  for (std::size_t i = 0; i < natoms; ++i) {
    bins.atoms[cursor[bins.index(bins.bin[3 * i], bins.bin[3 * i + 1], bins.bin[3 * i + 2])]++] = static_cast<std::int32_t>(i);
  }
  return bins;
}

int floor_div(int a, int m) { return a >= 0 ? a / m : -((m - 1 - a) / m); }

}  // namespace

void NeighbourList::shift_components(std::size_t shift, int n[3]) const {
  n[2] = static_cast<int>(shift % span_[2]) - reach_[2];
  n[1] = static_cast<int>(shift / span_[2] % span_[1]) - reach_[1];
  n[0] = static_cast<int>(shift / (static_cast<std::size_t>(span_[1]) * span_[2])) - reach_[0];
}

void NeighbourList::shift_vectors(const Cell& cell, std::vector<double>& out) const {
  out.resize(3 * shift_count());
  int n[3];
  for (std::size_t s = 0; s < shift_count(); ++s) {
    shift_components(s, n);
    cell.lattice_vector(n, &out[3 * s]);
  }
}

const double* NeighbourList::internal_positions(const double* positions, const Cell& cell, std::vector<double>& buffer) const {
  if (!any_offset_) return positions;
  const std::size_t n = natoms();
  buffer.resize(3 * n);
  double shift[3];
  for (std::size_t i = 0; i < n; ++i) {
    const int w[3] = {offset_[3 * i], offset_[3 * i + 1], offset_[3 * i + 2]};
    cell.lattice_vector(w, shift);
    for (int k = 0; k < 3; ++k) buffer[3 * i + k] = positions[3 * i + k] - shift[k];
  }
  return buffer.data();
}

void NeighbourList::build(const double* positions, std::size_t natoms, const Cell& cell, double radius,
                          const Execution& execution) {
  if (natoms > 0x7fffffff) throw Error("E_TOO_LARGE", "more than 2147483647 atoms");
  std::vector<double> fractional(3 * natoms);
  offset_.assign(3 * natoms, 0);
  any_offset_ = false;
  for (std::size_t i = 0; i < natoms; ++i) {
    double s[3];
    cell.fractional(positions + 3 * i, s);
    for (int k = 0; k < 3; ++k) {
      if (!(std::fabs(s[k]) < 1e9)) {
        throw Error("NONFINITE_POSITION", "atom " + std::to_string(i) + " has a coordinate that is not a usable number", i);
      }
      if (cell.periodic[k]) {
        const double whole = std::floor(s[k]);
        offset_[3 * i + k] = static_cast<std::int32_t>(whole);
        if (whole != 0.0) any_offset_ = true;
        s[k] -= whole;
      }
      fractional[3 * i + k] = s[k];
    }
  }
  offsets_.assign(natoms + 1, 0);
  std::vector<double> buffer;
  const double* x = internal_positions(positions, cell, buffer);
  const Bins bins = make_bins(fractional, natoms, cell, radius);
  int reach[3];
  double images = 1.0;
  for (int k = 0; k < 3; ++k) {
    reach[k] = cell.periodic[k] ? (bins.range[k] + bins.count[k] - 1) / bins.count[k] : 0;
    images *= 2.0 * reach[k] + 1.0;
  }
  if (images > kMostImages) {
    throw Error("E_CELL_INVALID",
                "the cell is too thin for this cutoff: more than ten million images of it would be within reach");
  }
  for (int k = 0; k < 3; ++k) {
    reach_[k] = reach[k];
    span_[k] = 2 * reach[k] + 1;
  }
  std::vector<double> shifts;
  shift_vectors(cell, shifts);

  const std::size_t blocks = (natoms + kAtomsPerBlock - 1) / kAtomsPerBlock;
  std::vector<std::vector<Entry>> found(blocks);
  const double radius2 = radius * radius;
  parallel_for(blocks, execution, [&](std::size_t block, int) {
    std::vector<Entry>& out = found[block];
    const std::size_t end = std::min(natoms, (block + 1) * kAtomsPerBlock);
    for (std::size_t i = block * kAtomsPerBlock; i < end; ++i) {
      const std::size_t first = out.size();
      const double xi = x[3 * i], yi = x[3 * i + 1], zi = x[3 * i + 2];
      const std::int32_t* b = &bins.bin[3 * i];
      for (int oa = -bins.range[0]; oa <= bins.range[0]; ++oa) {
        const int pa = b[0] + oa;
        const int na = floor_div(pa, bins.count[0]);
        if (na != 0 && !cell.periodic[0]) continue;
        for (int ob = -bins.range[1]; ob <= bins.range[1]; ++ob) {
          const int pb = b[1] + ob;
          const int nb = floor_div(pb, bins.count[1]);
          if (nb != 0 && !cell.periodic[1]) continue;
          for (int oc = -bins.range[2]; oc <= bins.range[2]; ++oc) {
            const int pc = b[2] + oc;
            const int nc = floor_div(pc, bins.count[2]);
            if (nc != 0 && !cell.periodic[2]) continue;
            const std::size_t bin = bins.index(pa - na * bins.count[0], pb - nb * bins.count[1], pc - nc * bins.count[2]);
            const std::int32_t shift = static_cast<std::int32_t>(
                ((na + reach_[0]) * static_cast<std::int64_t>(span_[1]) + (nb + reach_[1])) * span_[2] + (nc + reach_[2]));
            const double* t = &shifts[3 * static_cast<std::size_t>(shift)];
            const bool home = na == 0 && nb == 0 && nc == 0;
            for (std::uint32_t k = bins.start[bin]; k < bins.start[bin + 1]; ++k) {
              const std::int32_t j = bins.atoms[k];
              // (x_j - x_i) + nH changes sign exactly with the mirrored entry; any other order does not.
              const double* xj = x + 3 * static_cast<std::size_t>(j);
              const double dx = (xj[0] - xi) + t[0];
              const double dy = (xj[1] - yi) + t[1];
              const double dz = (xj[2] - zi) + t[2];
              const double r2 = dx * dx + dy * dy + dz * dz;
              if (r2 < radius2 && !(home && j == static_cast<std::int32_t>(i))) out.push_back({j, shift});
            }
          }
        }
      }
      std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                [](const Entry& p, const Entry& q) { return p.atom != q.atom ? p.atom < q.atom : p.shift < q.shift; });
      offsets_[i + 1] = out.size() - first;
    }
  });
  for (std::size_t i = 0; i < natoms; ++i) offsets_[i + 1] += offsets_[i];
  if (offsets_[natoms] > 0xfffffff0ull) {
    throw Error("E_TOO_LARGE", "the neighbour list has more than 4.29e9 entries: cutoff too large for this many atoms");
  }
  entries_.resize(offsets_[natoms]);
  parallel_for(blocks, execution, [&](std::size_t block, int) {
    std::copy(found[block].begin(), found[block].end(),
              entries_.begin() + static_cast<std::ptrdiff_t>(offsets_[block * kAtomsPerBlock]));
    std::vector<Entry>().swap(found[block]);
  });
  make_mirrors();
}

// The list is symmetric and sorted, so atom i meets the entries that point back at it in the order of i: one cursor per atom
// suffices. Images of one pair come in the opposite order, because the shift index is odd about its middle.
void NeighbourList::make_mirrors() {
  const std::size_t n = natoms();
  mirrors_.resize(entries_.size());
  std::vector<std::uint64_t> cursor(offsets_.begin(), offsets_.end() - 1);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t k = offsets_[i];
    while (k < offsets_[i + 1]) {
      const std::int32_t j = entries_[k].atom;
      std::uint64_t end = k + 1;
      while (end < offsets_[i + 1] && entries_[end].atom == j) ++end;
      const std::uint64_t first = cursor[j];
      const std::uint64_t group = end - k;
      for (std::uint64_t e = 0; e < group; ++e) mirrors_[k + e] = static_cast<std::uint32_t>(first + group - 1 - e);
      cursor[j] = first + group;
      k = end;
    }
  }
}

}  // namespace ionclay
