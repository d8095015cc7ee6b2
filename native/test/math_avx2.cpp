// SPDX-License-Identifier: MIT
#define IONCLAY_ISA avx2
#define IONCLAY_ISA_AVX2
#include "native/test/math_functions.kernel.hpp"

namespace ionclay::test {
const MathFunctions math_avx2 = ionclay::avx2::kMathFunctions;
}
