// SPDX-License-Identifier: MIT
// Fitting net of one centre type for a block of atoms: energies, and gradients by the transposed products (deep-potential.md 1.8, 1.9).
#pragma once

#include "native/potential/deep_potential/activation.kernel.hpp"
#include "native/potential/deep_potential/gemm.kernel.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::LayerView;
using deep_potential::ModelView;
using deep_potential::NetworkView;
using deep_potential::ScratchView;
using deep_potential::Shortcut;

inline int place_of(const LayerView& layer, int input) { return layer.input_place != nullptr ? layer.input_place[input] : input; }

// y W on entry in `value`; act(.) idt + shortcut on return, d act idt in `slope`.
template <Activation ACT>
inline void fitting_layer(const LayerView& layer, int atoms, const double* in, int in_stride, double* value, double* slope,
                          int stride) {
  for (int atom = 0; atom < atoms; ++atom) {
    double* y = value + static_cast<std::int64_t>(atom) * stride;
    double* d = slope + static_cast<std::int64_t>(atom) * stride;
    for (int m = 0; m < layer.outputs_padded; m += kWidth) {
      VecD derivative;
      VecD a = activate<ACT>(load(y + m) + load(layer.bias + m), layer.threshold, derivative);
      if (layer.idt != nullptr) {
        a *= load(layer.idt + m);
        derivative *= load(layer.idt + m);
      }
      store(y + m, a);
      store(d + m, derivative);
    }
    const double* yi = in + static_cast<std::int64_t>(atom) * in_stride;
    if (layer.shortcut == Shortcut::identity && layer.input_place == nullptr) {
      for (int m = 0; m < layer.outputs_padded; m += kWidth) store(y + m, load(y + m) + load(yi + m));
    } else if (layer.shortcut != Shortcut::none) {
      for (int o = 0; o < layer.outputs; ++o) y[o] += yi[place_of(layer, o % layer.inputs)];
    }
    for (int o = layer.outputs; o < layer.outputs_padded; ++o) {
      y[o] = 0.0;
      d[o] = 0.0;
    }
  }
}

inline void fit(const ModelView& model, int type, int atoms, double* energies, bool gradient, ScratchView& scratch) {
  const NetworkView& net = model.fitting[type];
  const int stride = net.widest;
  const std::int64_t plane = static_cast<std::int64_t>(atoms) * stride;
  const double* in = scratch.fit_input;
  int in_stride = net.layers[0].inputs_padded;
  for (int l = 0; l < net.count; ++l) {
    const LayerView& layer = net.layers[l];
    double* value = scratch.fit_values + l * plane;
    double* slope = scratch.fit_slopes + l * plane;
    gemm(atoms, layer.outputs_padded, layer.inputs_padded, in, in_stride, layer.weights, layer.outputs_padded, value, stride);
    with_activation(layer.activation,
                    [&]<Activation ACT>() { fitting_layer<ACT>(layer, atoms, in, in_stride, value, slope, stride); });
    in = value;
    in_stride = stride;
  }
  for (int atom = 0; atom < atoms; ++atom) energies[atom] = in[static_cast<std::int64_t>(atom) * stride];
  if (!gradient) return;

  // Backward: dy of the output layer is 1 (its only real column), then dx = (dy * slope) W^T + shortcut.
  double* dy = scratch.fit_gradient_a;
  double* dx = scratch.fit_gradient_b;
  const LayerView& top = net.layers[net.count - 1];
  for (int atom = 0; atom < atoms; ++atom) {
    double* row = dy + static_cast<std::int64_t>(atom) * stride;
    for (int m = 0; m < top.outputs_padded; ++m) row[m] = 0.0;
    row[0] = 1.0;
  }
  for (int l = net.count - 1; l >= 0; --l) {
    const LayerView& layer = net.layers[l];
    const double* slope = scratch.fit_slopes + l * plane;
    const bool first = l == 0;
    double* out = first ? scratch.fit_input : dx;
    const int out_stride = first ? layer.inputs_padded : stride;
    // The shortcut needs dy itself, the product needs dy * slope: values of this layer are spent, so their memory holds the latter.
    double* scaled = scratch.fit_values + l * plane;
    for (int atom = 0; atom < atoms; ++atom) {
      const std::int64_t row = static_cast<std::int64_t>(atom) * stride;
      for (int m = 0; m < layer.outputs_padded; m += kWidth) store(scaled + row + m, load(dy + row + m) * load(slope + row + m));
    }
    gemm(atoms, layer.inputs_padded, layer.outputs, scaled, stride, layer.transposed, layer.inputs_padded, out, out_stride);
    if (layer.shortcut != Shortcut::none) {
      for (int atom = 0; atom < atoms; ++atom) {
        const double* d = dy + static_cast<std::int64_t>(atom) * stride;
        double* x = out + static_cast<std::int64_t>(atom) * out_stride;
        for (int o = 0; o < layer.outputs; ++o) x[place_of(layer, o % layer.inputs)] += d[o];
      }
    }
    double* swap = dy;
    dy = dx;
    dx = swap;
  }
}

}  // namespace ionclay::IONCLAY_ISA
