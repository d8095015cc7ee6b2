// SPDX-License-Identifier: MIT
// Embedding nets as the file has them: G and its slope for many neighbours at once, by the nets (forward mode) or by the tables of a
// compressed file. Used where there is no table of ours, and to make those (tables.cpp).
#pragma once

#include "native/potential/deep_potential/activation.kernel.hpp"
#include "native/potential/deep_potential/environment.kernel.hpp"
#include "native/potential/deep_potential/gemm.kernel.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::FileTableView;
using deep_potential::kEmbeddingChunk;
using deep_potential::LayerView;
using deep_potential::NetworkView;
using deep_potential::Shortcut;
using deep_potential::Smoothing;

// One layer for n rows: `value` and `slope` hold y W and dy W on entry, the layer's output on return. `in` is y (n rows), followed
// by dy in the next kEmbeddingChunk rows.
template <class Real, Activation ACT>
inline void embedding_layer(const LayerView<Real>& layer, int n, const Real* in, int in_stride, Real* value, Real* slope,
                            int out_stride) {
  constexpr int kL = kLanes<Real>;
  const Real* dy = in + static_cast<std::int64_t>(kEmbeddingChunk) * in_stride;
  for (int row = 0; row < n; ++row) {
    Real* y = value + static_cast<std::int64_t>(row) * out_stride;
    Real* d = slope + static_cast<std::int64_t>(row) * out_stride;
    for (int m = 0; m < layer.outputs_padded; m += kL) {
      Vec<Real> derivative;
      Vec<Real> a = activate<Real, ACT>(load(y + m) + load(layer.bias + m), layer.threshold, derivative);
      if (layer.idt != nullptr) {
        const Vec<Real> idt = load(layer.idt + m);
        a *= idt;
        derivative *= idt;
      }
      store(y + m, a);
      store(d + m, derivative * load(d + m));
    }
    const Real* yi = in + static_cast<std::int64_t>(row) * in_stride;
    const Real* di = dy + static_cast<std::int64_t>(row) * in_stride;
    if (layer.shortcut == Shortcut::affine) {
      for (int m = 0; m < layer.outputs; ++m) {
        y[m] += yi[0] * layer.slope[m] + layer.constant[m];
        d[m] += di[0] * layer.slope[m];
      }
    } else if (layer.shortcut != Shortcut::none) {
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
      y[i] = 0;
      d[i] = 0;
    }
  }
}

template <class Real>
inline void embed_by_net(const NetworkView<Real>& net, const double* s, int n, Real* g, Real* dg, int width_padded,
                         ScratchView<Real>& scratch) {
  for (int first = 0; first < n; first += kEmbeddingChunk) {
    const int rows = n - first < kEmbeddingChunk ? n - first : kEmbeddingChunk;
    Real* in = scratch.layer_a;
    Real* out = scratch.layer_b;
    int in_stride = 1;
    for (int row = 0; row < rows; ++row) {
      in[row] = static_cast<Real>(s[first + row]);
      in[kEmbeddingChunk + row] = 1;
    }
    for (int l = 0; l < net.count; ++l) {
      const LayerView<Real>& layer = net.layers[l];
      const bool last = l + 1 == net.count;
      const int out_stride = last ? width_padded : layer.outputs_padded;
      Real* value = last ? g + static_cast<std::int64_t>(first) * width_padded : out;
      Real* slope = last ? dg + static_cast<std::int64_t>(first) * width_padded
                         : out + static_cast<std::int64_t>(kEmbeddingChunk) * out_stride;
      gemm(rows, layer.outputs_padded, layer.inputs, in, in_stride, layer.weights, value, out_stride);
      gemm(rows, layer.outputs_padded, layer.inputs, in + static_cast<std::int64_t>(kEmbeddingChunk) * in_stride, in_stride,
           layer.weights, slope, out_stride);
      with_activation(layer.activation, [&]<Activation ACT>() {
        embedding_layer<Real, ACT>(layer, rows, in, in_stride, value, slope, out_stride);
      });
      Real* swap = in;
      in = out;
      out = swap;
      in_stride = out_stride;
    }
  }
}

// Look-up of deep-potential.md 2.3: fine panels to `upper`, coarse ones to `max`, the tangent beyond both ends.
template <class Real>
inline void embed_by_table(const FileTableView& table, const double* s, int n, Real* g, Real* dg, int width_padded) {
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
    // Rows are padded for the widest vectors.
    const std::int64_t stride = width_padded;
    const double* a = table.coefficients + static_cast<std::int64_t>(k) * 6 * stride;
    for (std::int64_t m = 0; m < stride; ++m) {
      const double a1 = a[stride + m], a2 = a[2 * stride + m], a3 = a[3 * stride + m], a4 = a[4 * stride + m],
                   a5 = a[5 * stride + m];
      const double value = ((((a5 * u + a4) * u + a3) * u + a2) * u + a1) * u + a[m];
      const double slope = (((5.0 * a5 * u + 4.0 * a4) * u + 3.0 * a3) * u + 2.0 * a2) * u + a1;
      g[row * stride + m] = static_cast<Real>(slope * beyond + value);
      dg[row * stride + m] = static_cast<Real>(slope);
    }
  }
}

