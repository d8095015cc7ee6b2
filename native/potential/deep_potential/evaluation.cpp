// SPDX-License-Identifier: MIT
#include "native/potential/deep_potential/evaluation.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>

#include "native/core/block_list.hpp"
#include "native/core/error.hpp"
#include "native/core/sums.hpp"

namespace ionclay::deep_potential {
namespace {

double clock_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// What a kernel reports as text.
Error error_of(BlockStatus status, const std::int32_t* culprits) {
  if (status == BlockStatus::sel_overflow) {
    return Error("SEL_OVERFLOW",
                 "atom " + std::to_string(culprits[2]) + " has " + std::to_string(culprits[1]) + " neighbours of type " +
                     std::to_string(culprits[0]) + ", more than the model has slots for",
                 culprits[2],
                 {{"type", static_cast<double>(culprits[0])},
                  {"count", static_cast<double>(culprits[1])},
                  {"descriptor", static_cast<double>(culprits[3])}});
  }
  if (status == BlockStatus::below_table) {
    return Error("BELOW_PAIR_TABLE",
                 "atoms " + std::to_string(culprits[0]) + " and " + std::to_string(culprits[1]) +
                     " are closer than the first distance of the model's pair table",
                 culprits[0], {{"other", static_cast<double>(culprits[1])}});
  }
  return Error("ATOMS_OVERLAP",
               "atoms " + std::to_string(culprits[0]) + " and " + std::to_string(culprits[1]) + " are at the same place",
               culprits[0], {{"other", static_cast<double>(culprits[1])}});
}

// Whether a model sees the same neighbours with the same switch as another; and the same rows.
template <class Real>
bool same_geometry(const ModelView<Real>& a, const ModelView<Real>& b) {
  if (a.descriptor_count != 1 || b.descriptor_count != 1 || a.shared_base || b.shared_base) return false;
  const DescriptorView<Real>&p = a.descriptors[0], &q = b.descriptors[0];
  const std::size_t pairs = static_cast<std::size_t>(a.ntypes) * a.ntypes;
  return a.native_rule == b.native_rule && p.cutoff == q.cutoff && p.smooth == q.smooth &&
         p.inverse_switch_width == q.inverse_switch_width && p.protection == q.protection && p.radial == q.radial &&
         p.mixed == q.mixed && !p.per_slot && !q.per_slot && std::equal(p.sel, p.sel + p.groups, q.sel) &&
         std::memcmp(a.pair_excluded, b.pair_excluded, pairs) == 0;
}

template <class Real>
bool same_rows(const ModelView<Real>& a, const ModelView<Real>& b) {
  const std::size_t n = 4 * static_cast<std::size_t>(a.ntypes);
  const DescriptorView<Real>&p = a.descriptors[0], &q = b.descriptors[0];
  return std::equal(p.davg, p.davg + n, q.davg) && std::equal(p.inverse_dstd, p.inverse_dstd + n, q.inverse_dstd);
}

// Room for everything that blocks write.
template <class Real>
void prepare(const Member<Real>& member, const BlockList& list, const Execution& execution) {
  DeepWorkspace& work = *member.work;
  const std::size_t blocks = list.blocks().size();
  const std::size_t threads = static_cast<std::size_t>(execution.threads);
  const std::size_t seen =
      2 * static_cast<std::size_t>(member.model->view().ntypes) * static_cast<std::size_t>(member.model->view().descriptor_count);
  if (work.scratch<Real>().size() < threads) work.scratch<Real>().resize(threads);
  if (work.images.size() < threads) work.images.resize(threads);
  work.centre_forces.resize(3 * BlockList::kMostAtoms * blocks);
  work.image_forces.resize(3 * list.images());
  work.block_sums.resize(9 * blocks);
  work.overflow.assign(seen * blocks, 0);
  work.inside.assign(blocks, 0);
  work.seconds.assign(5 * blocks, 0.0);
}

// Forces: own, and those of the images of an atom, in the order of the blocks. Each is written by one task.
template <class Real>
void gather(const Member<Real>& member, const Configuration& configuration, const BlockList& list, const Execution& execution) {
  const double start = clock_seconds();
  DeepWorkspace& work = *member.work;
  Results& results = *member.results;
  const std::size_t n = configuration.natoms;
  const std::size_t blocks = list.blocks().size();
  const std::size_t chunks = (n + kChunk - 1) / kChunk;
  work.chunk_sums.assign(chunks, 0.0);
  parallel_for(chunks, execution, [&](std::size_t chunk, int) {
    const std::size_t end = std::min(n, (chunk + 1) * kChunk);
    for (std::size_t i = chunk * kChunk; i < end; ++i) {
      const std::int64_t place = list.place_of()[i];
      double force[3] = {0, 0, 0};
      if (place < 0) {
        results.atom_energies[i] = 0.0;
      } else {
        for (int c = 0; c < 3; ++c) force[c] = work.centre_forces[3 * static_cast<std::size_t>(place) + c];
        for (std::uint64_t k = list.image_start()[i]; k < list.image_start()[i + 1]; ++k) {
          const double* f = work.image_forces.data() + 3 * static_cast<std::size_t>(list.image_of()[k]);
          for (int c = 0; c < 3; ++c) force[c] += f[c];
        }
        work.chunk_sums[chunk] += results.atom_energies[i];
      }
      for (int c = 0; c < 3; ++c) results.forces[3 * i + c] = force[c];
    }
  });
  for (int c = 0; c < 9; ++c) results.virial[c] = tree_sum(work.block_sums.data() + c, blocks, 9);
  results.energy = tree_sum(work.chunk_sums.data(), chunks);

  for (int phase = 0; phase < 5; ++phase) {
    results.seconds[phase + 1] = phase == 4 ? clock_seconds() - start : 0.0;
    for (std::size_t b = 0; b < blocks; ++b) results.seconds[phase + 1] += work.seconds[5 * b + phase];
  }
  const std::size_t seen =
      2 * static_cast<std::size_t>(member.model->view().ntypes) * static_cast<std::size_t>(member.model->view().descriptor_count);
  results.overflow.assign(seen, 0);
  results.pairs_inside = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    results.pairs_inside += work.inside[b];
    for (std::size_t k = 0; k < seen; k += 2) {
      const std::int32_t* mine = work.overflow.data() + seen * b + k;
      results.overflow[k] = std::max(results.overflow[k], mine[0]);
      results.overflow[k + 1] += mine[1];
    }
  }
}

}  // namespace

