// SPDX-License-Identifier: MIT
#define IONCLAY_ISA avx2
#define IONCLAY_ISA_AVX2
#include "native/potential/deep_potential/block.kernel.hpp"

namespace ionclay::deep_potential::kernels {
const Kernels avx2 = {IONCLAY_KERNEL(double), IONCLAY_KERNEL(float)};
}
