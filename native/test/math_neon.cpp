// SPDX-License-Identifier: MIT
#define IONCLAY_ISA neon
#define IONCLAY_ISA_NEON
#include "native/test/math_functions.kernel.hpp"

namespace ionclay::test {
const MathFunctions math_neon = ionclay::neon::kMathFunctions;
}
