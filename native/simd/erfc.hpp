// SPDX-License-Identifier: MIT
// Complementary error function on the vector layer.
#pragma once

#include "native/simd/math.hpp"

namespace ionclay::IONCLAY_ISA {

// exp(x^2) erfc(x) for 0 <= x <= 7 (coulomb.md 19.2): P(t)/(1 + 2x), t = (x - 3)/(x + 3), P the Chebyshev interpolant of degree 18
// worked out with 60 digits: 4e-16 relative. Arguments beyond 7 are taken as 7: times exp(-x^2) that is still within 2e-23 of erfc.
inline VecD erfc_scaled(VecD argument) {
  const VecD x = min(broadcast(7.0), argument);  // in this order a NaN stays one
  const VecD plus = x + broadcast(3.0);
  const VecD line = fma(x, broadcast(2.0), broadcast(1.0));
  const VecD inverse = broadcast(1.0) / (plus * line);  // one division for both quotients
  const VecD t = (x - broadcast(3.0)) * line * inverse;
  VecD p = broadcast(-5.322737206228816e-08);
  p = fma(p, t, broadcast(-7.789911895117765e-08));
  p = fma(p, t, broadcast(1.0673199800220656e-06));
  p = fma(p, t, broadcast(3.769392171338369e-06));
  p = fma(p, t, broadcast(-9.166206367572973e-07));
  p = fma(p, t, broadcast(-2.033205189381517e-05));
  p = fma(p, t, broadcast(4.910597129103884e-06));
  p = fma(p, t, broadcast(0.00012514563807274707));
  p = fma(p, t, broadcast(-0.0001051400678384232));
  p = fma(p, t, broadcast(-0.0007798355392232788));
  p = fma(p, t, broadcast(0.0018886874926964917));
  p = fma(p, t, broadcast(0.0025293917900904594));
  p = fma(p, t, broadcast(-0.023770514724352397));
  p = fma(p, t, broadcast(0.06830802735655538));
  p = fma(p, t, broadcast(-0.11927366342155826));
  p = fma(p, t, broadcast(0.12964515870232923));
  p = fma(p, t, broadcast(-0.047562294353372184));
  p = fma(p, t, broadcast(-0.13562110612457792));
  p = fma(p, t, broadcast(1.2530080582697294));
  return p * plus * inverse;
}

}  // namespace ionclay::IONCLAY_ISA
