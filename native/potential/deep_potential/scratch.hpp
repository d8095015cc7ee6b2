// SPDX-License-Identifier: MIT
// Scratch memory of one thread, grown as needed and kept: no allocation in a step once the sizes have been seen.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "native/core/aligned.hpp"
#include "native/potential/deep_potential/view.hpp"

namespace ionclay::deep_potential {

// Widest vector of any instruction set, in numbers: arrays that kernels read in whole vectors have that much room behind them.
inline constexpr std::size_t kRoom = 16;

// A quarter more than asked: neighbour counts wander during a run. Kernels write before they read, so nothing is kept. Under
// AddressSanitizer each array gets exactly what was asked for, or slack would hide a write behind the end, and finds it spoilt.
template <class T>
T* grown(AlignedVector<T>& store, std::size_t n) {
#if defined(__SANITIZE_ADDRESS__)
  using Limits = std::numeric_limits<T>;
  store = AlignedVector<T>(n, Limits::has_quiet_NaN ? Limits::quiet_NaN() : Limits::max());
#else
  if (store.size() < n) {
    AlignedVector<T>().swap(store);
    store.resize(n + n / 4);
  }
#endif
  return store.data();
}

template <class Real>
class Scratch {
 public:
  // For a block of `atoms` atoms of a type with `listed` listed neighbours in all. type < 0: no fitting.
  ScratchView<Real>& fit(const ModelView<Real>& model, int type, int atoms, std::size_t listed) {
    const std::size_t types = model.ntypes;
    const std::size_t n = listed + kRoom;
    const NetworkView<Real>* net = type >= 0 ? &model.fitting[type] : nullptr;
    const std::size_t widest = net != nullptr ? net->widest : kRoom;
    const std::size_t layers = net != nullptr ? net->count : 1;
    descriptors_.resize(model.descriptor_count);
    memory_.resize(model.descriptor_count);
    std::size_t widest_net = kRoom, latent = kRoom;
    for (int d = 0; d < model.descriptor_count; ++d) {
      const DescriptorView<Real>& view = model.descriptors[d];
      widest_net = std::max<std::size_t>(
          {widest_net, static_cast<std::size_t>(view.widest_net), static_cast<std::size_t>(view.width_padded)});
      for (std::size_t pair = 0; pair < types * types; ++pair) {
        if (view.latent[pair] != nullptr) latent = std::max<std::size_t>(latent, view.latent[pair]->columns_padded);
      }
      memory_[d].fit(descriptors_[d], view, types, atoms, n);
    }
    view_.capacity = static_cast<std::int64_t>(n);
    base_.fit(view_.base, model.shared_base ? n : kRoom, types, atoms);
    view_.order = grown(order_, n);
    view_.kept = grown(kept_, n);
    view_.descriptors = descriptors_.data();
    view_.batch = grown(batch_, 5 * n);
    view_.latent = grown(latent_, 4 * latent);
    view_.latent_sums = grown(latent_sums_, 4 * latent * atoms);
    view_.layer_a = grown(layer_a_, 2 * kEmbeddingChunk * widest_net + kRoom);
    view_.layer_b = grown(layer_b_, 2 * kEmbeddingChunk * widest_net + kRoom);
    view_.fit_input = grown(fit_input_, static_cast<std::size_t>(model.inputs_padded) * atoms);
    view_.fit_values = grown(fit_values_, layers * atoms * widest);
    view_.fit_slopes = grown(fit_slopes_, layers * atoms * widest);
    view_.fit_gradient_a = grown(fit_gradient_a_, atoms * widest);
    view_.fit_gradient_b = grown(fit_gradient_b_, atoms * widest);
    view_.gradients = grown(gradients_, 4 * n);
    return view_;
  }

 private:
  struct Neighbours {
    AlignedVector<double> x, y, z, r;
    AlignedVector<std::int32_t> image, segment;
    void fit(NeighbourArrays& view, std::size_t n, std::size_t types, int atoms) {
      view.x = grown(x, n);
      view.y = grown(y, n);
      view.z = grown(z, n);
      view.r = grown(r, n);
      view.image = grown(image, n);
      view.segment = grown(segment, (types + 1) * atoms);
    }
  };
  struct Memory {
    Neighbours neighbours;
    AlignedVector<double> chain, rows, scalar;
    AlignedVector<Real> rows_real, u, embedding, slope, contraction, gradient;
    AlignedVector<std::int32_t> slot, panel, net_segment, net_index;
    void fit(DescriptorScratch<Real>& s, const DescriptorView<Real>& view, std::size_t types, int atoms, std::size_t n) {
      const std::size_t mp = view.width_padded;
      neighbours.fit(s.neighbours, n, types, atoms);
      s.chain = grown(chain, 3 * n);
      s.rows = grown(rows, 4 * n);
      if constexpr (sizeof(Real) == sizeof(double)) {
        s.rows_real = s.rows;
      } else {
        s.rows_real = grown(rows_real, 4 * n);
      }
      s.scalar = grown(scalar, n);
      s.slot = grown(slot, view.per_slot ? n : 1);
      s.panel = grown(panel, n);
      s.u = grown(u, n);
      s.net_segment = grown(net_segment, types * (atoms + 1));
      s.net_index = grown(net_index, n);
      s.embedding = grown(embedding, n * mp);
      s.slope = grown(slope, n * mp);
      s.contraction = grown(contraction, 4 * mp * atoms);
      s.gradient = grown(gradient, 4 * mp * atoms);
    }
  };
  ScratchView<Real> view_{};
  std::vector<DescriptorScratch<Real>> descriptors_;
  std::vector<Memory> memory_;
  Neighbours base_;
  AlignedVector<std::int32_t> order_, kept_;
  AlignedVector<double> batch_, latent_, gradients_;
  AlignedVector<Real> latent_sums_, layer_a_, layer_b_, fit_input_, fit_values_, fit_slopes_, fit_gradient_a_, fit_gradient_b_;
};

}  // namespace ionclay::deep_potential
