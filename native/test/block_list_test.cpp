// SPDX-License-Identifier: MIT
// The block list against all pairs tried one by one: every pair within reach once and no other, images that belong to their atoms, and the
// same list for any number of threads.
#include "native/core/block_list.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "native/core/error.hpp"
#include "native/test/check.hpp"
#include "native/test/random_model.hpp"

namespace {

using namespace ionclay;
using namespace ionclay::test;

// Centre, neighbour and whole cells between them, counted from the positions that the caller gave.
using Pair = std::tuple<int, int, int, int, int>;

// +1 for a pair within reach, 0 for one so near the edge that rounding decides.
std::map<Pair, int> brute_force(const System& system, const Cell& cell, double radius) {
  std::map<Pair, int> out;
  const int n = static_cast<int>(system.types.size());
  std::vector<double> fractional(3 * static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) cell.fractional(&system.positions[3 * i], &fractional[3 * i]);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      if (system.types[i] < 0 || system.types[j] < 0) continue;
      // Whole cells along each axis that can bring j within reach of i: |s_j - s_i + n| <= radius / width.
      int from[3], to[3];
      for (int k = 0; k < 3; ++k) {
        const double d = fractional[3 * j + k] - fractional[3 * i + k], most = radius / cell.widths[k] + 1e-6;
        from[k] = cell.periodic[k] ? static_cast<int>(std::ceil(-most - d)) : 0;
        to[k] = cell.periodic[k] ? static_cast<int>(std::floor(most - d)) : 0;
      }
      for (int a = from[0]; a <= to[0]; ++a) {
        for (int b = from[1]; b <= to[1]; ++b) {
          for (int c = from[2]; c <= to[2]; ++c) {
            if (i == j && a == 0 && b == 0 && c == 0) continue;
            double r2 = 0.0;
            for (int k = 0; k < 3; ++k) {
              const double d = system.positions[3 * j + k] - system.positions[3 * i + k] + a * cell.h[k] + b * cell.h[3 + k] +
                               c * cell.h[6 + k];
              r2 += d * d;
            }
            const double r = std::sqrt(r2);
            if (std::fabs(r - radius) < 1e-9) {
              out[{i, j, a, b, c}] = 0;
            } else if (r < radius) {
              out[{i, j, a, b, c}] = 1;
            }
          }
        }
      }
    }
  }
  return out;
}

bool same_list(const BlockList& a, const BlockList& b) {
  if (a.blocks().size() != b.blocks().size() || a.size() != b.size() || a.images() != b.images()) return false;
  for (std::size_t k = 0; k < a.blocks().size(); ++k) {
    const auto &p = a.blocks()[k], &q = b.blocks()[k];
    if (p.type != q.type || p.atoms != q.atoms || p.image_atom != q.image_atom || p.image_shift != q.image_shift ||
        p.segments != q.segments || p.entries != q.entries || p.first_image != q.first_image)
      return false;
  }
  return a.image_start() == b.image_start() && a.image_of() == b.image_of() && a.place_of() == b.place_of();
}

