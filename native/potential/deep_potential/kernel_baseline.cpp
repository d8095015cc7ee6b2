// SPDX-License-Identifier: MIT
#define IONCLAY_ISA baseline
#define IONCLAY_ISA_BASELINE
#include "native/potential/deep_potential/block.kernel.hpp"

namespace ionclay::deep_potential::kernels {
const Kernel baseline = {ionclay::baseline::embed, ionclay::baseline::fit, ionclay::baseline::block};
}
