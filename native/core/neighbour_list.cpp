// SPDX-License-Identifier: MIT
#include "native/core/neighbour_list.hpp"

#include <algorithm>
#include <cmath>

#include "native/core/error.hpp"

namespace ionclay {
namespace {

constexpr std::size_t kAtomsPerBlock = 64;

}  // namespace

void NeighbourList::build(const double* positions, std::size_t natoms, const std::int32_t*, const Cell& cell, double radius,
                          const Execution& execution) {
  SearchSpace space;
  prepare(positions, natoms, cell, radius, space);
  const Bins& bins = space.bins;
  const double* x = space.x;
  const std::vector<double>& shifts = space.shifts;
  offsets_.assign(natoms + 1, 0);

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
            const std::int32_t shift = shift_index(na, nb, nc);
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
