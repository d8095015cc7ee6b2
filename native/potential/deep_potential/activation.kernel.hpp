// SPDX-License-Identifier: MIT
// Activations of deep-potential.md 1.6, value and slope together.
#pragma once

#include "native/potential/deep_potential/view.hpp"
#include "native/simd/math.hpp"

namespace ionclay::IONCLAY_ISA {

using deep_potential::Activation;

template <class Real>
inline Vec<Real> logistic(Vec<Real> x) {
  // e^-|x| never overflows; both branches from it.
  const Vec<Real> e = exp(-abs(x));
  const Vec<Real> one = splat<Real>(1.0);
  return select(x < splat<Real>(0.0), e, one) / (one + e);
}

template <class Real, Activation ACT>
inline Vec<Real> activate(Vec<Real> x, double threshold, Vec<Real>& slope) {
  using V = Vec<Real>;
  const V zero = splat<Real>(0.0);
  const V one = splat<Real>(1.0);
  if constexpr (ACT == Activation::tanh) {
    const V y = tanh(x);
    slope = fnma(y, y, one);
    return y;
  } else if constexpr (ACT == Activation::gelu) {
    const V a = splat<Real>(0.79788456080286535588);  // sqrt(2/pi)
    const V b = splat<Real>(0.044715);
    const V x2 = x * x;
    const V t = tanh(a * x * fma(b, x2, one));
    const V inner = a * fma(splat<Real>(3.0) * b, x2, one);
    const V half = splat<Real>(0.5);
    slope = half * (one + t) + half * x * fnma(t, t, one) * inner;
    return half * x * (one + t);
  } else if constexpr (ACT == Activation::relu) {
    slope = select(x > zero, one, zero);
    return max(zero, x);
  } else if constexpr (ACT == Activation::relu6) {
    const V six = splat<Real>(6.0);
    slope = select((x > zero) & (x < six), one, zero);
    return min(six, max(zero, x));
  } else if constexpr (ACT == Activation::softplus) {
    slope = logistic<Real>(x);
    return softplus(x);
  } else if constexpr (ACT == Activation::sigmoid) {
    const V s = logistic<Real>(x);
    slope = s * (one - s);
    return s;
  } else if constexpr (ACT == Activation::silu) {
    const V s = logistic<Real>(x);
    slope = s + x * s * (one - s);
    return x * s;
  } else if constexpr (ACT == Activation::silut) {
    const V t = splat<Real>(threshold);
    const V st = logistic<Real>(t);
    const V k = st + t * st * (one - st);
    const V s = logistic<Real>(x);
    const V above = tanh(k * (x - t));
    const auto low = x < t;
    slope = select(low, s + x * s * (one - s), k * fnma(above, above, one));
    return select(low, x * s, above + t * st);
  } else {
    slope = one;
    return x;
  }
}

// Calls body.template operator()<ACT>() for the activation at hand: one switch a row block, none in the loops.
template <class Body>
inline void with_activation(Activation activation, Body&& body) {
  switch (activation) {
    case Activation::tanh: return body.template operator()<Activation::tanh>();
    case Activation::gelu: return body.template operator()<Activation::gelu>();
    case Activation::relu: return body.template operator()<Activation::relu>();
    case Activation::relu6: return body.template operator()<Activation::relu6>();
    case Activation::softplus: return body.template operator()<Activation::softplus>();
    case Activation::sigmoid: return body.template operator()<Activation::sigmoid>();
    case Activation::silu: return body.template operator()<Activation::silu>();
    case Activation::silut: return body.template operator()<Activation::silut>();
    default: return body.template operator()<Activation::linear>();
  }
}

}  // namespace ionclay::IONCLAY_ISA
