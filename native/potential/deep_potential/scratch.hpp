// SPDX-License-Identifier: MIT
// Scratch memory of one thread, grown as needed and kept: no allocation in a step once the sizes have been seen.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "native/potential/deep_potential/view.hpp"

namespace ionclay::deep_potential {

class Scratch {
 public:
  // `listed`: list entries of all atoms of the block; `listed_one`: most of any one atom.
  ScratchView& fit(const ModelView& model, int type, int atoms, std::size_t listed, std::size_t listed_one,
                   int widest_embedding) {
    const std::size_t mp = model.width_padded;
    const std::size_t types = model.ntypes;
    const NetworkView* net = type >= 0 ? &model.fitting[type] : nullptr;
    const std::size_t widest = net != nullptr ? net->widest : kPad;
    const std::size_t layers = net != nullptr ? net->count : 1;
    const std::size_t inputs = net != nullptr ? net->layers[0].inputs_padded : kPad;
    view_.candidate_entry = integers(0, listed_one + 1);
    view_.candidate_type = integers(1, listed_one + 1);
    view_.segment = integers(2, types * (atoms + 1));
    view_.placed = integers(3, 2 * listed + types + 1);
    view_.entry = integers(4, listed + 1);
    view_.slot = integers(5, listed + 1);
    view_.candidate = doubles(0, 4 * (listed_one + 1));
    view_.vector = doubles(1, 4 * listed + kPad);
    view_.chain = doubles(2, 3 * listed + kPad);
    view_.rows = doubles(3, 4 * listed + kPad);
    view_.scalar = doubles(4, listed + kPad);
    view_.embedding = doubles(5, listed * mp + kPad);
    view_.slope = doubles(6, listed * mp + kPad);
    view_.layer_a = doubles(7, 2 * kEmbeddingChunk * static_cast<std::size_t>(widest_embedding) + kPad);
    view_.layer_b = doubles(8, 2 * kEmbeddingChunk * static_cast<std::size_t>(widest_embedding) + kPad);
    view_.descriptor = doubles(9, 4 * mp * atoms);
    view_.gradient_a = doubles(10, 4 * mp);
    view_.fit_input = doubles(11, inputs * atoms);
    view_.fit_values = doubles(12, layers * atoms * widest);
    view_.fit_slopes = doubles(13, layers * atoms * widest);
    view_.fit_gradient_a = doubles(14, atoms * widest);
    view_.fit_gradient_b = doubles(15, atoms * widest);
    return view_;
  }

 private:
  // A quarter more than asked: neighbour counts wander during a run. Kernels write before they read, so nothing is kept. Under
  // AddressSanitizer each block gets exactly what it asked for, or slack would hide a write behind the end, and finds it spoilt.
  template <class T>
  static T* grown(std::vector<T>& store, std::size_t n) {
#if defined(__SANITIZE_ADDRESS__)
    using Limits = std::numeric_limits<T>;
    store = std::vector<T>(n, Limits::has_quiet_NaN ? Limits::quiet_NaN() : Limits::max());
#else
    if (store.size() < n) {
      std::vector<T>().swap(store);
      store.resize(n + n / 4);
    }
#endif
    return store.data();
  }
  double* doubles(std::size_t which, std::size_t n) { return grown(doubles_[which], n); }
  std::int32_t* integers(std::size_t which, std::size_t n) { return grown(integers_[which], n); }

  ScratchView view_{};
  std::vector<double> doubles_[16];
  std::vector<std::int32_t> integers_[6];
};

}  // namespace ionclay::deep_potential
