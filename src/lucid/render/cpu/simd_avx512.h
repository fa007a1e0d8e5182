// SPDX-License-Identifier: Apache-2.0
// Sixteen pixels at a time: the vector operations of blend_body.h in AVX-512. Included inside the file's own namespace.

using Value = __m512;
using Mask = __mmask16;
constexpr int kLanes = 16;

LUCID_INLINE Value load(const float* from) { return _mm512_load_ps(from); }
LUCID_INLINE void store(float* to, Value v) { _mm512_store_ps(to, v); }
LUCID_INLINE Value broadcast(float v) { return _mm512_set1_ps(v); }
LUCID_INLINE Value lane_index() { return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
LUCID_INLINE Value fma(Value a, Value b, Value c) { return _mm512_fmadd_ps(a, b, c); }
LUCID_INLINE Value negative_fma(Value a, Value b, Value c) { return _mm512_fnmadd_ps(a, b, c); }
LUCID_INLINE Value minimum(Value a, Value b) { return _mm512_min_ps(a, b); }
LUCID_INLINE Value round_to_int(Value v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT); }
LUCID_INLINE Value times_power_of_two(Value v, Value power) { return _mm512_scalef_ps(v, power); }
LUCID_INLINE Mask greater_equal(Value a, Value b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
LUCID_INLINE Mask less(Value a, Value b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
LUCID_INLINE Mask both(Mask a, Mask b) { return Mask(a & b); }
LUCID_INLINE Mask first_only(Mask a, Mask b) { return Mask(a & ~b); }
LUCID_INLINE bool any(Mask m) { return m != 0; }
LUCID_INLINE int count(Mask m) { return __builtin_popcount(m); }
LUCID_INLINE Value select(Mask m, Value yes, Value no) { return _mm512_mask_blend_ps(m, no, yes); }
LUCID_INLINE Value zero_unless(Mask m, Value v) { return _mm512_maskz_mov_ps(m, v); }
LUCID_INLINE float sum(Value v) { return _mm512_reduce_add_ps(v); }
