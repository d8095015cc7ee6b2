// SPDX-License-Identifier: MIT
// AVX2 + FMA: four doubles, eight floats.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace ionclay::IONCLAY_ISA {

inline constexpr int kWidth = 4;
inline constexpr int kWidthF = 8;

struct VecD {
  __m256d v;
};
struct MaskD {
  __m256d v;
};

inline VecD load(const double* p) { return {_mm256_loadu_pd(p)}; }
inline void store(double* p, VecD a) { _mm256_storeu_pd(p, a.v); }
inline __m256i partial_mask(int n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
inline VecD load_partial(const double* p, int n) { return {_mm256_maskload_pd(p, partial_mask(n))}; }
inline void store_partial(double* p, VecD a, int n) { _mm256_maskstore_pd(p, partial_mask(n), a.v); }
inline VecD broadcast(double x) { return {_mm256_set1_pd(x)}; }
inline VecD gather(const double* base, const std::int32_t* index) {
  return {_mm256_i32gather_pd(base, _mm_loadu_si128(reinterpret_cast<const __m128i*>(index)), 8)};
}

inline VecD operator+(VecD a, VecD b) { return {_mm256_add_pd(a.v, b.v)}; }
inline VecD operator-(VecD a, VecD b) { return {_mm256_sub_pd(a.v, b.v)}; }
inline VecD operator*(VecD a, VecD b) { return {_mm256_mul_pd(a.v, b.v)}; }
inline VecD operator/(VecD a, VecD b) { return {_mm256_div_pd(a.v, b.v)}; }
inline VecD fma(VecD a, VecD b, VecD c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
inline VecD fnma(VecD a, VecD b, VecD c) { return {_mm256_fnmadd_pd(a.v, b.v, c.v)}; }
inline VecD sqrt(VecD a) { return {_mm256_sqrt_pd(a.v)}; }
inline VecD abs(VecD a) { return {_mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v)}; }
inline VecD min(VecD a, VecD b) { return {_mm256_min_pd(a.v, b.v)}; }
inline VecD max(VecD a, VecD b) { return {_mm256_max_pd(a.v, b.v)}; }
inline VecD round(VecD a) { return {_mm256_round_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }

inline MaskD operator<(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
inline MaskD operator<=(VecD a, VecD b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
inline MaskD operator>(VecD a, VecD b) { return b < a; }
inline MaskD operator>=(VecD a, VecD b) { return b <= a; }
inline MaskD operator&(MaskD a, MaskD b) { return {_mm256_and_pd(a.v, b.v)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {_mm256_or_pd(a.v, b.v)}; }
inline VecD select(MaskD m, VecD yes, VecD no) { return {_mm256_blendv_pd(no.v, yes.v, m.v)}; }
// Bit i is lane i.
inline unsigned bits(MaskD m) { return static_cast<unsigned>(_mm256_movemask_pd(m.v)); }

// Fixed tree: neighbouring lanes first.
inline double reduce_add(VecD a) {
  const __m256d pairs = _mm256_hadd_pd(a.v, a.v);
  return _mm_cvtsd_f64(_mm_add_sd(_mm256_castpd256_pd128(pairs), _mm256_extractf128_pd(pairs, 1)));
}

// 2^k for whole k in [-1022, 1023].
inline VecD exp2_whole(VecD k) {
  const __m256i word = _mm256_cvtepi32_epi64(_mm256_cvtpd_epi32(k.v));
  return {_mm256_castsi256_pd(_mm256_slli_epi64(_mm256_add_epi64(word, _mm256_set1_epi64x(1023)), 52))};
}

struct VecF {
  __m256 v;
};
struct MaskF {
  __m256 v;
};

inline VecF load(const float* p) { return {_mm256_loadu_ps(p)}; }
inline void store(float* p, VecF a) { _mm256_storeu_ps(p, a.v); }
inline VecF broadcast(float x) { return {_mm256_set1_ps(x)}; }

inline VecF operator+(VecF a, VecF b) { return {_mm256_add_ps(a.v, b.v)}; }
inline VecF operator-(VecF a, VecF b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline VecF operator*(VecF a, VecF b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline VecF operator/(VecF a, VecF b) { return {_mm256_div_ps(a.v, b.v)}; }
inline VecF fma(VecF a, VecF b, VecF c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline VecF fnma(VecF a, VecF b, VecF c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
inline VecF abs(VecF a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
inline VecF min(VecF a, VecF b) { return {_mm256_min_ps(a.v, b.v)}; }
inline VecF max(VecF a, VecF b) { return {_mm256_max_ps(a.v, b.v)}; }
inline VecF round(VecF a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }

inline MaskF operator<(VecF a, VecF b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
inline MaskF operator>(VecF a, VecF b) { return b < a; }
inline MaskF operator&(MaskF a, MaskF b) { return {_mm256_and_ps(a.v, b.v)}; }
inline VecF select(MaskF m, VecF yes, VecF no) { return {_mm256_blendv_ps(no.v, yes.v, m.v)}; }

// Lanes 0..kWidth-1 and kWidth..2 kWidth-1.
inline VecD low_half(VecF a) { return {_mm256_cvtps_pd(_mm256_castps256_ps128(a.v))}; }
inline VecD high_half(VecF a) { return {_mm256_cvtps_pd(_mm256_extractf128_ps(a.v, 1))}; }
inline VecF narrow(VecD low, VecD high) { return {_mm256_set_m128(_mm256_cvtpd_ps(high.v), _mm256_cvtpd_ps(low.v))}; }

// 2^k for whole k in [-126, 127].
inline VecF exp2_whole(VecF k) {
  const __m256i word = _mm256_cvtps_epi32(k.v);
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(word, _mm256_set1_epi32(127)), 23))};
}

// Sums of four vectors at once: out[i] = sum of the lanes of the i-th.
inline void reduce_add4(VecD a, VecD b, VecD c, VecD d, double* out) {
  const __m256d ab = _mm256_hadd_pd(a.v, b.v);
  const __m256d cd = _mm256_hadd_pd(c.v, d.v);
  const __m256d crossed = _mm256_permute2f128_pd(ab, cd, 0x21);
  const __m256d straight = _mm256_blend_pd(ab, cd, 0b1100);
  _mm256_storeu_pd(out, _mm256_add_pd(crossed, straight));
}
inline void reduce_add4(VecF a, VecF b, VecF c, VecF d, double* out) {
  const __m256 abcd = _mm256_hadd_ps(_mm256_hadd_ps(a.v, b.v), _mm256_hadd_ps(c.v, d.v));
  const __m128 sums = _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
  _mm256_storeu_pd(out, _mm256_cvtps_pd(sums));
}

// Writes the lanes whose bit is set one after the other; what lies behind them up to a whole vector may be overwritten.
inline void compress_store(double* p, VecD a, unsigned bits) {
  alignas(32) static constexpr std::int32_t kOrder[16][8] = {
      {0, 1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7}, {2, 3, 0, 1, 4, 5, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
      {4, 5, 0, 1, 2, 3, 6, 7}, {0, 1, 4, 5, 2, 3, 6, 7}, {2, 3, 4, 5, 0, 1, 6, 7}, {0, 1, 2, 3, 4, 5, 6, 7},
      {6, 7, 0, 1, 2, 3, 4, 5}, {0, 1, 6, 7, 2, 3, 4, 5}, {2, 3, 6, 7, 0, 1, 4, 5}, {0, 1, 2, 3, 6, 7, 4, 5},
      {4, 5, 6, 7, 0, 1, 2, 3}, {0, 1, 4, 5, 6, 7, 2, 3}, {2, 3, 4, 5, 6, 7, 0, 1}, {0, 1, 2, 3, 4, 5, 6, 7}};
  const __m256i order = _mm256_load_si256(reinterpret_cast<const __m256i*>(kOrder[bits]));
  _mm256_storeu_pd(p, _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(_mm256_castpd_si256(a.v), order)));
}

}  // namespace ionclay::IONCLAY_ISA
