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

template <class Real>
inline int place_of(const LayerView<Real>& layer, int input) {
  return layer.input_place != nullptr ? layer.input_place[input] : input;
}

// y W on entry in `value`; act(.) idt + shortcut on return, d act idt in `slope`.
template <class Real, Activation ACT>
inline void fitting_layer(const LayerView<Real>& layer, int atoms, const Real* in, int in_stride, Real* value, Real* slope,
                          int stride) {
  constexpr int kL = kLanes<Real>;
  for (int atom = 0; atom < atoms; ++atom) {
    Real* y = value + static_cast<std::int64_t>(atom) * stride;
    Real* d = slope + static_cast<std::int64_t>(atom) * stride;
    const Real* yi = in + static_cast<std::int64_t>(atom) * in_stride;
    const bool straight = layer.shortcut == Shortcut::identity && layer.input_place == nullptr;
    for (int m = 0; m < layer.outputs_padded; m += kL) {
      Vec<Real> derivative;
      Vec<Real> a = activate<Real, ACT>(load(y + m) + load(layer.bias + m), layer.threshold, derivative);
      if (layer.idt != nullptr) {
        a *= load(layer.idt + m);
        derivative *= load(layer.idt + m);
      }
      store(y + m, straight ? a + load(yi + m) : a);
      store(d + m, derivative);
    }
    if (!straight && layer.shortcut != Shortcut::none) {
      for (int o = 0; o < layer.outputs; ++o) y[o] += yi[place_of(layer, o % layer.inputs)];
    }
    for (int o = layer.outputs; o < layer.outputs_padded; ++o) {
      y[o] = 0;
      d[o] = 0;
    }
  }
}

// The last layer without activation: its one column in double, so that the energy keeps what the layers before it gave.
template <class Real>
inline void output_layer(const LayerView<Real>& layer, int atoms, const Real* in, int in_stride, int strip, Real* slope,
                         int stride, double* energies) {
  // Column 0 of a packed matrix lies at the left of the first strip.
  const int columns = layer.outputs_padded < strip ? layer.outputs_padded : strip;
  for (int atom = 0; atom < atoms; ++atom) {
    const Real* y = in + static_cast<std::int64_t>(atom) * in_stride;
    double sum = 0.0;
    for (int k = 0; k < layer.inputs_padded; ++k)
      sum += static_cast<double>(y[k]) * static_cast<double>(layer.weights[static_cast<std::int64_t>(k) * columns]);
    sum += static_cast<double>(layer.bias[0]);
    const double scale = layer.idt != nullptr ? static_cast<double>(layer.idt[0]) : 1.0;
    energies[atom] = sum * scale;
    if (layer.shortcut != Shortcut::none) energies[atom] += static_cast<double>(y[place_of(layer, 0)]);
    Real* d = slope + static_cast<std::int64_t>(atom) * stride;
    for (int m = 0; m < layer.outputs_padded; ++m) d[m] = 0;
    d[0] = static_cast<Real>(scale);
  }
}

template <class Real>
inline void fit(const ModelView<Real>& model, int type, int atoms, double* energies, bool gradient, ScratchView<Real>& scratch) {
  constexpr int kL = kLanes<Real>;
  const NetworkView<Real>& net = model.fitting[type];
  const int stride = net.widest;
  const std::int64_t plane = static_cast<std::int64_t>(atoms) * stride;
  const Real* in = scratch.fit_input;
  int in_stride = model.inputs_padded;
  for (int l = 0; l < net.count; ++l) {
    const LayerView<Real>& layer = net.layers[l];
    Real* value = scratch.fit_values + l * plane;
    Real* slope = scratch.fit_slopes + l * plane;
    if (l + 1 == net.count && layer.activation == Activation::linear) {
      output_layer(layer, atoms, in, in_stride, kStrip<Real>, slope, stride, energies);
      break;
    }
    gemm(atoms, layer.outputs_padded, layer.inputs_padded, in, in_stride, layer.weights, value, stride);
    with_activation(layer.activation,
                    [&]<Activation ACT>() { fitting_layer<Real, ACT>(layer, atoms, in, in_stride, value, slope, stride); });
    in = value;
    in_stride = stride;
    if (l + 1 == net.count) {
      for (int atom = 0; atom < atoms; ++atom) energies[atom] = static_cast<double>(in[static_cast<std::int64_t>(atom) * stride]);
    }
  }
  if (!gradient) return;

  // Backward: dy of the output layer is 1 (its only real column), then dx = (dy * slope) W^T + shortcut.
  Real* dy = scratch.fit_gradient_a;
  Real* dx = scratch.fit_gradient_b;
  const LayerView<Real>& top = net.layers[net.count - 1];
  for (int atom = 0; atom < atoms; ++atom) {
    Real* row = dy + static_cast<std::int64_t>(atom) * stride;
    for (int m = 0; m < top.outputs_padded; ++m) row[m] = 0;
    row[0] = 1;
  }
  for (int l = net.count - 1; l >= 0; --l) {
    const LayerView<Real>& layer = net.layers[l];
    const Real* slope = scratch.fit_slopes + l * plane;
    const bool first = l == 0;
    Real* out = first ? scratch.fit_input : dx;
    const int out_stride = first ? model.inputs_padded : stride;
    // The shortcut needs dy itself, the product needs dy * slope: values of this layer are spent, so their memory holds the latter.
    Real* scaled = scratch.fit_values + l * plane;
    for (int atom = 0; atom < atoms; ++atom) {
      const std::int64_t row = static_cast<std::int64_t>(atom) * stride;
      for (int m = 0; m < layer.outputs_padded; m += kL) store(scaled + row + m, load(dy + row + m) * load(slope + row + m));
    }
    gemm(atoms, layer.inputs_padded, layer.outputs, scaled, stride, layer.transposed, out, out_stride);
    if (layer.shortcut != Shortcut::none) {
      for (int atom = 0; atom < atoms; ++atom) {
        const Real* d = dy + static_cast<std::int64_t>(atom) * stride;
        Real* x = out + static_cast<std::int64_t>(atom) * out_stride;
        for (int o = 0; o < layer.outputs; ++o) x[place_of(layer, o % layer.inputs)] += d[o];
      }
    }
    Real* swap = dy;
    dy = dx;
    dx = swap;
  }
}

}  // namespace ionclay::IONCLAY_ISA
