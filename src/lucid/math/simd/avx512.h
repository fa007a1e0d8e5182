// SPDX-License-Identifier: Apache-2.0
// SIMD vocabulary (simd.h) in AVX-512: F, DQ, BW, VL.

using Vec = __m512;
using Mask = __mmask16;
constexpr int kLanes = 16;

LUCID_INLINE Vec load(const float* from) { return _mm512_loadu_ps(from); }
LUCID_INLINE void store(float* to, Vec v) { _mm512_storeu_ps(to, v); }
LUCID_INLINE Vec broadcast(float v) { return _mm512_set1_ps(v); }
LUCID_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
LUCID_INLINE Vec negative_fma(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
LUCID_INLINE Vec minimum(Vec a, Vec b) { return _mm512_min_ps(a, b); }
LUCID_INLINE Vec maximum(Vec a, Vec b) { return _mm512_max_ps(a, b); }
LUCID_INLINE Vec reciprocal(Vec v) {  // relative error 2e-8: a 14-bit estimate and one Newton step
  const Vec guess = _mm512_rcp14_ps(v);
  return guess * _mm512_fnmadd_ps(v, guess, _mm512_set1_ps(2));
}
LUCID_INLINE Vec round_to_int(Vec v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT); }
LUCID_INLINE Vec times_power_of_two(Vec v, Vec power) { return _mm512_scalef_ps(v, power); }
LUCID_INLINE Vec clamp_exponent(Vec power) { return power; }  // scalef takes any
LUCID_INLINE Mask greater_equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
LUCID_INLINE Mask less(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
LUCID_INLINE bool any(Mask m) { return m != 0; }
LUCID_INLINE unsigned bits(Mask m) { return m; }
LUCID_INLINE int count(Mask m) { return __builtin_popcount(m); }
LUCID_INLINE Vec select(Mask m, Vec yes, Vec no) { return _mm512_mask_blend_ps(m, no, yes); }
LUCID_INLINE Vec zero_unless(Mask m, Vec v) { return _mm512_maskz_mov_ps(m, v); }
LUCID_INLINE float sum(Vec v) { return _mm512_reduce_add_ps(v); }
