// SPDX-License-Identifier: MIT
#define IONCLAY_ISA baseline
#define IONCLAY_ISA_BASELINE
#include "native/potential/pair/pair.kernel.hpp"

namespace ionclay::pair::kernels {
const Block baseline = &ionclay::baseline::pair_block;
}
