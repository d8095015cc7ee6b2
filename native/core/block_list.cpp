// SPDX-License-Identifier: MIT
#include "native/core/block_list.hpp"

#include <algorithm>
#include <cmath>

#include "native/core/error.hpp"

namespace ionclay {
namespace {

// Place along a Hilbert curve through a grid of 2^bits cells an axis (Skilling, AIP Conf. Proc. 707, 381 (2004)): atoms that follow each
// other on it lie close together.
std::uint64_t hilbert(std::uint32_t x, std::uint32_t y, std::uint32_t z, int bits) {
  std::uint32_t axes[3] = {x, y, z};
  for (std::uint32_t q = 1u << (bits - 1); q > 1; q >>= 1) {
    const std::uint32_t p = q - 1;
    for (std::uint32_t& axis : axes) {
      if ((axis & q) != 0) {
        axes[0] ^= p;
      } else {
        const std::uint32_t t = (axes[0] ^ axis) & p;
        axes[0] ^= t;
        axis ^= t;
      }
    }
  }
  axes[1] ^= axes[0];
  axes[2] ^= axes[1];
  std::uint32_t t = 0;
  for (std::uint32_t q = 1u << (bits - 1); q > 1; q >>= 1) {
    if ((axes[2] & q) != 0) t ^= q - 1;
  }
  for (std::uint32_t& axis : axes) axis ^= t;
  std::uint64_t key = 0;
  for (int bit = bits - 1; bit >= 0; --bit) {
    for (const std::uint32_t axis : axes) key = key << 1 | (axis >> bit & 1u);
  }
  return key;
}

constexpr int kHilbertBits = 12;

// Atoms a block: enough rows for the matrix products, few enough that threads share a small system evenly. A function of the number of
// atoms alone, so that results do not depend on threads.
int block_size(std::size_t natoms) {
  // Whole tiles of the matrix kernels.
  return static_cast<int>(std::clamp<std::size_t>(natoms / 10 / 4 * 4, 4, BlockList::kMostAtoms));
}

// Bins that any search can meet, images of them among them: 400 MB of marks a thread. Only cells far thinner than the cutoff have more.
constexpr double kMostBins = 1e8;

// Atoms in the order of their bins, so that a search reads memory in order.
struct SortedAtoms {
  std::vector<double> x, y, z;
  std::vector<std::int32_t> type;
};

}  // namespace

// Memory of one thread while lists are built.
struct BlockList::Search {
  std::vector<std::uint32_t> stamp;  // of every bin that can be met, unwrapped
  std::uint32_t now = 0;
  std::vector<std::int32_t> bins;  // met: unwrapped indices
  std::vector<std::int32_t> atom, shift, type, order;
  std::vector<double> x, y, z, r2;
  std::vector<double> sorted_x, sorted_y, sorted_z;
  std::vector<std::uint32_t> found, renamed;
};

void BlockList::make_blocks(const std::vector<double>& fractional, const std::int32_t* types, const Cell& cell,
                            std::size_t natoms) {
  double widest = 0.0;
  double low[3], extent[3];
  for (int k = 0; k < 3; ++k) {
    low[k] = 0.0;
    extent[k] = 1.0;
    if (!cell.periodic[k]) {
      double high = natoms > 0 ? fractional[k] : 0.0;
      low[k] = high;
      for (std::size_t i = 0; i < natoms; ++i) {
        low[k] = std::min(low[k], fractional[3 * i + k]);
        high = std::max(high, fractional[3 * i + k]);
      }
      extent[k] = std::max(high - low[k], 1e-9);
    }
    widest = std::max(widest, extent[k] * cell.widths[k]);
  }
  constexpr double kCells = 1 << kHilbertBits;
  struct Key {
    std::uint64_t place;
    std::int32_t atom;
  };
  std::vector<std::vector<Key>> keys(ntypes_);
  for (std::size_t i = 0; i < natoms; ++i) {
    if (types[i] < 0) continue;
    std::uint32_t grid[3];
    for (int k = 0; k < 3; ++k) {
      const double at = (fractional[3 * i + k] - low[k]) * cell.widths[k] / widest * kCells;
      grid[k] = static_cast<std::uint32_t>(std::clamp(at, 0.0, kCells - 1.0));
    }
    keys[types[i]].push_back({hilbert(grid[0], grid[1], grid[2], kHilbertBits), static_cast<std::int32_t>(i)});
  }
  const std::size_t size = block_size(natoms);
  std::size_t count = 0;
  for (const auto& list : keys) count += (list.size() + size - 1) / size;
  blocks_.resize(count);
  place_of_.assign(natoms, -1);
  std::size_t next = 0;
  for (int type = 0; type < ntypes_; ++type) {
    auto& list = keys[type];
    std::sort(list.begin(), list.end(),
              [](const Key& a, const Key& b) { return a.place != b.place ? a.place < b.place : a.atom < b.atom; });
    for (std::size_t first = 0; first < list.size(); first += size) {
      Block& block = blocks_[next];
      block.type = type;
      block.atoms.clear();
      for (std::size_t k = first; k < std::min(first + size, list.size()); ++k) {
        place_of_[list[k].atom] = static_cast<std::int64_t>(next) * kMostAtoms + static_cast<std::int64_t>(block.atoms.size());
        block.atoms.push_back(list[k].atom);
      }
      ++next;
    }
  }
}

void BlockList::build(const double* positions, std::size_t natoms, const std::int32_t* types, const Cell& cell, double radius,
                      const Execution& execution) {
  SearchSpace space;
  prepare(positions, natoms, cell, radius, space);
  make_blocks(space.fractional, types, cell, natoms);
  const Bins& bins = space.bins;
  const double* x = space.x;
  const std::vector<double>& shifts = space.shifts;

  SortedAtoms sorted;
  sorted.x.resize(natoms);
  sorted.y.resize(natoms);
  sorted.z.resize(natoms);
  sorted.type.resize(natoms);
  for (std::size_t k = 0; k < natoms; ++k) {
    const std::size_t i = static_cast<std::size_t>(bins.atoms[k]);
    sorted.x[k] = x[3 * i];
    sorted.y[k] = x[3 * i + 1];
    sorted.z[k] = x[3 * i + 2];
    sorted.type[k] = types[i];
  }
  // Bins counted from the lowest that any search can meet.
  const int size[3] = {bins.count[0] + 2 * bins.range[0], bins.count[1] + 2 * bins.range[1], bins.count[2] + 2 * bins.range[2]};
  if (static_cast<double>(size[0]) * size[1] * size[2] > kMostBins) {
    throw Error("E_CELL_INVALID", "the cell is too thin for this cutoff: its images within reach hold too many parts to search");
  }
  std::vector<Search> searches(execution.threads);
  const double radius2 = radius * radius;

  parallel_for(blocks_.size(), execution, [&](std::size_t which, int lane) {
    Block& block = blocks_[which];
    Search& s = searches[lane];
    if (s.stamp.empty()) s.stamp.assign(static_cast<std::size_t>(size[0]) * size[1] * size[2], 0);
    ++s.now;
    s.bins.clear();
    double low[3] = {1e300, 1e300, 1e300}, high[3] = {-1e300, -1e300, -1e300};
    for (const std::int32_t i : block.atoms) {
      const std::int32_t* b = &bins.bin[3 * static_cast<std::size_t>(i)];
      for (int k = 0; k < 3; ++k) {
        low[k] = std::min(low[k], x[3 * static_cast<std::size_t>(i) + k] - radius);
        high[k] = std::max(high[k], x[3 * static_cast<std::size_t>(i) + k] + radius);
      }
      for (int a = b[0]; a <= b[0] + 2 * bins.range[0]; ++a) {
        for (int e = b[1]; e <= b[1] + 2 * bins.range[1]; ++e) {
          std::uint32_t* row = s.stamp.data() + (static_cast<std::size_t>(a) * size[1] + e) * size[2];
          for (int c = b[2]; c <= b[2] + 2 * bins.range[2]; ++c) {
            if (row[c] == s.now) continue;
            row[c] = s.now;
            s.bins.push_back(static_cast<std::int32_t>((static_cast<std::int64_t>(a) * size[1] + e) * size[2] + c));
          }
        }
      }
    }
    std::sort(s.bins.begin(), s.bins.end());
    // Candidates: atoms of these bins inside the box around the block.
    s.atom.clear();
    s.shift.clear();
    s.type.clear();
    s.x.clear();
    s.y.clear();
    s.z.clear();
    for (const std::int32_t unwrapped : s.bins) {
      const int c = unwrapped % size[2] - bins.range[2];
      const int e = unwrapped / size[2] % size[1] - bins.range[1];
      const int a = unwrapped / size[2] / size[1] - bins.range[0];
      const int na = floor_div(a, bins.count[0]), nb = floor_div(e, bins.count[1]), nc = floor_div(c, bins.count[2]);
      if ((na != 0 && !cell.periodic[0]) || (nb != 0 && !cell.periodic[1]) || (nc != 0 && !cell.periodic[2])) continue;
      const std::size_t bin = bins.index(a - na * bins.count[0], e - nb * bins.count[1], c - nc * bins.count[2]);
      const std::int32_t shift = shift_index(na, nb, nc);
      const double* t = &shifts[3 * static_cast<std::size_t>(shift)];
      for (std::uint32_t k = bins.start[bin]; k < bins.start[bin + 1]; ++k) {
        const double px = sorted.x[k] + t[0], py = sorted.y[k] + t[1], pz = sorted.z[k] + t[2];
        if (sorted.type[k] < 0 || px < low[0] || px > high[0] || py < low[1] || py > high[1] || pz < low[2] || pz > high[2])
          continue;
        s.atom.push_back(bins.atoms[k]);
        s.shift.push_back(shift);
        s.type.push_back(sorted.type[k]);
        s.x.push_back(px);
        s.y.push_back(py);
        s.z.push_back(pz);
      }
    }
    // Sorted by type, order kept.
    const std::size_t n = s.atom.size();
    std::vector<std::uint32_t> start(ntypes_ + 1, 0);
    for (const std::int32_t type : s.type) start[type + 1] += 1;
    for (int t = 0; t < ntypes_; ++t) start[t + 1] += start[t];
    s.order.resize(n);
    {
      std::vector<std::uint32_t> cursor(start.begin(), start.end() - 1);
      for (std::size_t k = 0; k < n; ++k) s.order[cursor[s.type[k]]++] = static_cast<std::int32_t>(k);
    }
    s.sorted_x.resize(n);
    s.sorted_y.resize(n);
    s.sorted_z.resize(n);
    s.r2.resize(n);
    for (std::size_t k = 0; k < n; ++k) {
      s.sorted_x[k] = s.x[s.order[k]];
      s.sorted_y[k] = s.y[s.order[k]];
      s.sorted_z[k] = s.z[s.order[k]];
    }
    const std::int32_t home = shift_index(0, 0, 0);
    s.found.clear();
    s.renamed.assign(n, 0);
    block.segments.clear();
    for (const std::int32_t i : block.atoms) {
      const double xi = x[3 * static_cast<std::size_t>(i)], yi = x[3 * static_cast<std::size_t>(i) + 1],
                   zi = x[3 * static_cast<std::size_t>(i) + 2];
      double* r2 = s.r2.data();
      const double* px = s.sorted_x.data();
      const double* py = s.sorted_y.data();
      const double* pz = s.sorted_z.data();
      for (std::size_t k = 0; k < n; ++k) {
        const double dx = px[k] - xi, dy = py[k] - yi, dz = pz[k] - zi;
        r2[k] = dx * dx + dy * dy + dz * dz;
      }
      for (int t = 0; t < ntypes_; ++t) {
        block.segments.push_back(static_cast<std::uint32_t>(s.found.size()));
        std::size_t count = s.found.size();
        s.found.resize(count + (start[t + 1] - start[t]));
        std::uint32_t* out = s.found.data();
        for (std::uint32_t k = start[t]; k < start[t + 1]; ++k) {
          out[count] = k;
          count += r2[k] < radius2 ? 1 : 0;
        }
        s.found.resize(count);
        if (t != block.type) continue;
        // The atom itself is not a neighbour.
        const std::size_t first = block.segments.back();
        const auto self = std::find_if(s.found.begin() + static_cast<std::ptrdiff_t>(first), s.found.end(),
                                       [&](std::uint32_t k) { return s.atom[s.order[k]] == i && s.shift[s.order[k]] == home; });
        if (self != s.found.end()) s.found.erase(self);
      }
      block.segments.push_back(static_cast<std::uint32_t>(s.found.size()));
    }
    // Images: the candidates that anyone needs.
    for (const std::uint32_t k : s.found) s.renamed[k] = 1;
    block.image_atom.clear();
    block.image_shift.clear();
    for (std::size_t k = 0; k < n; ++k) {
      if (s.renamed[k] == 0) continue;
      s.renamed[k] = static_cast<std::uint32_t>(block.image_atom.size());
      block.image_atom.push_back(s.atom[s.order[k]]);
      block.image_shift.push_back(s.shift[s.order[k]]);
    }
    block.image_atom.shrink_to_fit();
    block.image_shift.shrink_to_fit();
    block.entries.resize(s.found.size() + kPadding);
    for (std::size_t k = 0; k < s.found.size(); ++k) block.entries[k] = s.renamed[s.found[k]];
    std::fill(block.entries.end() - kPadding, block.entries.end(), 0u);
    block.entries.shrink_to_fit();
  });
  index_images(natoms);
}

void BlockList::index_images(std::size_t natoms) {
  images_ = 0;
  listed_ = 0;
  image_start_.assign(natoms + 1, 0);
  for (Block& block : blocks_) {
    block.first_image = images_;
    images_ += block.image_atom.size();
    listed_ += block.listed();
    for (const std::int32_t i : block.image_atom) image_start_[i + 1] += 1;
  }
  if (images_ > 0xfffffff0ull) throw Error("E_TOO_LARGE", "the neighbour list has more than 4.29e9 images: too many atoms");
  for (std::size_t i = 0; i < natoms; ++i) image_start_[i + 1] += image_start_[i];
  image_of_.resize(images_);
  std::vector<std::uint64_t> cursor(image_start_.begin(), image_start_.end() - 1);
  std::uint32_t image = 0;
  for (const Block& block : blocks_) {
    for (const std::int32_t i : block.image_atom) image_of_[cursor[i]++] = image++;
  }
}

}  // namespace ionclay
