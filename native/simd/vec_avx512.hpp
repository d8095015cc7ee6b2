// SPDX-License-Identifier: MIT
// AVX-512 (F, DQ, VL): eight lanes.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace ionclay::IONCLAY_ISA {

inline constexpr int kWidth = 8;

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

}  // namespace ionclay::IONCLAY_ISA
