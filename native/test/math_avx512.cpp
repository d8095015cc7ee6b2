// SPDX-License-Identifier: MIT
#define IONCLAY_ISA avx512
#define IONCLAY_ISA_AVX512
#include "native/test/math_functions.kernel.hpp"

namespace ionclay::test {
const MathFunctions math_avx512 = ionclay::avx512::kMathFunctions;
}
