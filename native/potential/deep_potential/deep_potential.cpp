// SPDX-License-Identifier: MIT
#include "native/potential/deep_potential/deep_potential.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "native/core/error.hpp"
#include "native/core/sums.hpp"
#include "native/potential/deep_potential/scratch.hpp"

namespace ionclay {

using namespace deep_potential;

namespace {

struct Block {
  std::size_t first;
  int count;
  int type;
  std::size_t listed;
  std::size_t listed_one;
};

struct DeepWorkspace final : Workspace {
  std::vector<std::int32_t> order;  // atoms by type
  std::vector<Block> blocks;
  std::vector<Scratch> scratch;
  std::vector<double> pair_gradients, atom_virials, chunk_sums;
  std::vector<std::int32_t> overflow;
  std::vector<std::uint64_t> inside;
  std::vector<double> seconds;
};

double clock_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// Atoms a block: enough rows for the matrix products, few enough that two threads share a hundred atoms evenly. A function of the
// number of atoms alone, so that results do not depend on threads.
int block_size(std::size_t natoms) { return static_cast<int>(std::clamp<std::size_t>(natoms / 12, 4, 16)); }

void make_blocks(const Configuration& configuration, int ntypes, DeepWorkspace& work) {
  const std::size_t n = configuration.natoms;
  const std::uint64_t* offsets = configuration.list->offsets();
  work.blocks.clear();
  const int size = block_size(n);
  // Counting sort; virtual atoms (-1) are left out.
  std::vector<std::size_t> begin(static_cast<std::size_t>(ntypes) + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    if (configuration.types[i] >= 0) begin[static_cast<std::size_t>(configuration.types[i]) + 1] += 1;
  }
  for (int type = 0; type < ntypes; ++type) begin[type + 1] += begin[type];
  work.order.resize(begin[ntypes]);
  std::vector<std::size_t> cursor(begin);
  for (std::size_t i = 0; i < n; ++i) {
    if (configuration.types[i] >= 0) work.order[cursor[configuration.types[i]]++] = static_cast<std::int32_t>(i);
  }
  for (int type = 0; type < ntypes; ++type) {
    const std::size_t end = begin[type + 1];
    for (std::size_t first = begin[type]; first < end; first += size) {
      Block block{first, static_cast<int>(std::min<std::size_t>(size, end - first)), type, 0, 0};
      for (int a = 0; a < block.count; ++a) {
        const std::size_t i = static_cast<std::size_t>(work.order[first + a]);
        const std::size_t listed = offsets[i + 1] - offsets[i];
        block.listed += listed;
        block.listed_one = std::max(block.listed_one, listed);
      }
      work.blocks.push_back(block);
    }
  }
}

}  // namespace

std::unique_ptr<Workspace> DeepPotential::make_workspace() const { return std::make_unique<DeepWorkspace>(); }

void DeepPotential::compute(const Configuration& configuration, Workspace& workspace, Results& results,
                            const Execution& execution) const {
  auto& work = static_cast<DeepWorkspace&>(workspace);
  const std::size_t n = configuration.natoms;
  const NeighbourList& list = *configuration.list;
  const std::size_t types = static_cast<std::size_t>(view_.ntypes);
  if (view_.per_slot && configuration.overflow_rule == SelOverflow::grow) {
    throw Error("SEL_CANNOT_GROW", "the statistics of this model differ by slot: there are none for neighbours beyond sel");
  }
  make_blocks(configuration, view_.ntypes, work);
  if (work.scratch.size() < static_cast<std::size_t>(execution.threads)) work.scratch.resize(execution.threads);
  work.pair_gradients.resize(3 * list.size());
  work.atom_virials.resize(9 * n);
  work.overflow.assign(2 * types * work.blocks.size(), 0);
  work.inside.assign(work.blocks.size(), 0);
  work.seconds.assign(5 * work.blocks.size(), 0.0);

  static_assert(sizeof(NeighbourList::Entry) == 2 * sizeof(std::int32_t));
  parallel_for(work.blocks.size(), execution, [&](std::size_t index, int lane) {
    const Block& block = work.blocks[index];
    std::int32_t culprits[3] = {0, 0, 0};
    BlockTask task{};
    task.atoms = work.order.data() + block.first;
    task.count = block.count;
    task.type = block.type;
    task.positions = configuration.positions;
    task.types = configuration.types;
    task.shifts = configuration.shifts;
    task.list_offsets = list.offsets();
    task.list_entries = reinterpret_cast<const std::int32_t*>(list.entries());
    task.overflow_rule = static_cast<int>(configuration.overflow_rule);
    task.pair_gradients = work.pair_gradients.data();
    task.atom_energies = results.atom_energies;
    task.atom_virials = work.atom_virials.data();
    task.overflow = work.overflow.data() + 2 * types * index;
    task.pairs_inside = &work.inside[index];
    task.culprits = culprits;
    task.seconds = &work.seconds[5 * index];
    task.clock = clock_seconds;
    ScratchView& scratch =
        work.scratch[lane].fit(view_, block.type, block.count, block.listed, block.listed_one, widest_embedding_);
    switch (kernel_->block(view_, task, scratch)) {
      case BlockStatus::overlap:
        throw Error("ATOMS_OVERLAP",
                    "atoms " + std::to_string(culprits[0]) + " and " + std::to_string(culprits[1]) + " are at the same place",
                    culprits[0], {{"other", static_cast<double>(culprits[1])}});
      case BlockStatus::sel_overflow:
        throw Error("SEL_OVERFLOW",
                    "atom " + std::to_string(culprits[2]) + " has " + std::to_string(culprits[1]) + " neighbours of type " +
                        std::to_string(culprits[0]) + ", the model has " + std::to_string(view_.sel[culprits[0]]) +
                        " slots for them",
                    culprits[2], {{"type", static_cast<double>(culprits[0])}, {"count", static_cast<double>(culprits[1])}});
      default: break;
    }
  });

  const double gather_start = clock_seconds();
  // Gather: F_i = sum_k g_ik - g_ki, the mirrored entry holding dE_j/dr_ji. Each force is written by one task, in list order.
  const std::uint64_t* offsets = list.offsets();
  const std::uint32_t* mirrors = list.mirrors();
  const double* g = work.pair_gradients.data();
  const NeighbourList::Entry* entries = list.entries();
  const std::size_t chunks = (n + kChunk - 1) / kChunk;
  work.chunk_sums.assign(10 * chunks, 0.0);
  parallel_for(chunks, execution, [&](std::size_t chunk, int) {
    double* sums = work.chunk_sums.data() + 10 * chunk;
    const std::size_t end = std::min(n, (chunk + 1) * kChunk);
    for (std::size_t i = chunk * kChunk; i < end; ++i) {
      double force[3] = {0, 0, 0};
      const bool is_virtual = configuration.types[i] < 0;
      if (is_virtual) {
        results.atom_energies[i] = 0.0;
      } else {
        for (std::uint64_t k = offsets[i]; k < offsets[i + 1]; ++k) {
          if (configuration.types[entries[k].atom] < 0) continue;
          const double* mine = g + 3 * k;
          const double* theirs = g + 3 * static_cast<std::size_t>(mirrors[k]);
          for (int c = 0; c < 3; ++c) force[c] += mine[c] - theirs[c];
        }
        for (int c = 0; c < 9; ++c) sums[c] += work.atom_virials[9 * i + c];
        sums[9] += results.atom_energies[i];
      }
      for (int c = 0; c < 3; ++c) results.forces[3 * i + c] = force[c];
    }
  });
  for (int c = 0; c < 9; ++c) results.virial[c] = tree_sum(work.chunk_sums.data() + c, chunks, 10);
  results.energy = tree_sum(work.chunk_sums.data() + 9, chunks, 10);

  for (int phase = 0; phase < 5; ++phase) {
    results.seconds[phase + 1] = phase == 4 ? clock_seconds() - gather_start : 0.0;
    for (std::size_t b = 0; b < work.blocks.size(); ++b) results.seconds[phase + 1] += work.seconds[5 * b + phase];
  }
  results.overflow.assign(2 * types, 0);
  results.pairs_inside = 0;
  for (std::size_t b = 0; b < work.blocks.size(); ++b) {
    results.pairs_inside += work.inside[b];
    for (std::size_t t = 0; t < types; ++t) {
      const std::int32_t* mine = work.overflow.data() + 2 * types * b + 2 * t;
      results.overflow[2 * t] = std::max(results.overflow[2 * t], mine[0]);
      results.overflow[2 * t + 1] += mine[1];
    }
  }
}

}  // namespace ionclay
