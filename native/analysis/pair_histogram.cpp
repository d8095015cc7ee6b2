// SPDX-License-Identifier: MIT
#include "native/analysis/pair_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "native/core/error.hpp"

namespace ionclay {
namespace {

// Bins per cutoff: with two, 125 bins of half the cutoff cover 3.7 times the sphere; finer ones cost more in visits than they save.
constexpr double kBinsPerCutoff = 2.0;
constexpr std::size_t kAtomsPerBlock = 64;

struct Grid {
  std::int64_t count[3];  // bins along each axis
  std::int64_t reach[3];  // bins to look at on each side
};

// Atoms in the home cell (periodic axes) or the bounding box (the others), sorted by bin.
struct BinnedAtoms {
  Grid grid;
  std::vector<double> position;    // 3N, wrapped, sorted
  std::vector<std::int32_t> cls;   // sorted
  std::vector<std::int64_t> bin;   // 3N, bin coordinates, sorted
  std::vector<std::size_t> first;  // offsets of the bins
  std::size_t size() const { return cls.size(); }
};

BinnedAtoms sort_into_bins(const double* positions, std::size_t natoms, const Cell& cell, const std::int32_t* classes,
                           double cutoff) {
  std::vector<double> wrapped;
  std::vector<double> fraction;
  std::vector<std::int32_t> cls;
  for (std::size_t i = 0; i < natoms; ++i) {
    if (classes[i] < 0) continue;
    const double* x = positions + 3 * i;
    if (!std::isfinite(x[0]) || !std::isfinite(x[1]) || !std::isfinite(x[2])) {
      throw Error("NONFINITE_POSITION", "atom " + std::to_string(i) + " has a coordinate that is not a finite number",
                  static_cast<std::int64_t>(i));
    }
    double s[3];
    cell.fractional(x, s);
    double moved[3] = {0, 0, 0};
    for (int k = 0; k < 3; ++k) {
      // Farther out a fraction of the cell has no digits left.
      if (!(std::fabs(s[k]) < 1e9)) {
        throw Error("NONFINITE_POSITION", "atom " + std::to_string(i) + " is more than 1e9 cells away",
                    static_cast<std::int64_t>(i));
      }
      if (!cell.periodic[k]) continue;
      const double whole = std::floor(s[k]);
      s[k] -= whole;
      for (int c = 0; c < 3; ++c) moved[c] += whole * cell.h[3 * k + c];
    }
    for (int c = 0; c < 3; ++c) {
      wrapped.push_back(x[c] - moved[c]);
      fraction.push_back(s[c]);
    }
    cls.push_back(classes[i]);
  }
  const std::size_t n = cls.size();
  BinnedAtoms atoms;
  double low[3] = {0, 0, 0};
  double extent[3] = {1, 1, 1};
  // More bins than atoms would only be walked through: the cube root of the atom number bounds each axis.
  const double most = std::max(1.0, std::ceil(2.0 * std::cbrt(static_cast<double>(n))));
  double visits = 1.0;
  for (int k = 0; k < 3; ++k) {
    if (!cell.periodic[k] && n > 0) {
      double high = fraction[k];
      low[k] = fraction[k];
      for (std::size_t i = 1; i < n; ++i) {
        low[k] = std::min(low[k], fraction[3 * i + k]);
        high = std::max(high, fraction[3 * i + k]);
      }
      extent[k] = high - low[k];
    }
    const double width = cell.widths[k] * extent[k];
    const double wanted = std::clamp(std::floor(kBinsPerCutoff * width / cutoff), 1.0, most);
    atoms.grid.count[k] = static_cast<std::int64_t>(wanted);
    // One more than the exact number where they divide: rounding of the fractional coordinates must not lose a pair at the edge.
    double reach = width > 0 ? std::floor(cutoff * wanted / width * (1 + 1e-9)) + 1 : 0;
    if (!cell.periodic[k]) reach = std::min(reach, wanted);
    visits *= 2.0 * reach + 1.0;
    atoms.grid.reach[k] = static_cast<std::int64_t>(std::min(reach, 1e9));
  }
  // As many bins would be looked at for every atom: hours, for cells that are never physics.
  if (visits > 1e9) {
    throw Error("E_CELL_INVALID", "the cell is too thin for this cutoff: more than 1e9 images of its bins would be within reach");
  }
  const auto* count = atoms.grid.count;
  std::vector<std::size_t> index(n);
  std::vector<std::int64_t> bin(3 * n);
  atoms.first.assign(static_cast<std::size_t>(count[0] * count[1] * count[2]) + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (int k = 0; k < 3; ++k) {
      const double place = extent[k] > 0 ? (fraction[3 * i + k] - low[k]) / extent[k] * static_cast<double>(count[k]) : 0.0;
      bin[3 * i + k] = std::clamp<std::int64_t>(static_cast<std::int64_t>(place), 0, count[k] - 1);
    }
    index[i] = static_cast<std::size_t>((bin[3 * i] * count[1] + bin[3 * i + 1]) * count[2] + bin[3 * i + 2]);
    atoms.first[index[i] + 1] += 1;
  }
  for (std::size_t b = 1; b < atoms.first.size(); ++b) atoms.first[b] += atoms.first[b - 1];
  std::vector<std::size_t> next(atoms.first.begin(), atoms.first.end() - 1);
  atoms.position.resize(3 * n);
  atoms.cls.resize(n);
  atoms.bin.resize(3 * n);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t to = next[index[i]]++;
    atoms.cls[to] = cls[i];
    for (int c = 0; c < 3; ++c) {
      atoms.position[3 * to + c] = wrapped[3 * i + c];
      atoms.bin[3 * to + c] = bin[3 * i + c];
    }
  }
  return atoms;
}

// Bin coordinate and lattice vector of bin `b + offset` along one axis; false where there is none.
bool locate(std::int64_t b, std::int64_t count, bool periodic, std::int64_t& bin, int& image) {
  if (!periodic) {
    bin = b;
    image = 0;
    return b >= 0 && b < count;
  }
  std::int64_t n = b / count;
  if (b % count < 0) n -= 1;
  bin = b - n * count;
  image = static_cast<int>(n);
  return true;
}

}  // namespace

