// SPDX-License-Identifier: MIT
// The portable vector layer. A kernel file defines IONCLAY_ISA (the name of its namespace) and one of IONCLAY_ISA_BASELINE,
// IONCLAY_ISA_AVX2, IONCLAY_ISA_AVX512, IONCLAY_ISA_NEON, then includes this. Everything lives in ionclay::IONCLAY_ISA, and nothing
// inline or templated from outside is used in kernels: otherwise the linker could hand an AVX-512 body to a baseline caller.
//
// VecD: kWidth doubles, VecF: kWidthF = 2 kWidth floats; MaskD, MaskF: one truth value a lane. fma(a, b, c) = a b + c, fused where the
// hardware fuses.
// min(a, b) and max(a, b) return b where one of them is not a number, on every instruction set.
#pragma once

#if defined(IONCLAY_ISA_AVX512)
#include "native/simd/vec_avx512.hpp"
#elif defined(IONCLAY_ISA_AVX2)
#include "native/simd/vec_avx2.hpp"
#elif defined(IONCLAY_ISA_NEON)
#include "native/simd/vec_neon.hpp"
#else
#include "native/simd/vec_baseline.hpp"
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

namespace ionclay::IONCLAY_ISA {

inline VecD& operator+=(VecD& a, VecD b) { return a = a + b; }
inline VecD& operator-=(VecD& a, VecD b) { return a = a - b; }
inline VecD& operator*=(VecD& a, VecD b) { return a = a * b; }
inline VecD operator-(VecD a) { return broadcast(0.0) - a; }
inline VecF& operator+=(VecF& a, VecF b) { return a = a + b; }
inline VecF& operator-=(VecF& a, VecF b) { return a = a - b; }
inline VecF& operator*=(VecF& a, VecF b) { return a = a * b; }
inline VecF operator-(VecF a) { return broadcast(0.0f) - a; }

// Asks for the cache line at p; any address will do.
inline void prefetch(const void* p) {
#if defined(_MSC_VER) && !defined(__clang__)
#if defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0);
#else
  __prefetch(p);
#endif
#else
  __builtin_prefetch(p);
#endif
}

// Kernels of both precisions are one body: Vec<Real> has kLanes<Real> lanes, splat<Real>(x) fills one.
template <class Real>
struct VectorOf;
template <>
struct VectorOf<double> {
  using type = VecD;
  static constexpr int kLanes = kWidth;
};
template <>
struct VectorOf<float> {
  using type = VecF;
  static constexpr int kLanes = kWidthF;
};
template <class Real>
using Vec = typename VectorOf<Real>::type;
template <class Real>
inline constexpr int kLanes = VectorOf<Real>::kLanes;
template <class Real>
inline Vec<Real> splat(double x) {
  return broadcast(static_cast<Real>(x));
}

}  // namespace ionclay::IONCLAY_ISA
