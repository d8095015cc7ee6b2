// SPDX-License-Identifier: MIT
#define IONCLAY_ISA avx2
#define IONCLAY_ISA_AVX2
#include "native/potential/deep_potential/block.kernel.hpp"

namespace ionclay::deep_potential::kernels {
const Kernel avx2 = {ionclay::avx2::embed, ionclay::avx2::fit, ionclay::avx2::block};
}
