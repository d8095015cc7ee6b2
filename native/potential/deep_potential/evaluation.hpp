// SPDX-License-Identifier: MIT
// One pass over the blocks of a list for one model, or for the members of a committee.
#pragma once

#include <vector>

#include "native/potential/deep_potential/model.hpp"
#include "native/potential/deep_potential/scratch.hpp"
#include "native/potential/potential.hpp"

namespace ionclay::deep_potential {

// Positions of the images of a block, for one thread.
struct Images {
  AlignedVector<double> x, y, z;
};

struct DeepWorkspace final : Workspace {
  std::vector<Scratch<double>> in_double;
  std::vector<Scratch<float>> in_mixed;
  std::vector<Images> images;
  std::vector<double> centre_forces, image_forces, block_sums, chunk_sums, seconds;
  std::vector<std::int32_t> overflow;
  std::vector<std::uint64_t> inside;
  template <class Real>
  std::vector<Scratch<Real>>& scratch();
};

template <class Real>
struct Member {
  const Model<Real>* model;
  DeepWorkspace* work;
  Results* results;
};

// Throws Error; of a member after the first with its number in the details.
template <class Real>
void run_blocks(const std::vector<Member<Real>>& members, const Configuration& configuration, const Execution& execution);

extern template void run_blocks<double>(const std::vector<Member<double>>&, const Configuration&, const Execution&);
extern template void run_blocks<float>(const std::vector<Member<float>>&, const Configuration&, const Execution&);

}  // namespace ionclay::deep_potential
