// SPDX-License-Identifier: Apache-2.0
// Vector operations of blend_body.h for AVX2 with FMA: 8 pixels (4x2) per vector. Included inside a namespace.

using Value = __m256;
using Mask = __m256;
constexpr int kLanes = 8;

LUCID_INLINE Value load(const float* from) { return _mm256_load_ps(from); }
LUCID_INLINE void store(float* to, Value v) { _mm256_store_ps(to, v); }
LUCID_INLINE Value broadcast(float v) { return _mm256_set1_ps(v); }
LUCID_INLINE Value lane_x() { return _mm256_setr_ps(0, 1, 2, 3, 0, 1, 2, 3); }
LUCID_INLINE Value lane_y() { return _mm256_setr_ps(0, 0, 0, 0, 1, 1, 1, 1); }
LUCID_INLINE Value fma(Value a, Value b, Value c) { return _mm256_fmadd_ps(a, b, c); }
LUCID_INLINE Value negative_fma(Value a, Value b, Value c) { return _mm256_fnmadd_ps(a, b, c); }
LUCID_INLINE Value minimum(Value a, Value b) { return _mm256_min_ps(a, b); }
LUCID_INLINE Value maximum(Value a, Value b) { return _mm256_max_ps(a, b); }
LUCID_INLINE Value inverse(Value v) { return _mm256_set1_ps(1) / v; }
LUCID_INLINE Value round_to_int(Value v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
LUCID_INLINE Value times_power_of_two(Value v, Value power) {
  const __m256i shifted = _mm256_slli_epi32(_mm256_cvtps_epi32(power), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), shifted));
}
LUCID_INLINE Mask greater_equal(Value a, Value b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
LUCID_INLINE Mask less(Value a, Value b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
LUCID_INLINE bool any(Mask m) { return _mm256_movemask_ps(m) != 0; }
LUCID_INLINE unsigned bits(Mask m) { return unsigned(_mm256_movemask_ps(m)); }
LUCID_INLINE int count(Mask m) { return __builtin_popcount(static_cast<unsigned>(_mm256_movemask_ps(m))); }
LUCID_INLINE Value select(Mask m, Value yes, Value no) { return _mm256_blendv_ps(no, yes, m); }
LUCID_INLINE Value zero_unless(Mask m, Value v) { return _mm256_and_ps(m, v); }
LUCID_INLINE float sum(Value v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
