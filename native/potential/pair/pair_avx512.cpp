// SPDX-License-Identifier: MIT
#define IONCLAY_ISA avx512
#define IONCLAY_ISA_AVX512
#include "native/potential/pair/pair.kernel.hpp"

namespace ionclay::pair::kernels {
const Block avx512 = &ionclay::avx512::pair_block;
}