// What the list says about itself, and its pairs.
bool consistent(const BlockList& list, const System& system, const Cell& cell, int ntypes, double radius,
                std::map<Pair, int>& pairs) {
  const std::size_t n = system.types.size();
  std::vector<double> shifts, internal;
  list.shift_vectors(cell, shifts);
  const double* x = list.internal_positions(system.positions.data(), cell, internal);
  std::vector<int> seen(n, 0);
  std::vector<std::vector<std::uint32_t>> of_atom(n);
  std::size_t images = 0, listed = 0;
  bool ok = true;
  for (std::size_t index = 0; index < list.blocks().size(); ++index) {
    const BlockList::Block& block = list.blocks()[index];
    ok = ok && !block.atoms.empty() && block.atoms.size() <= BlockList::kMostAtoms && block.first_image == images;
    ok = ok && block.segments.size() == block.atoms.size() * (static_cast<std::size_t>(ntypes) + 1);
    ok =
        ok && block.entries.size() == block.listed() + BlockList::kPadding && block.image_atom.size() == block.image_shift.size();
    if (!ok) return false;
    std::vector<int> used(block.image_atom.size(), 0);
    for (std::size_t k = 0; k < block.image_atom.size(); ++k)
      of_atom[block.image_atom[k]].push_back(static_cast<std::uint32_t>(images + k));
    images += block.image_atom.size();
    listed += block.listed();
    std::uint32_t last = 0;
    for (std::size_t a = 0; a < block.atoms.size(); ++a) {
      const int i = block.atoms[a];
      ok = ok && system.types[i] == block.type;
      ok = ok && list.place_of()[i] == static_cast<std::int64_t>(index) * BlockList::kMostAtoms + static_cast<std::int64_t>(a);
      seen[i] += 1;
      const std::uint32_t* segment = &block.segments[a * (static_cast<std::size_t>(ntypes) + 1)];
      for (int t = 0; t < ntypes; ++t) {
        ok = ok && segment[t] == last && segment[t + 1] >= last;
        last = segment[t + 1];
        for (std::uint32_t k = segment[t]; k < segment[t + 1]; ++k) {
          const std::uint32_t image = block.entries[k];
          if (image >= block.image_atom.size()) return false;
          // Ascending: the kernel reads images in order.
          ok = ok && (k == segment[t] || block.entries[k - 1] < image);
          used[image] = 1;
          const int j = block.image_atom[image];
          ok = ok && system.types[j] == t;
          int cells[3];
          const std::int32_t shift = block.image_shift[image];
          list.shift_components(static_cast<std::size_t>(shift), cells);
          ok = ok && list.shift_index(cells[0], cells[1], cells[2]) == shift;
          double r2 = 0.0;
          for (int c = 0; c < 3; ++c) {
            const double d = x[3 * j + c] + shifts[3 * static_cast<std::size_t>(shift) + c] - x[3 * i + c];
            r2 += d * d;
          }
          ok = ok && r2 < radius * radius;
          // Cells between the positions as given: the wrapping offsets of both are put back.
          const std::int32_t* offsets = list.offsets_in_cells().data();
          pairs[{i, j, cells[0] - offsets[3 * j] + offsets[3 * i], cells[1] - offsets[3 * j + 1] + offsets[3 * i + 1],
                 cells[2] - offsets[3 * j + 2] + offsets[3 * i + 2]}] += 1;
        }
      }
    }
    for (const int u : used) ok = ok && u == 1;
    for (std::size_t k = block.listed(); k < block.entries.size(); ++k) ok = ok && block.entries[k] == 0;
  }
  ok = ok && images == list.images() && listed == list.size();
  for (std::size_t i = 0; i < n; ++i) {
    ok = ok && seen[i] == (system.types[i] >= 0 ? 1 : 0) && (list.place_of()[i] >= 0) == (system.types[i] >= 0);
    const std::vector<std::uint32_t> stored(list.image_of().begin() + static_cast<std::ptrdiff_t>(list.image_start()[i]),
                                            list.image_of().begin() + static_cast<std::ptrdiff_t>(list.image_start()[i + 1]));
    ok = ok && stored == of_atom[i];
  }
  return ok;
}

void compare(const System& system, int ntypes, double radius) {
  const Cell cell = Cell::make(system.cell.data(), system.periodic);
  BlockList list(ntypes);
  list.build(system.positions.data(), system.types.size(), system.types.data(), cell, radius, {1, nullptr});
  std::map<Pair, int> pairs;
  const bool ok = consistent(list, system, cell, ntypes, radius, pairs);
  CHECK(ok);
  bool right = ok;
  const std::map<Pair, int> want = brute_force(system, cell, radius);
  std::size_t sure = 0;
  for (const auto& [pair, inside] : want) {
    sure += static_cast<std::size_t>(inside);
    const auto found = pairs.find(pair);
    if (inside == 1) right = right && found != pairs.end() && found->second == 1;
  }
  for (const auto& [pair, times] : pairs) right = right && times == 1 && want.count(pair) == 1;
  CHECK(right);
  if (!right) std::printf("%s: %zu pairs, expected %zu\n", system.name.c_str(), pairs.size(), sure);
  for (const int threads : {2, 3, 8}) {
    BlockList other(ntypes);
    other.build(system.positions.data(), system.types.size(), system.types.data(), cell, radius, {threads, nullptr});
    CHECK(same_list(list, other));
  }
  // Memory of another system before it, larger and smaller.
  BlockList again(ntypes);
  const System before = random_system("before", 70, ntypes, {9, 0, 0, 0, 9, 0, 0, 0, 9}, {true, true, true}, 77, false, 0.0);
  again.build(before.positions.data(), 70, before.types.data(), Cell::make(before.cell.data(), before.periodic), 4.0,
              {2, nullptr});
  again.build(system.positions.data(), system.types.size(), system.types.data(), cell, radius, {2, nullptr});
  CHECK(same_list(list, again));
}

void random_cells() {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Random random(seed);
    const int ntypes = 1 + static_cast<int>(4 * random.uniform());
    const int natoms = 1 + static_cast<int>(90 * random.uniform() * random.uniform());
    const double length = 2.0 + 12.0 * random.uniform();
    std::array<double, 9> cell{};
    for (int k = 0; k < 9; ++k) cell[k] = (k % 4 == 0 ? length * (0.6 + 0.8 * random.uniform()) : random.spread(0.45 * length));
    std::array<bool, 3> periodic{};
    for (bool& p : periodic) p = random.uniform() < 0.7;
    System system = random_system("random " + std::to_string(seed), natoms, ntypes, cell, periodic, seed, seed % 3 == 0, 0.0);
    // Atoms of one type may all be missing.
    if (seed % 4 == 1) {
      for (std::int32_t& t : system.types) t = t < 0 ? t : 0;
    }
    compare(system, ntypes, 1.0 + 5.0 * random.uniform());
  }
}