template <class Real>
inline void embed(const NetworkView<Real>* net, const FileTableView* table, const double* s, int n, Real* g, Real* dg,
                  int width_padded, ScratchView<Real>& scratch) {
  if (table != nullptr) {
    embed_by_table(*table, s, n, g, dg, width_padded);
  } else {
    embed_by_net(*net, s, n, g, dg, width_padded, scratch);
  }
}

template <class Real>
inline bool has_net(const DescriptorView<Real>& descriptor, std::int64_t pair) {
  return descriptor.file_tables[pair] != nullptr || descriptor.nets[pair] != nullptr;
}

// f(r) of strip mode and its slope (1.14); `ratio` = w/r, `ratio_slope` = d(w/r)/dr.
template <class Real>
inline void smoothing(const DescriptorView<Real>& descriptor, double w, double dw, double ratio, double ratio_slope, double& f,
                      double& df) {
  f = 1.0;
  df = 0.0;
  if (descriptor.smoothing == Smoothing::by_switch) {
    f = w;
    df = dw;
  } else if (descriptor.smoothing == Smoothing::cubic) {
    const double rest = 1.0 - descriptor.smooth * ratio;
    const double value = 1.0 - rest * rest * rest;
    f = value < 0.0 ? 0.0 : value > 1.0 ? 1.0 : value;
    if (value > 0.0 && value < 1.0) df = 3.0 * rest * rest * descriptor.smooth * ratio_slope;
  }
}

// G(r) and dG/dr of `pair` for n neighbours given s, ds/dr, f, df/dr in `batch` ([5][stride]: s, s', r (unused), f, f').
template <class Real>
inline void embed_pair(const DescriptorView<Real>& descriptor, std::int64_t pair, const double* batch, std::int64_t stride, int n,
                       Real* g, Real* dg, ScratchView<Real>& scratch) {
  const int mp = descriptor.width_padded;
  embed(descriptor.nets[pair], descriptor.file_tables[pair], batch, n, g, dg, mp, scratch);
  const Real* factor = descriptor.strip != nullptr ? descriptor.strip + pair * mp : nullptr;
  for (int k = 0; k < n; ++k) {
    const Vec<Real> ds = splat<Real>(batch[stride + k]);
    Real* gk = g + static_cast<std::int64_t>(k) * mp;
    Real* dk = dg + static_cast<std::int64_t>(k) * mp;
    if (factor == nullptr) {
      for (int m = 0; m < mp; m += kLanes<Real>) store(dk + m, load(dk + m) * ds);
      continue;
    }
    const Vec<Real> f = splat<Real>(batch[3 * stride + k]);
    const Vec<Real> df = splat<Real>(batch[4 * stride + k]);
    const Vec<Real> one = splat<Real>(1.0);
    for (int m = 0; m < mp; m += kLanes<Real>) {
      const Vec<Real> value = load(gk + m), tt = load(factor + m);
      const Vec<Real> whole = fma(tt, f, one);
      store(gk + m, value * whole);
      store(dk + m, fma(load(dk + m) * ds, whole, value * tt * df));
    }
  }
}

// As Kernel::pair: everything from r.
template <class Real>
inline void pair(const ModelView<Real>& model, int which, int centre, int neighbour, const double* r, int n, Real* g, Real* dg,
                 ScratchView<Real>& scratch) {
  const DescriptorView<Real>& descriptor = model.descriptors[which];
  const std::int64_t place = 4 * static_cast<std::int64_t>(centre);
  double* batch = scratch.batch;
  const std::int64_t stride = scratch.capacity;
  for (int first = 0; first < n; first += static_cast<int>(stride)) {
    const int rows = n - first < stride ? n - first : static_cast<int>(stride);
    for (int k = 0; k < rows; ++k) {
      const double at = r[first + k];
      VecD dw;
      double w[kWidth], slope[kWidth];
      store(w, switching(descriptor, broadcast(at), dw));
      store(slope, dw);
      const double q = at + descriptor.protection;
      const double ratio = w[0] / q;
      const double ratio_slope = slope[0] / q - w[0] / (q * q);
      batch[k] = (ratio - descriptor.davg[place]) * descriptor.inverse_dstd[place];
      batch[stride + k] = ratio_slope * descriptor.inverse_dstd[place];
      smoothing(descriptor, w[0], slope[0], ratio, ratio_slope, batch[3 * stride + k], batch[4 * stride + k]);
    }
    const std::int64_t out = static_cast<std::int64_t>(first) * descriptor.width_padded;
    embed_pair(descriptor, static_cast<std::int64_t>(centre) * model.ntypes + neighbour, batch, stride, rows, g + out, dg + out,
               scratch);
  }
}

}  // namespace ionclay::IONCLAY_ISA
