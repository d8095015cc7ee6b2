// SPDX-License-Identifier: MIT
#define IONCLAY_ISA baseline
#define IONCLAY_ISA_BASELINE
#include "native/test/math_functions.kernel.hpp"

namespace ionclay::test {
const MathFunctions math_baseline = ionclay::baseline::kMathFunctions;
}
