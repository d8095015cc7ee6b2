// SPDX-License-Identifier: MIT
// AVX-512 (F, DQ, VL): eight doubles, sixteen floats.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace ionclay::IONCLAY_ISA {

inline constexpr int kWidth = 8;
inline constexpr int kWidthF = 16;

struct VecD {
  __m512d v;
};
struct MaskD {
  __mmask8 v;
};

inline VecD load(const double* p) { return {_mm512_loadu_pd(p)}; }
inline void store(double* p, VecD a) { _mm512_storeu_pd(p, a.v); }
inline __mmask8 partial_mask(int n) { return n >= 8 ? static_cast<__mmask8>(0xff) : static_cast<__mmask8>((1u << n) - 1u); }
inline VecD load_partial(const double* p, int n) { return {_mm512_maskz_loadu_pd(partial_mask(n), p)}; }
inline void store_partial(double* p, VecD a, int n) { _mm512_mask_storeu_pd(p, partial_mask(n), a.v); }
inline VecD broadcast(double x) { return {_mm512_set1_pd(x)}; }
inline VecD gather(const double* base, const std::int32_t* index) {
  return {_mm512_i32gather_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)), base, 8)};
}

inline VecD operator+(VecD a, VecD b) { return {_mm512_add_pd(a.v, b.v)}; }
inline VecD operator-(VecD a, VecD b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline VecD operator*(VecD a, VecD b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline VecD operator/(VecD a, VecD b) { return {_mm512_div_pd(a.v, b.v)}; }
inline VecD fma(VecD a, VecD b, VecD c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
inline VecD fnma(VecD a, VecD b, VecD c) { return {_mm512_fnmadd_pd(a.v, b.v, c.v)}; }
inline VecD sqrt(VecD a) { return {_mm512_sqrt_pd(a.v)}; }
inline VecD abs(VecD a) { return {_mm512_abs_pd(a.v)}; }
inline VecD min(VecD a, VecD b) { return {_mm512_min_pd(a.v, b.v)}; }
inline VecD max(VecD a, VecD b) { return {_mm512_max_pd(a.v, b.v)}; }
inline VecD round(VecD a) { return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }

inline MaskD operator<(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline MaskD operator<=(VecD a, VecD b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)}; }
inline MaskD operator>(VecD a, VecD b) { return b < a; }
inline MaskD operator>=(VecD a, VecD b) { return b <= a; }
inline MaskD operator&(MaskD a, MaskD b) { return {static_cast<__mmask8>(a.v & b.v)}; }
inline MaskD operator|(MaskD a, MaskD b) { return {static_cast<__mmask8>(a.v | b.v)}; }
inline VecD select(MaskD m, VecD yes, VecD no) { return {_mm512_mask_blend_pd(m.v, no.v, yes.v)}; }
// Bit i is lane i.
inline unsigned bits(MaskD m) { return m.v; }

// Fixed tree: neighbouring lanes first.
inline double reduce_add(VecD a) {
  const __m512d swapped = _mm512_permute_pd(a.v, 0x55);
  const __m512d pairs = _mm512_add_pd(a.v, swapped);
  const __m512d quads = _mm512_add_pd(pairs, _mm512_permutex_pd(pairs, 0x4e));
  return _mm_cvtsd_f64(_mm_add_sd(_mm512_castpd512_pd128(quads), _mm512_extractf64x2_pd(quads, 2)));
}

// 2^k for whole k in [-1022, 1023].
inline VecD exp2_whole(VecD k) {
  const __m512i word = _mm512_cvtpd_epi64(k.v);
  return {_mm512_castsi512_pd(_mm512_slli_epi64(_mm512_add_epi64(word, _mm512_set1_epi64(1023)), 52))};
}

struct VecF {
  __m512 v;
};
struct MaskF {
  __mmask16 v;
};

inline VecF load(const float* p) { return {_mm512_loadu_ps(p)}; }
inline void store(float* p, VecF a) { _mm512_storeu_ps(p, a.v); }
inline VecF broadcast(float x) { return {_mm512_set1_ps(x)}; }

inline VecF operator+(VecF a, VecF b) { return {_mm512_add_ps(a.v, b.v)}; }
inline VecF operator-(VecF a, VecF b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline VecF operator*(VecF a, VecF b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline VecF operator/(VecF a, VecF b) { return {_mm512_div_ps(a.v, b.v)}; }
inline VecF fma(VecF a, VecF b, VecF c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline VecF fnma(VecF a, VecF b, VecF c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
inline VecF abs(VecF a) { return {_mm512_abs_ps(a.v)}; }
inline VecF min(VecF a, VecF b) { return {_mm512_min_ps(a.v, b.v)}; }
inline VecF max(VecF a, VecF b) { return {_mm512_max_ps(a.v, b.v)}; }
inline VecF round(VecF a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }

inline MaskF operator<(VecF a, VecF b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline MaskF operator>(VecF a, VecF b) { return b < a; }
inline MaskF operator&(MaskF a, MaskF b) { return {static_cast<__mmask16>(a.v & b.v)}; }
inline VecF select(MaskF m, VecF yes, VecF no) { return {_mm512_mask_blend_ps(m.v, no.v, yes.v)}; }

// Lanes 0..kWidth-1 and kWidth..2 kWidth-1.
inline VecD low_half(VecF a) { return {_mm512_cvtps_pd(_mm512_castps512_ps256(a.v))}; }
inline VecD high_half(VecF a) { return {_mm512_cvtps_pd(_mm512_extractf32x8_ps(a.v, 1))}; }
inline VecF narrow(VecD low, VecD high) {
  return {_mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low.v)), _mm512_cvtpd_ps(high.v), 1)};
}

// 2^k for whole k in [-126, 127].
inline VecF exp2_whole(VecF k) {
  const __m512i word = _mm512_cvtps_epi32(k.v);
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(word, _mm512_set1_epi32(127)), 23))};
}

// Sums of four vectors at once: out[i] = sum of the lanes of the i-th.
inline void reduce_add4(VecD a, VecD b, VecD c, VecD d, double* out) {
  const auto halves = [](__m512d x) { return _mm256_add_pd(_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd(x, 1)); };
  const __m256d ab = _mm256_hadd_pd(halves(a.v), halves(b.v));
  const __m256d cd = _mm256_hadd_pd(halves(c.v), halves(d.v));
  const __m256d crossed = _mm256_permute2f128_pd(ab, cd, 0x21);
  const __m256d straight = _mm256_blend_pd(ab, cd, 0b1100);
  _mm256_storeu_pd(out, _mm256_add_pd(crossed, straight));
}
inline void reduce_add4(VecF a, VecF b, VecF c, VecF d, double* out) {
  const auto halves = [](__m512 x) { return _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)); };
  const __m256 abcd = _mm256_hadd_ps(_mm256_hadd_ps(halves(a.v), halves(b.v)), _mm256_hadd_ps(halves(c.v), halves(d.v)));
  const __m128 sums = _mm_add_ps(_mm256_castps256_ps128(abcd), _mm256_extractf128_ps(abcd, 1));
  _mm256_storeu_pd(out, _mm256_cvtps_pd(sums));
}

// Writes the lanes whose bit is set one after the other; what lies behind them up to a whole vector may be overwritten.
inline void compress_store(double* p, VecD a, unsigned bits) {
  _mm512_storeu_pd(p, _mm512_maskz_compress_pd(static_cast<__mmask8>(bits), a.v));
}

}  // namespace ionclay::IONCLAY_ISA
