// SPDX-License-Identifier: MIT
#define IONCLAY_ISA avx2
#define IONCLAY_ISA_AVX2
#include "native/potential/pair/pair.kernel.hpp"

namespace ionclay::pair::kernels {
const Block avx2 = &ionclay::avx2::pair_block;
}
