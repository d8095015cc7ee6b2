// SPDX-License-Identifier: MIT
#include "native/potential/deep_potential/deep_potential.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <type_traits>

#include "native/core/block_list.hpp"
#include "native/core/error.hpp"
#include "native/core/sums.hpp"
#include "native/potential/deep_potential/scratch.hpp"
#include "native/potential/deep_potential/tables.hpp"

namespace ionclay {

using namespace deep_potential;

namespace {

const Kernels& kernels_for(Isa isa) {
  switch (isa) {
#if defined(IONCLAY_HAVE_X86)
    case Isa::avx2: return kernels::avx2;
    case Isa::avx512: return kernels::avx512;
#elif defined(IONCLAY_HAVE_NEON)
    case Isa::neon: return kernels::neon;
#endif
    default: return kernels::baseline;
  }
}

double clock_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// What a thread needs besides the scratch of the kernels: positions of the images of its block.
struct Images {
  std::vector<double> x, y, z;
};

struct DeepWorkspace final : Workspace {
  std::vector<Scratch<double>> in_double;
  std::vector<Scratch<float>> in_mixed;
  std::vector<Images> images;
  std::vector<double> centre_forces, image_forces, block_sums, chunk_sums, seconds;
  std::vector<std::int32_t> overflow;
  std::vector<std::uint64_t> inside;
  template <class Real>
  std::vector<Scratch<Real>>& scratch() {
    if constexpr (std::is_same_v<Real, double>) {
      return in_double;
    } else {
      return in_mixed;
    }
  }
};

// What a kernel reports as text.
[[noreturn]] void raise(BlockStatus status, const std::int32_t* culprits) {
  if (status == BlockStatus::sel_overflow) {
    throw Error("SEL_OVERFLOW",
                "atom " + std::to_string(culprits[2]) + " has " + std::to_string(culprits[1]) + " neighbours of type " +
                    std::to_string(culprits[0]) + ", more than the model has slots for",
                culprits[2],
                {{"type", static_cast<double>(culprits[0])},
                 {"count", static_cast<double>(culprits[1])},
                 {"descriptor", static_cast<double>(culprits[3])}});
  }
  if (status == BlockStatus::below_table) {
    throw Error("BELOW_PAIR_TABLE",
                "atoms " + std::to_string(culprits[0]) + " and " + std::to_string(culprits[1]) +
                    " are closer than the first distance of the model's pair table",
                culprits[0], {{"other", static_cast<double>(culprits[1])}});
  }
  throw Error("ATOMS_OVERLAP",
              "atoms " + std::to_string(culprits[0]) + " and " + std::to_string(culprits[1]) + " are at the same place",
              culprits[0], {{"other", static_cast<double>(culprits[1])}});
}

}  // namespace

// What makes tables: the nets on the portable kernel in double, so that tables are the same on every machine.
struct DeepPotential::Tables {
  Tables(const DeepPotentialParameters& p) : model(p, kernels::baseline.in_double, false), shortest(p.shortest_distance) {}
  Model<double> model;
  double shortest;
  std::mutex making;
  std::vector<bool> made;  // [descriptors][T][T]
  std::vector<DeepPotentialParameters::LatentTable> tables;
};

DeepPotential::DeepPotential(const DeepPotentialParameters& p, Isa isa, Options options)
    : cutoff_(p.cutoff),
      ntypes_(p.ntypes),
      fparam_count_(p.frame.average.size()),
      aparam_count_(p.atoms.average.size()),
      options_(options) {
  if (options.mixed) {
    in_mixed_ = std::make_unique<Model<float>>(p, kernels_for(isa).in_mixed);
  } else {
    in_double_ = std::make_unique<Model<double>>(p, kernels_for(isa).in_double);
  }
  if (!options.compressed) return;
  tables_ = std::make_unique<Tables>(p);
  const std::size_t types = static_cast<std::size_t>(p.ntypes);
  tables_->made.assign(p.descriptors.size() * types * types, !p.stored.empty());
  for (const auto& table : p.stored) {
    if (in_double_) in_double_->set_table(table);
    if (in_mixed_) in_mixed_->set_table(table);
    tables_->tables.push_back(table);
  }
}

DeepPotential::~DeepPotential() = default;

std::unique_ptr<Neighbours> DeepPotential::make_neighbours() const { return std::make_unique<BlockList>(ntypes_); }

std::unique_ptr<Workspace> DeepPotential::make_workspace() const { return std::make_unique<DeepWorkspace>(); }

std::vector<DeepPotentialParameters::LatentTable> DeepPotential::tables(const Execution& execution) const {
  if (tables_ == nullptr) return {};
  ensure_tables(std::vector<bool>(ntypes_, true), execution);
  const std::lock_guard guard(tables_->making);
  return tables_->tables;
}

void DeepPotential::ensure_tables(const std::vector<bool>& present, const Execution& execution) const {
  if (tables_ == nullptr) return;
  const std::lock_guard guard(tables_->making);
  const Model<double>& nets = tables_->model;
  const ModelView<double>& view = nets.view();
  const int types = ntypes_;
  struct Job {
    int descriptor, centre, neighbour;
  };
  std::vector<Job> jobs;
  for (int d = 0; d < view.descriptor_count; ++d) {
    const DescriptorView<double>& descriptor = view.descriptors[d];
    for (int pair = 0; pair < types * types; ++pair) {
      const std::size_t key = static_cast<std::size_t>(d) * types * types + pair;
      if (tables_->made[key] || !present[pair / types] || !present[pair % types]) continue;
      tables_->made[key] = true;
      // Statistics that differ by slot make G a function of more than r.
      const bool has = descriptor.nets[pair] != nullptr || descriptor.file_tables[pair] != nullptr;
      if (descriptor.per_slot || !has || descriptor.excluded[pair] != 0) continue;
      jobs.push_back({d, pair / types, pair % types});
    }
  }
  if (jobs.empty()) return;
  std::vector<std::optional<DeepPotentialParameters::LatentTable>> made(jobs.size());
  try {
    parallel_for(jobs.size(), execution, [&](std::size_t k, int) {
      const Job& job = jobs[k];
      const DescriptorView<double>& descriptor = view.descriptors[job.descriptor];
      Scratch<double> scratch;
      ScratchView<double>& memory = scratch.fit(view, -1, 1, 256);
      const auto pair = [&](const double* r, int n, double* g, double* dg) {
        nets.kernel().pair(view, job.descriptor, job.centre, job.neighbour, r, n, g, dg, memory);
      };
      const double* davg = descriptor.davg + 4 * static_cast<std::size_t>(job.centre);
      const double* inverse = descriptor.inverse_dstd + 4 * static_cast<std::size_t>(job.centre);
      TableTask task;
      // Below nine tenths of the shortest distance ever trained on, the net itself is used.
      task.lower = std::min(tables_->shortest > 0.0 ? 0.9 * tables_->shortest : 0.7, 0.5 * descriptor.cutoff);
      task.middle = std::max(descriptor.smooth, task.lower);
      task.upper = descriptor.cutoff;
      task.width = descriptor.width;
      task.stride = descriptor.width_padded;
      task.weight = [&descriptor, davg, inverse](double r) {
        if (descriptor.radial) return 1.0;
        const double u = (r - descriptor.smooth) * descriptor.inverse_switch_width;
        const double w = u <= 0.0 ? 1.0 : u >= 1.0 ? 0.0 : u * u * u * (-6.0 * u * u + 15.0 * u - 10.0) + 1.0;
        const double raw = w / (r + descriptor.protection);
        return std::fabs((raw - davg[0]) * inverse[0]) + raw * inverse[1];
      };
      task.tolerance = options_.mixed ? 3e-7 : 1e-8;
      task.number_bytes = options_.mixed ? sizeof(float) : sizeof(double);
      task.neighbours = types;
      made[k] = make_table(task, pair);
      if (!made[k]) return;
      made[k]->descriptor = job.descriptor;
      made[k]->centre = job.centre;
      made[k]->neighbour = job.neighbour;
    });
  } catch (...) {
    for (const Job& job : jobs)
      tables_->made[(static_cast<std::size_t>(job.descriptor) * types + job.centre) * types + job.neighbour] = false;
    throw;
  }
  const std::unique_lock exclusive(lock_);
  for (auto& table : made) {
    if (!table) continue;
    if (in_double_) in_double_->set_table(*table);
    if (in_mixed_) in_mixed_->set_table(*table);
    tables_->tables.push_back(std::move(*table));
  }
}

void DeepPotential::compute(const Configuration& configuration, Workspace& workspace, Results& results,
                            const Execution& execution) const {
  if (tables_ != nullptr) {
    std::vector<bool> present(ntypes_, false);
    for (const auto& block : static_cast<const BlockList&>(*configuration.list).blocks()) present[block.type] = true;
    ensure_tables(present, execution);
  }
  const std::shared_lock shared(lock_);
  if (in_double_) {
    run(*in_double_, configuration, workspace, results, execution);
  } else {
    run(*in_mixed_, configuration, workspace, results, execution);
  }
}

template <class Real>
void DeepPotential::run(const Model<Real>& model, const Configuration& configuration, Workspace& workspace, Results& results,
                        const Execution& execution) const {
  auto& work = static_cast<DeepWorkspace&>(workspace);
  const ModelView<Real>& view = model.view();
  const BlockList& list = static_cast<const BlockList&>(*configuration.list);
  const std::size_t blocks = list.blocks().size();
  const std::size_t types = static_cast<std::size_t>(ntypes_);
  const std::size_t n = configuration.natoms;
  if (configuration.overflow_rule == SelOverflow::grow) {
    for (int d = 0; d < view.descriptor_count; ++d) {
      if (view.descriptors[d].per_slot)
        throw Error("SEL_CANNOT_GROW", "the statistics of this model differ by slot: there are none for neighbours beyond sel");
    }
  }
  auto& scratches = work.scratch<Real>();
  if (scratches.size() < static_cast<std::size_t>(execution.threads)) scratches.resize(execution.threads);
  if (work.images.size() < static_cast<std::size_t>(execution.threads)) work.images.resize(execution.threads);
  const std::size_t seen = 2 * types * static_cast<std::size_t>(view.descriptor_count);
  constexpr std::size_t kMost = BlockList::kMostAtoms;
  work.centre_forces.resize(3 * kMost * blocks);
  work.image_forces.resize(3 * list.images());
  work.block_sums.resize(9 * blocks);
  work.overflow.assign(seen * blocks, 0);
  work.inside.assign(blocks, 0);
  work.seconds.assign(5 * blocks, 0.0);

  static_assert(kMost <= kMaxBlockAtoms && BlockList::kPadding >= kRoom / 2);
  parallel_for(blocks, execution, [&](std::size_t index, int lane) {
    const BlockList::Block& block = list.blocks()[index];
    std::int32_t culprits[4] = {0, 0, 0, 0};
    const double start = clock_seconds();
    const std::size_t images = block.image_atom.size();
    Images& local = work.images[lane];
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
    task.centre_forces = work.centre_forces.data() + 3 * kMost * index;
    task.image_forces = work.image_forces.data() + 3 * block.first_image;
    task.atom_energies = results.atom_energies;
    task.virial = work.block_sums.data() + 9 * index;
    task.overflow = work.overflow.data() + seen * index;
    task.pairs_inside = &work.inside[index];
    task.culprits = culprits;
    task.seconds = &work.seconds[5 * index];
    task.clock = clock_seconds;
    ScratchView<Real>& scratch = scratches[lane].fit(view, block.type, task.count, block.listed());
    task.seconds[0] += clock_seconds() - start;
    const BlockStatus status = model.kernel().block(view, task, scratch);
    if (status != BlockStatus::ok) raise(status, culprits);
  });

  // Forces: own, and those of the images of an atom, in the order of the blocks. Each is written by one task.
  const double gather_start = clock_seconds();
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
    results.seconds[phase + 1] = phase == 4 ? clock_seconds() - gather_start : 0.0;
    for (std::size_t b = 0; b < blocks; ++b) results.seconds[phase + 1] += work.seconds[5 * b + phase];
  }
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

}  // namespace ionclay
