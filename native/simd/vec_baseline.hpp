// SPDX-License-Identifier: MIT
// Plain C++: two lanes, which compilers map to SSE2 or to nothing. No fused multiply-add: a b + c is rounded twice.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ionclay::IONCLAY_ISA {

inline constexpr int kWidth = 2;

struct VecD {
  double lane[2];
};
struct MaskD {
  bool lane[2];
};

inline VecD load(const double* p) { return {{p[0], p[1]}}; }
inline void store(double* p, VecD a) {
  p[0] = a.lane[0];
  p[1] = a.lane[1];
}
inline VecD load_partial(const double* p, int n) { return {{n > 0 ? p[0] : 0.0, n > 1 ? p[1] : 0.0}}; }
inline void store_partial(double* p, VecD a, int n) {
  for (int i = 0; i < n && i < 2; ++i) p[i] = a.lane[i];
}
inline VecD broadcast(double x) { return {{x, x}}; }
inline VecD gather(const double* base, const std::int32_t* index) { return {{base[index[0]], base[index[1]]}}; }

inline VecD operator+(VecD a, VecD b) { return {{a.lane[0] + b.lane[0], a.lane[1] + b.lane[1]}}; }
inline VecD operator-(VecD a, VecD b) { return {{a.lane[0] - b.lane[0], a.lane[1] - b.lane[1]}}; }
inline VecD operator*(VecD a, VecD b) { return {{a.lane[0] * b.lane[0], a.lane[1] * b.lane[1]}}; }
inline VecD operator/(VecD a, VecD b) { return {{a.lane[0] / b.lane[0], a.lane[1] / b.lane[1]}}; }
inline VecD fma(VecD a, VecD b, VecD c) { return a * b + c; }
inline VecD fnma(VecD a, VecD b, VecD c) { return c - a * b; }
inline VecD sqrt(VecD a) { return {{std::sqrt(a.lane[0]), std::sqrt(a.lane[1])}}; }
inline VecD abs(VecD a) { return {{std::fabs(a.lane[0]), std::fabs(a.lane[1])}}; }
inline VecD min(VecD a, VecD b) {
  return {{a.lane[0] < b.lane[0] ? a.lane[0] : b.lane[0], a.lane[1] < b.lane[1] ? a.lane[1] : b.lane[1]}};
}
inline VecD max(VecD a, VecD b) {
  return {{a.lane[0] > b.lane[0] ? a.lane[0] : b.lane[0], a.lane[1] > b.lane[1] ? a.lane[1] : b.lane[1]}};
}
inline VecD round(VecD a) { return {{std::nearbyint(a.lane[0]), std::nearbyint(a.lane[1])}}; }

inline MaskD operator<(VecD a, VecD b) { return {{a.lane[0] < b.lane[0], a.lane[1] < b.lane[1]}}; }
inline MaskD operator<=(VecD a, VecD b) { return {{a.lane[0] <= b.lane[0], a.lane[1] <= b.lane[1]}}; }
inline MaskD operator>(VecD a, VecD b) { return b < a; }
inline MaskD operator>=(VecD a, VecD b) { return b <= a; }
inline MaskD operator&(MaskD a, MaskD b) { return {{a.lane[0] && b.lane[0], a.lane[1] && b.lane[1]}}; }
inline MaskD operator|(MaskD a, MaskD b) { return {{a.lane[0] || b.lane[0], a.lane[1] || b.lane[1]}}; }
inline VecD select(MaskD m, VecD yes, VecD no) {
  return {{m.lane[0] ? yes.lane[0] : no.lane[0], m.lane[1] ? yes.lane[1] : no.lane[1]}};
}
// Bit i is lane i.
inline unsigned bits(MaskD m) { return (m.lane[0] ? 1u : 0u) | (m.lane[1] ? 2u : 0u); }

// Fixed tree: neighbouring lanes first.
inline double reduce_add(VecD a) { return a.lane[0] + a.lane[1]; }

// 2^k for whole k in [-1022, 1023].
inline VecD exp2_whole(VecD k) {
  VecD out;
  for (int i = 0; i < 2; ++i) {
    // 2^52 + 2^51 puts a whole number into the low bits, without the conversion that is undefined for a NaN.
    const double shifted = k.lane[i] + 6755399441055744.0;
    std::uint64_t word;
    std::memcpy(&word, &shifted, 8);
    word = (word + 1023) << 52;
    std::memcpy(&out.lane[i], &word, 8);
  }
  return out;
}

}  // namespace ionclay::IONCLAY_ISA
