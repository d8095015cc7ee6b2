// SPDX-License-Identifier: MIT
#define IONCLAY_ISA neon
#define IONCLAY_ISA_NEON
#include "native/potential/deep_potential/block.kernel.hpp"

namespace ionclay::deep_potential::kernels {
const Kernel neon = {ionclay::neon::embed, ionclay::neon::fit, ionclay::neon::block};
}
