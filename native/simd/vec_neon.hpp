// SPDX-License-Identifier: MIT
// NEON (AArch64): two doubles, four floats.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace ionclay::IONCLAY_ISA {

inline constexpr int kWidth = 2;
inline constexpr int kWidthF = 4;

struct VecD {
  float64x2_t v;
};
struct MaskD {
  uint64x2_t v;
};

inline VecD load(const double* p) { return {vld1q_f64(p)}; }
inline void store(double* p, VecD a) { vst1q_f64(p, a.v); }
inline VecD broadcast(double x) { return {vdupq_n_f64(x)}; }
inline VecD load_partial(const double* p, int n) {
  float64x2_t v = vdupq_n_f64(0.0);
  if (n > 0) v = vsetq_lane_f64(p[0], v, 0);
  if (n > 1) v = vsetq_lane_f64(p[1], v, 1);
  return {v};
}
inline void store_partial(double* p, VecD a, int n) {
  if (n > 0) p[0] = vgetq_lane_f64(a.v, 0);
  if (n > 1) p[1] = vgetq_lane_f64(a.v, 1);
}
inline VecD gather(const double* base, const std::int32_t* index) {
  return {vsetq_lane_f64(base[index[1]], vdupq_n_f64(base[index[0]]), 1)};
}

inline VecD operator+(VecD a, VecD b) { return {vaddq_f64(a.v, b.v)}; }
inline VecD operator-(VecD a, VecD b) { return {vsubq_f64(a.v, b.v)}; }
inline VecD operator*(VecD a, VecD b) { return {vmulq_f64(a.v, b.v)}; }
inline VecD operator/(VecD a, VecD b) { return {vdivq_f64(a.v, b.v)}; }
inline VecD fma(VecD a, VecD b, VecD c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
inline VecD fnma(VecD a, VecD b, VecD c) { return {vfmsq_f64(c.v, a.v, b.v)}; }
inline VecD sqrt(VecD a) { return {vsqrtq_f64(a.v)}; }
inline VecD abs(VecD a) { return {vabsq_f64(a.v)}; }
inline VecD min(VecD a, VecD b) { return {vbslq_f64(vcltq_f64(a.v, b.v), a.v, b.v)}; }
inline VecD max(VecD a, VecD b) { return {vbslq_f64(vcgtq_f64(a.v, b.v), a.v, b.v)}; }
inline VecD round(VecD a) { return {vrndnq_f64(a.v)}; }

inline MaskD operator<(VecD a, VecD b) { return {vcltq_f64(a.v, b.v)}; }
inline MaskD operator<=(VecD a, VecD b) { return {vcleq_f64(a.v, b.v)}; }
inline MaskD operator>(VecD a, VecD b) { return b < a; }
inline MaskD operator>=(VecD a, VecD b) { return b <= a; }
inline MaskD operator&(MaskD a, MaskD b) { return {vandq_u64(a.v, b.v)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {vorrq_u64(a.v, b.v)}; }
inline VecD select(MaskD m, VecD yes, VecD no) { return {vbslq_f64(m.v, yes.v, no.v)}; }
// Bit i is lane i.
inline unsigned bits(MaskD m) { return (vgetq_lane_u64(m.v, 0) != 0 ? 1u : 0u) | (vgetq_lane_u64(m.v, 1) != 0 ? 2u : 0u); }

// Fixed tree: neighbouring lanes first.
inline double reduce_add(VecD a) { return vgetq_lane_f64(a.v, 0) + vgetq_lane_f64(a.v, 1); }

// 2^k for whole k in [-1022, 1023].
inline VecD exp2_whole(VecD k) {
  const int64x2_t word = vaddq_s64(vcvtq_s64_f64(k.v), vdupq_n_s64(1023));
  return {vreinterpretq_f64_s64(vshlq_n_s64(word, 52))};
}

struct VecF {
  float32x4_t v;
};
struct MaskF {
  uint32x4_t v;
};

inline VecF load(const float* p) { return {vld1q_f32(p)}; }
inline void store(float* p, VecF a) { vst1q_f32(p, a.v); }
inline VecF broadcast(float x) { return {vdupq_n_f32(x)}; }

inline VecF operator+(VecF a, VecF b) { return {vaddq_f32(a.v, b.v)}; }
inline VecF operator-(VecF a, VecF b) { return {vsubq_f32(a.v, b.v)}; }
inline VecF operator*(VecF a, VecF b) { return {vmulq_f32(a.v, b.v)}; }
inline VecF operator/(VecF a, VecF b) { return {vdivq_f32(a.v, b.v)}; }
inline VecF fma(VecF a, VecF b, VecF c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline VecF fnma(VecF a, VecF b, VecF c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
inline VecF abs(VecF a) { return {vabsq_f32(a.v)}; }
inline VecF min(VecF a, VecF b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
inline VecF max(VecF a, VecF b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
inline VecF round(VecF a) { return {vrndnq_f32(a.v)}; }

inline MaskF operator<(VecF a, VecF b) { return {vcltq_f32(a.v, b.v)}; }
inline MaskF operator>(VecF a, VecF b) { return b < a; }
inline MaskF operator&(MaskF a, MaskF b) { return {vandq_u32(a.v, b.v)}; }
inline VecF select(MaskF m, VecF yes, VecF no) { return {vbslq_f32(m.v, yes.v, no.v)}; }

// Lanes 0..kWidth-1 and kWidth..2 kWidth-1.
inline VecD low_half(VecF a) { return {vcvt_f64_f32(vget_low_f32(a.v))}; }
inline VecD high_half(VecF a) { return {vcvt_high_f64_f32(a.v)}; }
inline VecF narrow(VecD low, VecD high) { return {vcvt_high_f32_f64(vcvt_f32_f64(low.v), high.v)}; }

// 2^k for whole k in [-126, 127].
inline VecF exp2_whole(VecF k) {
  const int32x4_t word = vaddq_s32(vcvtq_s32_f32(k.v), vdupq_n_s32(127));
  return {vreinterpretq_f32_s32(vshlq_n_s32(word, 23))};
}

// Sums of four vectors at once: out[i] = sum of the lanes of the i-th.
inline void reduce_add4(VecD a, VecD b, VecD c, VecD d, double* out) {
  vst1q_f64(out, vpaddq_f64(a.v, b.v));
  vst1q_f64(out + 2, vpaddq_f64(c.v, d.v));
}
inline void reduce_add4(VecF a, VecF b, VecF c, VecF d, double* out) {
  const float32x4_t sums = vpaddq_f32(vpaddq_f32(a.v, b.v), vpaddq_f32(c.v, d.v));
  vst1q_f64(out, vcvt_f64_f32(vget_low_f32(sums)));
  vst1q_f64(out + 2, vcvt_high_f64_f32(sums));
}

// Writes the lanes whose bit is set one after the other; what lies behind them up to a whole vector may be overwritten.
inline void compress_store(double* p, VecD a, unsigned bits) { vst1q_f64(p, bits == 2 ? vdupq_laneq_f64(a.v, 1) : a.v); }

}  // namespace ionclay::IONCLAY_ISA
