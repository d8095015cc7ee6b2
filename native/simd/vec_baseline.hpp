// SPDX-License-Identifier: MIT
// Plain C++: two doubles, four floats, which compilers map to SSE2 or to nothing. No fused multiply-add: a b + c is rounded twice.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace ionclay::IONCLAY_ISA {

inline constexpr int kWidth = 2;
inline constexpr int kWidthF = 4;

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

struct VecF {
  float lane[4];
};
struct MaskF {
  bool lane[4];
};

template <class Function>
inline VecF lanes_of(Function function) {
  return {{function(0), function(1), function(2), function(3)}};
}
inline VecF load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
inline void store(float* p, VecF a) {
  for (int i = 0; i < 4; ++i) p[i] = a.lane[i];
}
inline VecF broadcast(float x) { return {{x, x, x, x}}; }

inline VecF operator+(VecF a, VecF b) {
  return lanes_of([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline VecF operator-(VecF a, VecF b) {
  return lanes_of([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline VecF operator*(VecF a, VecF b) {
  return lanes_of([&](int i) { return a.lane[i] * b.lane[i]; });
}
inline VecF operator/(VecF a, VecF b) {
  return lanes_of([&](int i) { return a.lane[i] / b.lane[i]; });
}
inline VecF fma(VecF a, VecF b, VecF c) { return a * b + c; }
inline VecF fnma(VecF a, VecF b, VecF c) { return c - a * b; }
inline VecF abs(VecF a) {
  return lanes_of([&](int i) { return std::fabs(a.lane[i]); });
}
inline VecF min(VecF a, VecF b) {
  return lanes_of([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline VecF max(VecF a, VecF b) {
  return lanes_of([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline VecF round(VecF a) {
  return lanes_of([&](int i) { return std::nearbyint(a.lane[i]); });
}

inline MaskF operator<(VecF a, VecF b) {
  return {{a.lane[0] < b.lane[0], a.lane[1] < b.lane[1], a.lane[2] < b.lane[2], a.lane[3] < b.lane[3]}};
}
inline MaskF operator>(VecF a, VecF b) { return b < a; }
inline MaskF operator&(MaskF a, MaskF b) {
  return {{a.lane[0] && b.lane[0], a.lane[1] && b.lane[1], a.lane[2] && b.lane[2], a.lane[3] && b.lane[3]}};
}
inline VecF select(MaskF m, VecF yes, VecF no) {
  return lanes_of([&](int i) { return m.lane[i] ? yes.lane[i] : no.lane[i]; });
}

// Lanes 0..kWidth-1 and kWidth..2 kWidth-1.
inline VecD low_half(VecF a) { return {{a.lane[0], a.lane[1]}}; }
inline VecD high_half(VecF a) { return {{a.lane[2], a.lane[3]}}; }
inline VecF narrow(VecD low, VecD high) {
  return {{static_cast<float>(low.lane[0]), static_cast<float>(low.lane[1]), static_cast<float>(high.lane[0]),
           static_cast<float>(high.lane[1])}};
}

// 2^k for whole k in [-126, 127].
inline VecF exp2_whole(VecF k) {
  VecF out;
  for (int i = 0; i < 4; ++i) {
    // 2^23 + 2^22 puts a whole number into the low bits, without the conversion that is undefined for a NaN.
    const float shifted = k.lane[i] + 12582912.0f;
    std::uint32_t word;
    std::memcpy(&word, &shifted, 4);
    word = (word + 127) << 23;
    std::memcpy(&out.lane[i], &word, 4);
  }
  return out;
}

// Sums of four vectors at once: out[i] = sum of the lanes of the i-th.
inline void reduce_add4(VecD a, VecD b, VecD c, VecD d, double* out) {
  out[0] = reduce_add(a);
  out[1] = reduce_add(b);
  out[2] = reduce_add(c);
  out[3] = reduce_add(d);
}
inline void reduce_add4(VecF a, VecF b, VecF c, VecF d, double* out) {
  const VecF all[4] = {a, b, c, d};
  for (int i = 0; i < 4; ++i) out[i] = (all[i].lane[0] + all[i].lane[1]) + (all[i].lane[2] + all[i].lane[3]);
}

// Writes the lanes whose bit is set one after the other; what lies behind them up to a whole vector may be overwritten.
inline void compress_store(double* p, VecD a, unsigned bits) {
  p[0] = a.lane[(bits & 1) != 0 ? 0 : 1];
  p[1] = a.lane[1];
}

}  // namespace ionclay::IONCLAY_ISA
