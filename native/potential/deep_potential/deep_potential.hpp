// SPDX-License-Identifier: MIT
// The Deep Potential (descriptors se_e2_a and se_e2_r in any combination, energy fitting net) of deep-potential.md 1.
#pragma once

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "native/potential/deep_potential/model.hpp"
#include "native/potential/deep_potential/parameters.hpp"
#include "native/potential/potential.hpp"
#include "native/simd/isa.hpp"

namespace ionclay {

struct DeepPotentialOptions {
  // Nets and tables in float; geometry and sums in double.
  bool mixed = false;
  // Tables of our own instead of embedding nets, where they are good enough.
  bool compressed = false;
};

class DeepPotential final : public Potential {
 public:
  using Options = DeepPotentialOptions;
  // Throws MODEL_SHAPE where sizes disagree.
  DeepPotential(const DeepPotentialParameters& parameters, Isa isa, Options options = {});
  ~DeepPotential() override;

  double cutoff() const override { return cutoff_; }
  int ntypes() const override { return ntypes_; }
  std::size_t fparam_count() const override { return fparam_count_; }
  std::size_t aparam_count() const override { return aparam_count_; }
  std::unique_ptr<Neighbours> make_neighbours() const override;
  std::unique_ptr<Workspace> make_workspace() const override;
  void compute(const Configuration& configuration, Workspace& workspace, Results& results,
               const Execution& execution) const override;

  // Members of the same precision that run on tables share, block by block, the images of the list and, where their geometry is the
  // same, neighbours, distances and switching functions.
  void compute_members(const std::vector<std::shared_ptr<const Potential>>& members, const Configuration& configuration,
                       const std::vector<std::unique_ptr<Workspace>>& workspaces, std::vector<Results>& results,
                       const Execution& execution) const override;

  // Tables of all pairs of types, made now where they are not there yet; none for pairs that go through their nets.
  std::vector<DeepPotentialParameters::LatentTable> tables(const Execution& execution) const;

 private:
  struct Tables;
  template <class Real>
  const deep_potential::Model<Real>* model() const;
  // Tables for all pairs of the types that are present; which ones there are never depends on anything else.
  void ensure_tables(const Configuration& configuration, const Execution& execution) const;
  void ensure_tables(const std::vector<bool>& present, const Execution& execution) const;

  double cutoff_;
  int ntypes_;
  std::size_t fparam_count_, aparam_count_;
  Options options_;
  // One of the two, by precision. Tables are added when types are first met: readers hold the lock meanwhile.
  mutable std::unique_ptr<deep_potential::Model<double>> in_double_;
  mutable std::unique_ptr<deep_potential::Model<float>> in_mixed_;
  mutable std::unique_ptr<Tables> tables_;
  mutable std::shared_mutex lock_;
};

}  // namespace ionclay
