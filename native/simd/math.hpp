// SPDX-License-Identifier: MIT
// Elementary functions on the vector layer. Errors are in units in the last place (ulp) against a 50-digit
// evaluation; native/test measures them.
#pragma once

#include <cmath>

#include "native/simd/vec.hpp"

namespace ionclay::IONCLAY_ISA {

// exp(r) - 1 for |r| <= ln 2 / 2 by its Taylor series: the first term left out is 4e-18 of the result.
inline VecD expm1_reduced(VecD r) {
  VecD p = broadcast(1.0 / 6227020800.0);
  p = fma(p, r, broadcast(1.0 / 479001600.0));
  p = fma(p, r, broadcast(1.0 / 39916800.0));
  p = fma(p, r, broadcast(1.0 / 3628800.0));
  p = fma(p, r, broadcast(1.0 / 362880.0));
  p = fma(p, r, broadcast(1.0 / 40320.0));
  p = fma(p, r, broadcast(1.0 / 5040.0));
  p = fma(p, r, broadcast(1.0 / 720.0));
  p = fma(p, r, broadcast(1.0 / 120.0));
  p = fma(p, r, broadcast(1.0 / 24.0));
  p = fma(p, r, broadcast(1.0 / 6.0));
  p = fma(p, r, broadcast(0.5));
  return fma(p * r, r, r);
}

// x = k ln 2 + r, k whole; ln 2 in two parts so that r is exact to the last bit (Cody and Waite).
inline VecD reduce_exponent(VecD x, VecD& k) {
  k = round(x * broadcast(1.4426950408889634074));
  const VecD r = fnma(k, broadcast(6.93147180369123816490e-01), x);
  return fnma(k, broadcast(1.90821492927058770002e-10), r);
}

// Everywhere below, min and max return their second argument where one is not a number, and are called so that it is x: a NaN goes in,
// a NaN comes out, never a plausible number.

// 2 ulp for -708 < x < 709; clamped outside (2e-308 and 8e307).
inline VecD exp(VecD x) {
  VecD k;
  const VecD r = reduce_exponent(min(broadcast(709.0), max(broadcast(-708.0), x)), k);
  return fma(exp2_whole(k), expm1_reduced(r), exp2_whole(k));
}

// exp(x) - 1, accurate for small x as well: 3 ulp.
inline VecD expm1(VecD x) {
  VecD k;
  const VecD r = reduce_exponent(min(broadcast(709.0), max(broadcast(-708.0), x)), k);
  const VecD scale = exp2_whole(k);
  return fma(scale, expm1_reduced(r), scale - broadcast(1.0));
}

// tanh |x| = e/(e + 2), e = exp(2|x|) - 1: 4 ulp everywhere.
inline VecD tanh(VecD x) {
  const VecD e = expm1(min(broadcast(20.0), abs(x)) * broadcast(2.0));
  const VecD t = e / (e + broadcast(2.0));
  return select(x < broadcast(0.0), -t, t);
}

// The same in single precision. ln 2 = 0.693359375 - 2.12e-4, the first part with few bits; the first term left out of the series is
// 5e-9 of the result. 2 ulp, clamped outside -87 < x < 88.
inline VecF expm1_reduced(VecF r) {
  VecF p = broadcast(1.0f / 5040.0f);
  p = fma(p, r, broadcast(1.0f / 720.0f));
  p = fma(p, r, broadcast(1.0f / 120.0f));
  p = fma(p, r, broadcast(1.0f / 24.0f));
  p = fma(p, r, broadcast(1.0f / 6.0f));
  p = fma(p, r, broadcast(0.5f));
  return fma(p * r, r, r);
}

inline VecF reduce_exponent(VecF x, VecF& k) {
  k = round(x * broadcast(1.44269504f));
  const VecF r = fnma(k, broadcast(0.693359375f), x);
  return fnma(k, broadcast(-2.12194440e-4f), r);
}

inline VecF exp(VecF x) {
  VecF k;
  const VecF r = reduce_exponent(min(broadcast(88.0f), max(broadcast(-87.0f), x)), k);
  return fma(exp2_whole(k), expm1_reduced(r), exp2_whole(k));
}

inline VecF expm1(VecF x) {
  VecF k;
  const VecF r = reduce_exponent(min(broadcast(88.0f), max(broadcast(-87.0f), x)), k);
  const VecF scale = exp2_whole(k);
  return fma(scale, expm1_reduced(r), scale - broadcast(1.0f));
}

inline VecF tanh(VecF x) {
  const VecF e = expm1(min(broadcast(10.0f), abs(x)) * broadcast(2.0f));
  const VecF t = e / (e + broadcast(2.0f));
  return select(x < broadcast(0.0f), -t, t);
}

// One call of the C library a lane, for functions that are rare in models.
template <class Function>
inline VecD per_lane(VecD x, Function function) {
  double lanes[kWidth];
  store(lanes, x);
  for (int i = 0; i < kWidth; ++i) lanes[i] = function(lanes[i]);
  return load(lanes);
}

// ln(1 + e^x) without overflow for large x.
inline VecD softplus(VecD x) {
  const VecD tail = per_lane(exp(-abs(x)), [](double e) { return std::log1p(e); });
  return max(broadcast(0.0), x) + tail;
}

inline VecF softplus(VecF x) {
  float lanes[kWidthF];
  store(lanes, exp(-abs(x)));
  for (int i = 0; i < kWidthF; ++i) lanes[i] = std::log1p(lanes[i]);
  return max(broadcast(0.0f), x) + load(lanes);
}

}  // namespace ionclay::IONCLAY_ISA
