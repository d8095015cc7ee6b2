// SPDX-License-Identifier: MIT
// Body of math_<isa>.cpp: loops over whole vectors, then a partial one, as kernels do.
#pragma once

#include "native/simd/erfc.hpp"
#include "native/simd/math.hpp"
#include "native/test/math_functions.hpp"

namespace ionclay::IONCLAY_ISA {

template <VecD (*function)(VecD)>
void loop(const double* in, double* out, int n) {
  int i = 0;
  for (; i + kWidth <= n; i += kWidth) store(out + i, function(load(in + i)));
  if (i < n) store_partial(out + i, function(load_partial(in + i, n - i)), n - i);
}

inline constexpr test::MathFunctions kMathFunctions = {kWidth,         loop<exp>,  loop<expm1>, loop<tanh>, loop<erfc_scaled>,
                                                       loop<softplus>, loop<sqrt>, loop<round>};

}  // namespace ionclay::IONCLAY_ISA
