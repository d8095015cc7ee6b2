// SPDX-License-Identifier: MIT
// Body of math_<isa>.cpp: loops over whole vectors, then a partial one, as kernels do.
#pragma once

#include "native/simd/erfc.hpp"
#include "native/simd/math.hpp"
#include "native/test/math_functions.hpp"

namespace ionclay::IONCLAY_ISA {

template <VecD (*function)(VecD)>
void loop(const double* in, double* out, int n) {
  int i = 0;
  for (; i + kWidth <= n; i += kWidth) store(out + i, function(load(in + i)));
  if (i < n) store_partial(out + i, function(load_partial(in + i, n - i)), n - i);
}

template <VecF (*function)(VecF)>
void loop(const float* in, float* out, int n) {
  int i = 0;
  for (; i + kWidthF <= n; i += kWidthF) store(out + i, function(load(in + i)));
  // Floats have no partial vectors: kernels pad their arrays.
  float rest[kWidthF] = {};
  if (i == n) return;
  for (int k = i; k < n; ++k) rest[k - i] = in[k];
  store(rest, function(load(rest)));
  for (int k = i; k < n; ++k) out[k] = rest[k - i];
}

inline double lanes_reduce_add(const double* a) { return reduce_add(load(a)); }

inline void lanes_reduce_add4(const double* v, double* sums) {
  reduce_add4(load(v), load(v + kWidth), load(v + 2 * kWidth), load(v + 3 * kWidth), sums);
}

inline void lanes_reduce_add4_f(const float* v, double* sums) {
  reduce_add4(load(v), load(v + kWidthF), load(v + 2 * kWidthF), load(v + 3 * kWidthF), sums);
}

inline void lanes_widen(const float* in, double* out) {
  store(out, low_half(load(in)));
  store(out + kWidth, high_half(load(in)));
}

inline void lanes_narrow(const double* in, float* out) { store(out, narrow(load(in), load(in + kWidth))); }

inline void lanes_compress_store(const double* a, unsigned set, double* out) { compress_store(out, load(a), set); }

inline void lanes_gather(const double* base, const std::int32_t* index, double* out) { store(out, gather(base, index)); }

inline void lanes_compare(const double* pa, const double* pb, unsigned* out) {
  const VecD a = load(pa), b = load(pb), zero = broadcast(0.0);
  const unsigned results[6] = {
      bits(a < b), bits(a <= b), bits(a > b), bits(a >= b), bits((a < b) & (a > zero)), bits((a < b) | (a > zero))};
  for (int i = 0; i < 6; ++i) out[i] = results[i];
}

inline void lanes_choose(const double* pa, const double* pb, double* out) {
  const VecD a = load(pa), b = load(pb);
  store(out, select(a < b, a, b));
  store(out + kWidth, min(a, b));
  store(out + 2 * kWidth, max(a, b));
}

inline void lanes_choose_f(const float* pa, const float* pb, float* out) {
  const VecF a = load(pa), b = load(pb);
  store(out, select((a < b) & (b > a), a, b));
  store(out + kWidthF, min(a, b));
  store(out + 2 * kWidthF, max(a, b));
}

inline constexpr test::LaneFunctions kLaneFunctions = {lanes_reduce_add, lanes_reduce_add4,    lanes_reduce_add4_f, lanes_widen,
                                                       lanes_narrow,     lanes_compress_store, lanes_gather,        lanes_compare,
                                                       lanes_choose,     lanes_choose_f};

inline constexpr test::MathFunctions kMathFunctions = {
    kWidth,      kWidthF,   loop<exp>,   loop<expm1>, loop<tanh>,     loop<erfc_scaled>, loop<softplus>, loop<sqrt>,
    loop<round>, loop<exp>, loop<expm1>, loop<tanh>,  loop<softplus>, loop<round>,       kLaneFunctions};

}  // namespace ionclay::IONCLAY_ISA
