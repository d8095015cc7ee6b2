// SPDX-License-Identifier: MIT
#include "native/potential/pair/pair_potential.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "native/core/error.hpp"
#include "native/core/neighbour_list.hpp"
#include "native/core/sums.hpp"

namespace ionclay {
namespace {

// Atoms of one task: small enough to share a system of a hundred atoms, large enough to hide the hand-over. Never a function of threads.
constexpr std::size_t kBlockAtoms = 32;
constexpr std::size_t kPadding = 8;
// Counters are written for every neighbour: those of two threads must never share a cache line.
constexpr std::size_t kApart = 64 / sizeof(std::int32_t);

struct PairWorkspace final : Workspace {
  std::vector<std::vector<double>> vectors;  // by lane
  std::vector<std::vector<std::int32_t>> counts;
  std::vector<double> virials;  // [blocks][6]
  std::vector<std::uint64_t> inside;
  std::vector<std::uint8_t> collapsed;
};

pair::Block kernel_for(Isa isa) {
  switch (isa) {
#if defined(IONCLAY_HAVE_X86)
    case Isa::avx2: return pair::kernels::avx2;
    case Isa::avx512: return pair::kernels::avx512;
#elif defined(IONCLAY_HAVE_NEON)
    case Isa::neon: return pair::kernels::neon;
#endif
    default: return pair::kernels::baseline;
  }
}

}  // namespace

PairPotential::PairPotential(Parameters parameters, Isa isa) : parameters_(std::move(parameters)), block_(kernel_for(isa)) {
  const std::size_t t = parameters_.species.size();
  const auto& p = parameters_;
  bool fits =
      t > 0 && p.cutoff > 0.0 && p.self_energies.size() == t && p.barriers.size() == t * t && p.first_row.size() == t * t + 1;
  fits = fits && p.first_row.front() == 0 && p.first_row.back() == static_cast<std::int32_t>(p.rows.size()) &&
         std::is_sorted(p.first_row.begin(), p.first_row.end());
  if (!fits) throw Error("PAIR_PARAMETERS", "the tables of the pair potential do not fit each other");
  for (const double r : p.barriers) barriers2_.push_back(r * r);
}

std::unique_ptr<Neighbours> PairPotential::make_neighbours() const { return std::make_unique<NeighbourList>(); }

std::unique_ptr<Workspace> PairPotential::make_workspace() const { return std::make_unique<PairWorkspace>(); }

void PairPotential::compute(const Configuration& configuration, Workspace& workspace, Results& results,
                            const Execution& execution) const {
  auto& work = static_cast<PairWorkspace&>(workspace);
  const std::size_t n = configuration.natoms;
  const std::size_t blocks = (n + kBlockAtoms - 1) / kBlockAtoms;
  const std::size_t types = parameters_.species.size();
  const auto& list = static_cast<const NeighbourList&>(*configuration.list);
  const std::uint64_t* offsets = list.offsets();

  std::uint64_t longest = 0;
  for (std::size_t i = 0; i < n; ++i) longest = std::max(longest, offsets[i + 1] - offsets[i]);
  const std::size_t capacity = (longest + 2 * kPadding - 1) / kPadding * kPadding;
  const auto lanes = static_cast<std::size_t>(std::max(1, execution.threads));
  if (work.vectors.size() < lanes) {
    work.vectors.resize(lanes);
    work.counts.resize(lanes);
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (work.vectors[lane].size() < 4 * capacity * (types + 1)) work.vectors[lane].resize(4 * capacity * (types + 1));
    work.counts[lane].resize(types + 1 + 2 * kApart);
  }
  work.virials.resize(6 * blocks);
  work.inside.resize(blocks);
  work.collapsed.resize(blocks);

  const pair::ModelView model{static_cast<int>(types),      parameters_.cutoff * parameters_.cutoff, parameters_.rows.data(),
                              parameters_.first_row.data(), parameters_.self_energies.data(),        barriers2_.data()};
  parallel_for(blocks, execution, [&](std::size_t block, int lane) {
    pair::BlockTask task;
    task.begin = static_cast<std::int64_t>(block * kBlockAtoms);
    task.end = static_cast<std::int64_t>(std::min(n, (block + 1) * kBlockAtoms));
    task.positions = configuration.positions;
    task.types = configuration.types;
    task.shifts = configuration.shifts;
    task.list_offsets = offsets;
    static_assert(sizeof(NeighbourList::Entry) == 2 * sizeof(std::int32_t));
    task.list_entries = reinterpret_cast<const std::int32_t*>(list.entries());
    task.forces = results.forces;
    task.atom_energies = results.atom_energies;
    task.virial = work.virials.data() + 6 * block;
    task.pairs_inside = work.inside.data() + block;
    task.collapsed = work.collapsed.data() + block;
    const pair::ScratchView scratch{static_cast<std::int64_t>(capacity), work.vectors[lane].data(),
                                    work.counts[lane].data() + kApart};
    block_(model, task, scratch);
  });

  if (std::any_of(work.collapsed.begin(), work.collapsed.end(), [](std::uint8_t c) { return c != 0; }))
    throw_collapse(configuration);
  results.energy = ordered_sum(results.atom_energies, n);
  results.pairs_inside = 0;
  for (const std::uint64_t count : work.inside) results.pairs_inside += count;
  // W_ab = sum over pairs of r_a f_b = -1/2 sum over the full list of (u'/r) d_a d_b.
  double w[6];
  for (int k = 0; k < 6; ++k) w[k] = -0.5 * tree_sum(work.virials.data() + k, blocks, 6);
  const double full[9] = {w[0], w[5], w[4], w[5], w[1], w[3], w[4], w[3], w[2]};
  std::copy(full, full + 9, results.virial);
}

// The pair that is deepest inside its barrier, looked for again in list order so that the message is the same for any thread count.
void PairPotential::throw_collapse(const Configuration& configuration) const {
  const auto& list = static_cast<const NeighbourList&>(*configuration.list);
  const std::uint64_t* offsets = list.offsets();
  const NeighbourList::Entry* entries = list.entries();
  const std::size_t types = parameters_.species.size();
  double worst = 2.0;
  double distance = 0.0;
  double barrier = 0.0;
  std::int64_t first = -1;
  std::int64_t second = -1;
  for (std::size_t i = 0; i < configuration.natoms; ++i) {
    if (configuration.types[i] < 0) continue;
    for (std::uint64_t e = offsets[i]; e < offsets[i + 1]; ++e) {
      const std::int64_t j = entries[e].atom;
      if (configuration.types[j] < 0) continue;
      const double limit2 = barriers2_[configuration.types[i] * types + configuration.types[j]];
      double r2 = 0.0;
      for (int k = 0; k < 3; ++k) {
        const double d = (configuration.positions[3 * j + k] - configuration.positions[3 * i + k]) +
                         configuration.shifts[3 * static_cast<std::int64_t>(entries[e].shift) + k];
        r2 += d * d;
      }
      if (limit2 > 0.0 && r2 / limit2 < worst) {
        worst = r2 / limit2;
        distance = std::sqrt(r2);
        barrier = std::sqrt(limit2);
        first = static_cast<std::int64_t>(i);
        second = j;
      }
    }
  }
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "%.6g A apart, inside the barrier of their pair curve at r_b = %.6g A", distance,
                barrier);
  const auto name = [&](std::int64_t atom) {
    return parameters_.species[configuration.types[atom]] + " (atom " + std::to_string(atom) + ")";
  };
  throw Error("PAIR_COLLAPSE", name(first) + " and " + name(second) + " are " + numbers, first,
              {{"other_atom", static_cast<double>(second)}, {"distance_A", distance}, {"barrier_A", barrier}});
}

}  // namespace ionclay