void special_cells() {
  const std::array<bool, 3> all{true, true, true}, none{false, false, false};
  compare({"one atom alone", {1, 2, 3}, {0}, {}, none}, 2, 5.0);
  compare({"one atom in a tiny cell", {1, 2, 3}, {1}, {1.1, 0, 0, 0.3, 0.9, 0, -0.2, 0.1, 1.3}, all}, 2, 5.0);
  compare({"two at one place", {1, 2, 3, 1, 2, 3}, {1, 0}, {6, 0, 0, 0, 6, 0, 0, 0, 6}, all}, 2, 5.0);
  compare({"on the faces", {0, 0, 0, 6, 6, 6, 3, 0, 6, -6, 12, 0}, {0, 0, 1, 1}, {6, 0, 0, 0, 6, 0, 0, 0, 6}, all}, 2, 4.0);
  compare({"all virtual", {1, 2, 3, 4, 5, 6}, {-1, -1}, {6, 0, 0, 0, 6, 0, 0, 0, 6}, all}, 1, 5.0);
  compare({"nothing", {}, {}, {6, 0, 0, 0, 6, 0, 0, 0, 6}, all}, 2, 5.0);
  compare({"nothing, no cell", {}, {}, {}, none}, 2, 5.0);
  compare({"left-handed", {1, 2, 3, 4, 4, 4}, {0, 1}, {0, 6, 0, 6, 0, 0, 0, 0, 6}, all}, 2, 5.0);
  compare(random_system("flat", 30, 2, {20, 0, 0, 0, 20, 0, 0, 0, 1e-3}, none, 3, false, 0.0), 2, 4.0);
  compare(random_system("thin", 5, 2, {9, 0, 0, 0, 0.3, 0, 0, 0, 8}, all, 4, false, 0.0), 2, 4.0);
  compare(random_system("needle", 3, 1, {0.4, 0, 0, 0.1, 0.5, 0, 0, 0, 30}, all, 5, false, 0.0), 1, 3.0);
  compare(random_system("very tilted", 20, 3, {5, 0, 0, 40, 5, 0, -30, 20, 6}, all, 6, false, 0.0), 3, 4.5);
  compare(random_system("reach far beyond the cell", 4, 2, {3, 0, 0, 0, 3, 0, 0, 0, 3}, all, 7, false, 0.0), 2, 14.0);
  System far = random_system("far from the origin", 50, 2, {9, 0, 0, 0, 9, 0, 0, 0, 9}, all, 8, false, 0.0);
  for (std::size_t k = 0; k < far.positions.size(); ++k) far.positions[k] += 9.0 * (static_cast<double>(k % 11) - 5.0) * 1000.0;
  compare(far, 2, 3.0);
  System sparse = random_system("sparse", 40, 2, {5, 0, 0, 0, 5, 0, 0, 0, 5}, none, 9, false, 0.0);
  for (double& x : sparse.positions) x *= 1e4;
  compare(sparse, 2, 4.0);
  compare(random_system("three thousand", 3000, 4, {34, 0, 0, 6, 33, 0, -3, 5, 32}, all, 10, true, 0.0), 4, 4.0);
}

void refused() {
  const auto code_of = [](const System& system, double radius) -> std::string {
    try {
      BlockList list(2);
      list.build(system.positions.data(), system.types.size(), system.types.data(),
                 Cell::make(system.cell.data(), system.periodic), radius, {2, nullptr});
    } catch (const Error& error) {
      return error.code;
    }
    return "NONE";
  };
  System system = random_system("some", 40, 2, {9, 0, 0, 0, 9, 0, 0, 0, 9}, {true, true, true}, 8, false, 0.0);
  CHECK(code_of(system, 4.0) == "NONE");
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e300, -1e12}) {
    System broken = system;
    broken.positions[50] = bad;
    CHECK(code_of(broken, 4.0) == "NONFINITE_POSITION");
  }
  System thin = system;
  thin.cell = {1e-7, 0, 0, 0, 9, 0, 0, 0, 9};
  for (std::size_t k = 0; k < thin.positions.size(); k += 3) thin.positions[k] = 0.0;
  CHECK(code_of(thin, 4.0) == "E_CELL_INVALID");
  // An abort is an error, and the list can be built again.
  const Cell cell = Cell::make(system.cell.data(), system.periodic);
  const std::atomic<bool> abort{true};
  BlockList list(2), fresh(2);
  std::string code;
  try {
    list.build(system.positions.data(), 40, system.types.data(), cell, 4.0, {2, &abort});
  } catch (const Error& error) {
    code = error.code;
  }
  CHECK(code == "ABORTED");
  list.build(system.positions.data(), 40, system.types.data(), cell, 4.0, {2, nullptr});
  fresh.build(system.positions.data(), 40, system.types.data(), cell, 4.0, {2, nullptr});
  CHECK(same_list(list, fresh));
}

}  // namespace

int main() {
  random_cells();
  special_cells();
  refused();
  return ionclay::test::finish("block_list_test");
}