template <>
std::vector<Scratch<double>>& DeepWorkspace::scratch<double>() {
  return in_double;
}
template <>
std::vector<Scratch<float>>& DeepWorkspace::scratch<float>() {
  return in_mixed;
}

template <class Real>
void run_blocks(const std::vector<Member<Real>>& members, const Configuration& configuration, const Execution& execution) {
  const BlockList& list = static_cast<const BlockList&>(*configuration.list);
  std::vector<std::uint8_t> shares(members.size(), 0);  // 1: neighbours, 2: rows too; of the first member
  for (std::size_t k = 0; k < members.size(); ++k) {
    const ModelView<Real>& view = members[k].model->view();
    for (int d = 0; d < view.descriptor_count && configuration.overflow_rule == SelOverflow::grow; ++d) {
      if (view.descriptors[d].per_slot)
        throw Error("SEL_CANNOT_GROW", "the statistics of this model differ by slot: there are none for neighbours beyond sel");
    }
    prepare(members[k], list, execution);
    const ModelView<Real>& first = members[0].model->view();
    if (k > 0 && same_geometry(first, view)) shares[k] = same_rows(first, view) ? 2 : 1;
  }

  static_assert(BlockList::kMostAtoms <= kMaxBlockAtoms && BlockList::kPadding >= kRoom / 2);
  parallel_for(list.blocks().size(), execution, [&](std::size_t index, int lane) {
    const BlockList::Block& block = list.blocks()[index];
    double start = clock_seconds();
    const std::size_t images = block.image_atom.size();
    Images& local = members[0].work->images[lane];
    double* x = grown(local.x, images + 1);
    double* y = grown(local.y, images + 1);
    double* z = grown(local.z, images + 1);
    for (std::size_t k = 0; k < images; ++k) {
      const double* p = configuration.positions + 3 * static_cast<std::size_t>(block.image_atom[k]);
      const double* t = configuration.shifts + 3 * static_cast<std::size_t>(block.image_shift[k]);
      x[k] = p[0] + t[0];
      y[k] = p[1] + t[1];
      z[k] = p[2] + t[2];
    }
    // Padding of the entries points at image 0, which a block without neighbours has not.
    if (images == 0) x[0] = y[0] = z[0] = 0.0;
    BlockTask task{};
    task.atoms = block.atoms.data();
    task.count = static_cast<int>(block.atoms.size());
    task.type = block.type;
    task.positions = configuration.positions;
    task.image_x = x;
    task.image_y = y;
    task.image_z = z;
    task.image_atom = block.image_atom.data();
    task.image_shift = block.image_shift.data();
    task.images = static_cast<int>(images);
    task.segments = block.segments.data();
    task.entries = block.entries.data();
    task.overflow_rule = static_cast<int>(configuration.overflow_rule);
    task.fparam = configuration.fparam;
    task.aparam = configuration.aparam;
    task.clock = clock_seconds;
    ScratchView<Real>* first = nullptr;
    for (std::size_t k = 0; k < members.size(); ++k) {
      const Model<Real>& model = *members[k].model;
      DeepWorkspace& work = *members[k].work;
      const std::size_t seen =
          2 * static_cast<std::size_t>(model.view().ntypes) * static_cast<std::size_t>(model.view().descriptor_count);
      std::int32_t culprits[4] = {0, 0, 0, 0};
      task.centre_forces = work.centre_forces.data() + 3 * BlockList::kMostAtoms * index;
      task.image_forces = work.image_forces.data() + 3 * block.first_image;
      task.atom_energies = members[k].results->atom_energies;
      task.virial = work.block_sums.data() + 9 * index;
      task.overflow = work.overflow.data() + seen * index;
      task.pairs_inside = &work.inside[index];
      task.culprits = culprits;
      task.seconds = &work.seconds[5 * index];
      ScratchView<Real>& scratch = work.scratch<Real>()[lane].fit(model.view(), block.type, task.count, block.listed());
      task.has_neighbours = shares[k] >= 1;
      task.has_rows = shares[k] == 2;
      if (k == 0) first = &scratch;
      if (shares[k] >= 1) {
        DescriptorScratch<Real>&mine = scratch.descriptors[0], &theirs = first->descriptors[0];
        mine.neighbours = theirs.neighbours;
        mine.chain = theirs.chain;
        scratch.capacity = first->capacity;
        if (task.has_rows) {
          mine.rows = theirs.rows;
          mine.rows_real = theirs.rows_real;
          mine.scalar = theirs.scalar;
        }
      }
      task.seconds[0] += clock_seconds() - start;
      const BlockStatus status = model.kernel().block(model.view(), task, scratch);
      if (status != BlockStatus::ok) {
        Error error = error_of(status, culprits);
        if (k > 0) error.details.emplace_back("member", static_cast<double>(k));
        throw error;
      }
      // Neighbours beyond sel are the same ones.
      if (shares[k] >= 1) std::copy_n(members[0].work->overflow.data() + seen * index, seen, task.overflow);
      start = clock_seconds();
    }
  });
  for (const Member<Real>& member : members) gather(member, configuration, list, execution);
}

template void run_blocks<double>(const std::vector<Member<double>>&, const Configuration&, const Execution&);
template void run_blocks<float>(const std::vector<Member<float>>&, const Configuration&, const Execution&);

}  // namespace ionclay::deep_potential
