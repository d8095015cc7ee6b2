// SPDX-License-Identifier: MIT
// AVX2 + FMA: four lanes.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace ionclay::IONCLAY_ISA {

inline constexpr int kWidth = 4;

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

}  // namespace ionclay::IONCLAY_ISA
