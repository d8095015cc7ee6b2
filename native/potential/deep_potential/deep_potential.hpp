// SPDX-License-Identifier: MIT
// The Deep Potential (se_e2_a descriptor, energy fitting net) of deep-potential.md 1.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "native/potential/deep_potential/view.hpp"
#include "native/potential/potential.hpp"
#include "native/simd/isa.hpp"

namespace ionclay {

// Parameters as the readers give them (lib/potential/deep-potential-parameters.ts), unpadded.
struct DeepPotentialParameters {
  struct Layer {
    int inputs = 0, outputs = 0;
    int activation = 0;  // deep_potential::Activation
    double threshold = 3.0;
    int shortcut = 0;  // deep_potential::Shortcut
    std::vector<double> weights, bias, idt;
  };
  using Network = std::vector<Layer>;
  struct Table {
    double lower = 0, upper = 0, max = 0, step = 0, coarse_step = 0;
    int rows = 0;
    bool single = false;
    std::vector<double> coefficients;  // [rows][6 M], coefficient fastest
  };

  int ntypes = 0;
  double cutoff = 0, smooth = 0, switch_width = 0, protection = 0, slots = 0;
  bool native_rule = false, per_slot = false, one_sided = false;
  std::vector<int> sel;
  std::vector<double> davg, dstd;
  int width = 0, axis = 0;
  std::vector<Network> embedding;  // empty = no net
  std::vector<Table> tables;       // empty = plain model
  std::vector<Network> fitting;
  std::vector<std::uint8_t> excluded, pair_excluded, atom_excluded, fitting_excluded, subtract_vacuum;
  std::vector<double> atom_bias, out_std, out_bias;
};

class DeepPotential final : public Potential {
 public:
  // Throws MODEL_SHAPE where sizes disagree: the readers check as well, with names; here it keeps memory safe.
  DeepPotential(const DeepPotentialParameters& parameters, Isa isa);
  ~DeepPotential() override;

  double cutoff() const override { return view_.cutoff; }
  int ntypes() const override { return view_.ntypes; }
  std::unique_ptr<Workspace> make_workspace() const override;
  void compute(const Configuration& configuration, Workspace& workspace, Results& results,
               const Execution& execution) const override;

 private:
  deep_potential::NetworkView add_network(const DeepPotentialParameters::Network& network, bool fitting);
  deep_potential::TableView add_table(const DeepPotentialParameters::Table& table);
  void make_pads();
  void make_vacuum(const DeepPotentialParameters& parameters);
  const double* keep(std::vector<double> values);

  deep_potential::ModelView view_{};
  const deep_potential::Kernel* kernel_;
  // Owners of what view_ points to; a deque never moves its elements.
  std::deque<std::vector<double>> numbers_;
  std::deque<std::vector<deep_potential::LayerView>> layers_;
  std::deque<std::vector<std::int32_t>> places_;
  std::deque<std::vector<std::uint8_t>> flags_;
  std::vector<deep_potential::NetworkView> embedding_, fitting_;
  std::vector<deep_potential::TableView> tables_;
  std::vector<int> sel_, slot_offset_;
  std::vector<const double*> pads_;
  std::vector<double> vacuum_;
  int widest_embedding_ = 0;
};

}  // namespace ionclay
