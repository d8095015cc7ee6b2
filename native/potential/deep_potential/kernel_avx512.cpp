// SPDX-License-Identifier: MIT
#define IONCLAY_ISA avx512
#define IONCLAY_ISA_AVX512
#include "native/potential/deep_potential/block.kernel.hpp"

namespace ionclay::deep_potential::kernels {
const Kernels avx512 = {IONCLAY_KERNEL(double), IONCLAY_KERNEL(float)};
}
