// SPDX-License-Identifier: MIT
// The portable vector layer. A kernel file defines IONCLAY_ISA (the name of its namespace) and one of IONCLAY_ISA_BASELINE,
// IONCLAY_ISA_AVX2, IONCLAY_ISA_AVX512, IONCLAY_ISA_NEON, then includes this. Everything lives in ionclay::IONCLAY_ISA, and nothing
// inline or templated from outside is used in kernels: otherwise the linker could hand an AVX-512 body to a baseline caller.
//
// VecD: kWidth doubles. MaskD: one truth value a lane. fma(a, b, c) = a b + c, fused where the hardware fuses.
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

namespace ionclay::IONCLAY_ISA {

inline VecD& operator+=(VecD& a, VecD b) { return a = a + b; }
inline VecD& operator-=(VecD& a, VecD b) { return a = a - b; }
inline VecD& operator*=(VecD& a, VecD b) { return a = a * b; }
inline VecD operator-(VecD a) { return broadcast(0.0) - a; }

}  // namespace ionclay::IONCLAY_ISA
