// SPDX-License-Identifier: MIT
// Embedding nets: G(s) and dG/ds of many neighbours at once, by the nets (forward mode) or by the tables of a compressed model.
#pragma once

#include "native/potential/deep_potential/activation.kernel.hpp"
#include "native/potential/deep_potential/gemm.kernel.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::kEmbeddingChunk;
using deep_potential::LayerView;
using deep_potential::ModelView;
using deep_potential::NetworkView;
using deep_potential::ScratchView;
using deep_potential::Shortcut;
using deep_potential::TableView;

// One layer for n rows: `value` and `slope` hold y W and dy W on entry, the layer's output on return. `in` is y (n rows), followed
// by dy in the next kEmbeddingChunk rows.
template <Activation ACT>
inline void embedding_layer(const LayerView& layer, int n, const double* in, int in_stride, double* value, double* slope,
                            int out_stride) {
  const int vectors = layer.outputs_padded / kWidth;
  const double* dy = in + static_cast<std::int64_t>(kEmbeddingChunk) * in_stride;
  for (int row = 0; row < n; ++row) {
    double* y = value + static_cast<std::int64_t>(row) * out_stride;
    double* d = slope + static_cast<std::int64_t>(row) * out_stride;
    for (int v = 0; v < vectors; ++v) {
      VecD derivative;
      VecD a = activate<ACT>(load(y + v * kWidth) + load(layer.bias + v * kWidth), layer.threshold, derivative);
      if (layer.idt != nullptr) {
        const VecD idt = load(layer.idt + v * kWidth);
        a *= idt;
        derivative *= idt;
      }
      store(y + v * kWidth, a);
      store(d + v * kWidth, derivative * load(d + v * kWidth));
    }
    const double* yi = in + static_cast<std::int64_t>(row) * in_stride;
    const double* di = dy + static_cast<std::int64_t>(row) * in_stride;
    if (layer.shortcut != Shortcut::none) {
      const int copies = layer.shortcut == Shortcut::twice ? 2 : 1;
      for (int copy = 0; copy < copies; ++copy) {
        for (int i = 0; i < layer.inputs; ++i) {
          y[copy * layer.inputs + i] += yi[i];
          d[copy * layer.inputs + i] += di[i];
        }
      }
    }
    // Activations such as softplus are not zero at zero: padding must stay zero.
    for (int i = layer.outputs; i < layer.outputs_padded; ++i) {
      y[i] = 0.0;
      d[i] = 0.0;
    }
  }
}

inline void embed_by_net(const NetworkView& net, const double* s, int n, double* g, double* dg, int width_padded,
                         ScratchView& scratch) {
  for (int first = 0; first < n; first += kEmbeddingChunk) {
    const int rows = n - first < kEmbeddingChunk ? n - first : kEmbeddingChunk;
    double* in = scratch.layer_a;
    double* out = scratch.layer_b;
    int in_stride = deep_potential::kPad;
    for (int row = 0; row < rows; ++row) {
      in[static_cast<std::int64_t>(row) * in_stride] = s[first + row];
      in[static_cast<std::int64_t>(kEmbeddingChunk + row) * in_stride] = 1.0;
    }
    for (int l = 0; l < net.count; ++l) {
      const LayerView& layer = net.layers[l];
      const bool last = l + 1 == net.count;
      const int out_stride = last ? width_padded : layer.outputs_padded;
      double* value = last ? g + static_cast<std::int64_t>(first) * width_padded : out;
      double* slope = last ? dg + static_cast<std::int64_t>(first) * width_padded
                           : out + static_cast<std::int64_t>(kEmbeddingChunk) * out_stride;
      gemm(rows, layer.outputs_padded, layer.inputs, in, in_stride, layer.weights, layer.outputs_padded, value, out_stride);
      gemm(rows, layer.outputs_padded, layer.inputs, in + static_cast<std::int64_t>(kEmbeddingChunk) * in_stride, in_stride,
           layer.weights, layer.outputs_padded, slope, out_stride);
      with_activation(layer.activation,
                      [&]<Activation ACT>() { embedding_layer<ACT>(layer, rows, in, in_stride, value, slope, out_stride); });
      double* swap = in;
      in = out;
      out = swap;
      in_stride = out_stride;
    }
  }
}

// Look-up of deep-potential.md 2.3: fine panels to `upper`, coarse ones to `max`, the tangent beyond both ends.
inline void embed_by_table(const TableView& table, const double* s, int n, double* g, double* dg, int width_padded) {
  for (int row = 0; row < n; ++row) {
    double x = s[row];
    if (table.single) x = static_cast<float>(x);
    int k;
    double u;
    double beyond = 0.0;
    if (x < table.lower) {
      k = 0;
      u = 0.0;
      beyond = x - table.lower;
    } else if (x < table.upper) {
      k = static_cast<int>((x - table.lower) / table.step);
      u = x - (k * table.step + table.lower);
    } else if (x < table.max) {
      const int panel = static_cast<int>((x - table.upper) / table.coarse_step);
      k = table.fine_rows + panel;
      u = x - (panel * table.coarse_step + table.upper);
    } else {
      const double below = std::nextafter(table.max, table.lower);
      const int panel = static_cast<int>((below - table.upper) / table.coarse_step);
      k = table.fine_rows + panel;
      u = table.max - (panel * table.coarse_step + table.upper);
      beyond = x - table.max;
    }
    if (k > table.rows - 1) k = table.rows - 1;
    const double* a = table.coefficients + static_cast<std::int64_t>(k) * 6 * width_padded;
    const VecD t = broadcast(u);
    const VecD outside = broadcast(beyond);
    for (int m = 0; m < width_padded; m += kWidth) {
      const VecD a1 = load(a + width_padded + m), a2 = load(a + 2 * width_padded + m), a3 = load(a + 3 * width_padded + m);
      const VecD a4 = load(a + 4 * width_padded + m), a5 = load(a + 5 * width_padded + m);
      const VecD value = fma(fma(fma(fma(fma(a5, t, a4), t, a3), t, a2), t, a1), t, load(a + m));
      const VecD slope =
          fma(fma(fma(fma(broadcast(5.0) * a5, t, broadcast(4.0) * a4), t, broadcast(3.0) * a3), t, broadcast(2.0) * a2), t, a1);
      store(g + static_cast<std::int64_t>(row) * width_padded + m, fma(slope, outside, value));
      store(dg + static_cast<std::int64_t>(row) * width_padded + m, slope);
    }
  }
}

inline void embed(const ModelView& model, int centre, int neighbour, const double* s, int n, double* g, double* dg,
                  ScratchView& scratch) {
  const int net = model.one_sided ? neighbour : centre * model.ntypes + neighbour;
  if (model.tables != nullptr && model.tables[net].rows > 0) {
    embed_by_table(model.tables[net], s, n, g, dg, model.width_padded);
  } else {
    embed_by_net(model.embedding[net], s, n, g, dg, model.width_padded, scratch);
  }
}

}  // namespace ionclay::IONCLAY_ISA