void pair_histogram(const double* positions, std::size_t natoms, const Cell& cell, const std::int32_t* classes, int nclasses,
                    double bin_width, std::size_t bins, double* counts, const Execution& execution) {
  const double cutoff = bin_width * static_cast<double>(bins);
  // A distance just below the last edge may round to it; the bin index decides, this only saves the square root.
  const double cutoff2 = cutoff * cutoff * (1 + 1e-12);
  const BinnedAtoms atoms = sort_into_bins(positions, natoms, cell, classes, cutoff);
  const std::size_t size = static_cast<std::size_t>(nclasses) * nclasses * bins;
  const int lanes = std::max(1, execution.threads);
  std::vector<std::vector<std::int64_t>> histogram(lanes);
  const std::size_t blocks = (atoms.size() + kAtomsPerBlock - 1) / kAtomsPerBlock;
  const auto* count = atoms.grid.count;
  const auto* reach = atoms.grid.reach;
  parallel_for(blocks, execution, [&](std::size_t block, int lane) {
    auto& mine = histogram[lane];
    if (mine.empty()) mine.assign(size, 0);
    const std::size_t end = std::min(atoms.size(), (block + 1) * kAtomsPerBlock);
    for (std::size_t i = block * kAtomsPerBlock; i < end; ++i) {
      const double* xi = &atoms.position[3 * i];
      const std::int64_t* bi = &atoms.bin[3 * i];
      std::int64_t* row = mine.data() + static_cast<std::size_t>(atoms.cls[i]) * nclasses * bins;
      int n[3];
      std::int64_t b[3];
      for (std::int64_t o0 = -reach[0]; o0 <= reach[0]; ++o0) {
        if (!locate(bi[0] + o0, count[0], cell.periodic[0], b[0], n[0])) continue;
        for (std::int64_t o1 = -reach[1]; o1 <= reach[1]; ++o1) {
          if (!locate(bi[1] + o1, count[1], cell.periodic[1], b[1], n[1])) continue;
          for (std::int64_t o2 = -reach[2]; o2 <= reach[2]; ++o2) {
            if (!locate(bi[2] + o2, count[2], cell.periodic[2], b[2], n[2])) continue;
            double shift[3];
            cell.lattice_vector(n, shift);
            const bool home = n[0] == 0 && n[1] == 0 && n[2] == 0;
            const std::size_t bin = static_cast<std::size_t>((b[0] * count[1] + b[1]) * count[2] + b[2]);
            for (std::size_t j = atoms.first[bin]; j < atoms.first[bin + 1]; ++j) {
              if (home && j == i) continue;
              const double* xj = &atoms.position[3 * j];
              // The difference first, then the shift: a pair and its mirror see the same distance to the last bit.
              const double dx = (xj[0] - xi[0]) + shift[0];
              const double dy = (xj[1] - xi[1]) + shift[1];
              const double dz = (xj[2] - xi[2]) + shift[2];
              const double r2 = dx * dx + dy * dy + dz * dz;
              if (r2 > cutoff2) continue;
              const auto k = static_cast<std::size_t>(std::sqrt(r2) / bin_width);
              if (k < bins) row[static_cast<std::size_t>(atoms.cls[j]) * bins + k] += 1;
            }
          }
        }
      }
    }
  });
  if (execution.aborted()) throw Error("ABORTED", "the computation was stopped");
  for (const auto& lane : histogram) {
    for (std::size_t k = 0; k < lane.size(); ++k) counts[k] += static_cast<double>(lane[k]);
  }
}

}  // namespace ionclay
