// SPDX-License-Identifier: Apache-2.0
// SIMD vocabulary (simd.h) in AVX2 with FMA.

using Vec = __m256;
using Mask = __m256;
constexpr int kLanes = 8;

LUCID_INLINE Vec load(const float* from) { return _mm256_loadu_ps(from); }
LUCID_INLINE void store(float* to, Vec v) { _mm256_storeu_ps(to, v); }
LUCID_INLINE Vec broadcast(float v) { return _mm256_set1_ps(v); }
LUCID_INLINE Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
LUCID_INLINE Vec negative_fma(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
LUCID_INLINE Vec minimum(Vec a, Vec b) { return _mm256_min_ps(a, b); }
LUCID_INLINE Vec maximum(Vec a, Vec b) { return _mm256_max_ps(a, b); }
LUCID_INLINE Vec reciprocal(Vec v) { return _mm256_set1_ps(1) / v; }
LUCID_INLINE Vec round_to_int(Vec v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
LUCID_INLINE Vec times_power_of_two(Vec v, Vec power) {
  const __m256i shifted = _mm256_slli_epi32(_mm256_cvtps_epi32(power), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), shifted));
}
LUCID_INLINE Vec clamp_exponent(Vec power) { return maximum(broadcast(-126.0f), power); }
LUCID_INLINE Mask greater_equal(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
LUCID_INLINE Mask less(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
LUCID_INLINE bool any(Mask m) { return _mm256_movemask_ps(m) != 0; }
LUCID_INLINE unsigned bits(Mask m) { return unsigned(_mm256_movemask_ps(m)); }
LUCID_INLINE int count(Mask m) { return __builtin_popcount(static_cast<unsigned>(_mm256_movemask_ps(m))); }
LUCID_INLINE Vec select(Mask m, Vec yes, Vec no) { return _mm256_blendv_ps(no, yes, m); }
LUCID_INLINE Vec zero_unless(Mask m, Vec v) { return _mm256_and_ps(m, v); }
LUCID_INLINE float sum(Vec v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
