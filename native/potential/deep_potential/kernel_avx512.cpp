// SPDX-License-Identifier: MIT
#define IONCLAY_ISA avx512
#define IONCLAY_ISA_AVX512
#include "native/potential/deep_potential/block.kernel.hpp"

namespace ionclay::deep_potential::kernels {
const Kernel avx512 = {ionclay::avx512::embed, ionclay::avx512::fit, ionclay::avx512::block};
}
