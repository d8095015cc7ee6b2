// SPDX-License-Identifier: MIT
#define IONCLAY_ISA neon
#define IONCLAY_ISA_NEON
#include "native/potential/pair/pair.kernel.hpp"

namespace ionclay::pair::kernels {
const Block neon = &ionclay::neon::pair_block;
}
