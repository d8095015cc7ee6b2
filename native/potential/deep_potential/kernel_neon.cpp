// SPDX-License-Identifier: MIT
#define IONCLAY_ISA neon
#define IONCLAY_ISA_NEON
#include "native/potential/deep_potential/block.kernel.hpp"

namespace ionclay::deep_potential::kernels {
const Kernels neon = {IONCLAY_KERNEL(double), IONCLAY_KERNEL(float)};
}
