// SPDX-License-Identifier: MIT
// The elementary functions of one instruction set as plain loops over arrays, so that the comparison itself is compiled for every machine.
#pragma once

#include <cstdint>

namespace ionclay::test {

// Reads n values and writes n values; n need not be a multiple of the vector width.
using Loop = void (*)(const double* in, double* out, int n);

using LoopF = void (*)(const float* in, float* out, int n);

// Operations that move lanes about, on one vector (or one from each pointer).
struct LaneFunctions {
  double (*reduce_add)(const double* a);
  // Four vectors one after the other, four sums.
  void (*reduce_add4)(const double* vectors, double* sums);
  void (*reduce_add4_f)(const float* vectors, double* sums);
  // width_f floats to as many doubles and back.
  void (*widen)(const float* in, double* out);
  void (*narrow)(const double* in, float* out);
  void (*compress_store)(const double* a, unsigned bits, double* out);
  void (*gather)(const double* base, const std::int32_t* index, double* out);
  // Bits of a < b, a <= b, a > b, a >= b, (a < b) & (a > 0), (a < b) | (a > 0).
  void (*compare)(const double* a, const double* b, unsigned* out);
  // a < b ? a : b by select; min(a, b); max(a, b).
  void (*choose)(const double* a, const double* b, double* out);
  void (*choose_f)(const float* a, const float* b, float* out);
};

struct MathFunctions {
  int width, width_f;
  Loop exp, expm1, tanh, erfc_scaled, softplus, sqrt, round;
  LoopF exp_f, expm1_f, tanh_f, softplus_f, round_f;
  LaneFunctions lanes;
};

extern const MathFunctions math_baseline;
#if defined(IONCLAY_HAVE_X86)
extern const MathFunctions math_avx2;
extern const MathFunctions math_avx512;
#elif defined(IONCLAY_HAVE_NEON)
extern const MathFunctions math_neon;
#endif

}  // namespace ionclay::test
