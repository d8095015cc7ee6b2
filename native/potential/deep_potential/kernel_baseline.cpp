// SPDX-License-Identifier: MIT
#define IONCLAY_ISA baseline
#define IONCLAY_ISA_BASELINE
#include "native/potential/deep_potential/block.kernel.hpp"

namespace ionclay::deep_potential::kernels {
const Kernels baseline = {IONCLAY_KERNEL(double), IONCLAY_KERNEL(float)};
}
