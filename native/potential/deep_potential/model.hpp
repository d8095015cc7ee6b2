// SPDX-License-Identifier: MIT
// Parameters of a Deep Potential in the layout of one kernel: padded, packed, in its precision.
#pragma once

#include <deque>
#include <memory>
#include <type_traits>
#include <vector>

#include "native/core/aligned.hpp"
#include "native/potential/deep_potential/parameters.hpp"
#include "native/potential/deep_potential/view.hpp"

namespace ionclay::deep_potential {

// Owner of everything that a ModelView points to. Throws MODEL_SHAPE where sizes disagree: the readers check as well, with names; here it
// keeps memory safe.
template <class Real>
class Model {
 public:
  // Without `fitting` only embedding nets are there, which is all that making tables needs.
  Model(const DeepPotentialParameters& parameters, const Kernel<Real>& kernel, bool fitting = true);
  Model(const Model&) = delete;

  const ModelView<Real>& view() const { return view_; }
  const Kernel<Real>& kernel() const { return kernel_; }
  // Gives a pair of types its table. Not while anyone computes.
  void set_table(const DeepPotentialParameters::LatentTable& table);

 private:
  struct Pieces {
    std::vector<const NetworkView<Real>*> nets;
    std::vector<const FileTableView*> file_tables;
    std::vector<const LatentTableView<Real>*> latent;
    std::vector<const double*> pads, masked;
    std::vector<int> sel, slot_offset;
    std::vector<std::int32_t> row_offset, row_start;
  };
  void add_descriptor(const DeepPotentialParameters::Descriptor& source, bool folded);
  void add_fitting(const DeepPotentialParameters& p);
  void make_pads(const DeepPotentialParameters::Descriptor& source, DescriptorView<Real>& view, Pieces& pieces);
  void make_vacuum(const DeepPotentialParameters& p);
  const LayerView<Real>* layer(int index);
  const NetworkView<Real>* network(const std::vector<int>& layers);
  LayerView<Real> make_layer(const DeepPotentialParameters::Layer& source, const std::vector<std::int32_t>* places,
                             bool transposed);
  FileTableView make_file_table(const DeepPotentialParameters::FileTable& source, int width, int width_padded);
  template <class T>
  const T* keep(const std::vector<T>& values) {
    auto& store = [this]() -> std::deque<AlignedVector<T>>& {
      if constexpr (std::is_same_v<T, double>) {
        return doubles_;
      } else if constexpr (std::is_same_v<T, float>) {
        return floats_;
      } else if constexpr (std::is_same_v<T, std::int32_t>) {
        return integers_;
      } else {
        return flags_;
      }
    }();
    return store.emplace_back(values.begin(), values.end()).data();
  }
  int padded(int n) const { return (n + kernel_.lanes - 1) / kernel_.lanes * kernel_.lanes; }

  const DeepPotentialParameters& source_;  // while constructing only
  const Kernel<Real>& kernel_;
  ModelView<Real> view_{};
  int types_;
  // Owners; a deque never moves its elements.
  std::deque<AlignedVector<double>> doubles_;
  std::deque<AlignedVector<float>> floats_;
  std::deque<AlignedVector<std::int32_t>> integers_;
  std::deque<AlignedVector<std::uint8_t>> flags_;
  std::deque<std::vector<LayerView<Real>>> layer_lists_;
  std::deque<NetworkView<Real>> networks_;
  std::deque<FileTableView> file_tables_;
  std::deque<LatentTableView<Real>> latent_tables_;
  std::vector<std::unique_ptr<LayerView<Real>>> layers_;  // by index in the parameters, made when first used
  std::deque<Pieces> pieces_;
  std::vector<DescriptorView<Real>> descriptors_;
  std::vector<NetworkView<Real>> fitting_;
  std::vector<std::int32_t> input_place_;
  PairTableView pair_table_{};
};

// Throws MODEL_SHAPE.
void require(bool condition, const char* what);

// Packs a row-major [rows][columns] matrix for gemm: strips of `strip` columns, each [rows][its columns].
template <class Real>
std::vector<Real> packed(const std::vector<double>& matrix, int rows, int columns, int strip);

extern template class Model<double>;
extern template class Model<float>;

}  // namespace ionclay::deep_potential
