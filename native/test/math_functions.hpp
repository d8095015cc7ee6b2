// SPDX-License-Identifier: MIT
// The elementary functions of one instruction set as plain loops over arrays, so that the comparison itself is compiled for every machine.
#pragma once

namespace ionclay::test {

// Reads n values and writes n values; n need not be a multiple of the vector width.
using Loop = void (*)(const double* in, double* out, int n);

struct MathFunctions {
  int width;
  Loop exp, expm1, tanh, erfc_scaled, softplus, sqrt, round;
};

extern const MathFunctions math_baseline;
#if defined(IONCLAY_HAVE_X86)
extern const MathFunctions math_avx2;
extern const MathFunctions math_avx512;
#elif defined(IONCLAY_HAVE_NEON)
extern const MathFunctions math_neon;
#endif

}  // namespace ionclay::test
