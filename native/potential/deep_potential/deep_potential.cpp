// SPDX-License-Identifier: MIT
#include "native/potential/deep_potential/deep_potential.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "native/core/block_list.hpp"
#include "native/potential/deep_potential/evaluation.hpp"
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
      task.tolerance = options_.mixed ? 2e-7 : 5e-9;
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

void DeepPotential::ensure_tables(const Configuration& configuration, const Execution& execution) const {
  if (tables_ == nullptr) return;
  std::vector<bool> present(ntypes_, false);
  for (const auto& block : static_cast<const BlockList&>(*configuration.list).blocks()) present[block.type] = true;
  ensure_tables(present, execution);
}

template <>
const Model<double>* DeepPotential::model() const {
  return in_double_.get();
}
template <>
const Model<float>* DeepPotential::model() const {
  return in_mixed_.get();
}

void DeepPotential::compute(const Configuration& configuration, Workspace& workspace, Results& results,
                            const Execution& execution) const {
  ensure_tables(configuration, execution);
  const std::shared_lock shared(lock_);
  auto& work = static_cast<DeepWorkspace&>(workspace);
  if (in_double_) {
    run_blocks<double>({{in_double_.get(), &work, &results}}, configuration, execution);
  } else {
    run_blocks<float>({{in_mixed_.get(), &work, &results}}, configuration, execution);
  }
}

void DeepPotential::compute_members(const std::vector<std::shared_ptr<const Potential>>& members,
                                    const Configuration& configuration, const std::vector<std::unique_ptr<Workspace>>& workspaces,
                                    std::vector<Results>& results, const Execution& execution) const {
  std::vector<const DeepPotential*> all;
  for (const auto& member : members) {
    const auto* deep = dynamic_cast<const DeepPotential*>(member.get());
    // Nets themselves keep G and its slope of a whole block: two of them would push each other out of the cache.
    if (deep == nullptr || deep->options_.mixed != options_.mixed || !deep->options_.compressed)
      return Potential::compute_members(members, configuration, workspaces, results, execution);
    all.push_back(deep);
  }
  // Whoever makes tables waits for all who compute: no lock may be held meanwhile, and all take several locks in the same order. One
  // model may be a member twice, and a lock is held once a thread.
  for (const DeepPotential* member : all) member->ensure_tables(configuration, execution);
  std::vector<const DeepPotential*> ordered = all;
  std::sort(ordered.begin(), ordered.end(), std::less<>());
  ordered.erase(std::unique(ordered.begin(), ordered.end()), ordered.end());
  std::vector<std::shared_lock<std::shared_mutex>> locks;
  for (const DeepPotential* member : ordered) locks.emplace_back(member->lock_);
  const auto run = [&]<class Real>(Real) {
    std::vector<Member<Real>> list;
    for (std::size_t k = 0; k < all.size(); ++k)
      list.push_back({all[k]->model<Real>(), static_cast<DeepWorkspace*>(workspaces[k].get()), &results[k]});
    run_blocks(list, configuration, execution);
  };
  if (options_.mixed) {
    run(float());
  } else {
    run(double());
  }
}

}  // namespace ionclay
