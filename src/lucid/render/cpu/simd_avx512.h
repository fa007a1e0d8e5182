// SPDX-License-Identifier: Apache-2.0
// Vector operations of blend_body.h for AVX-512: 16 pixels (4x4) per vector. Included inside a namespace.

using Value = __m512;
using Mask = __mmask16;
constexpr int kLanes = 16;

LUCID_INLINE Value load(const float* from) { return _mm512_load_ps(from); }
LUCID_INLINE void store(float* to, Value v) { _mm512_store_ps(to, v); }
LUCID_INLINE Value broadcast(float v) { return _mm512_set1_ps(v); }
LUCID_INLINE Value lane_x() { return _mm512_setr_ps(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3); }
LUCID_INLINE Value lane_y() { return _mm512_setr_ps(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3); }
LUCID_INLINE Value fma(Value a, Value b, Value c) { return _mm512_fmadd_ps(a, b, c); }
LUCID_INLINE Value negative_fma(Value a, Value b, Value c) { return _mm512_fnmadd_ps(a, b, c); }
LUCID_INLINE Value minimum(Value a, Value b) { return _mm512_min_ps(a, b); }
LUCID_INLINE Value maximum(Value a, Value b) { return _mm512_max_ps(a, b); }
LUCID_INLINE Value inverse(Value v) {  // relative error 2e-8: a 14-bit estimate and one Newton step
  const Value guess = _mm512_rcp14_ps(v);
  return guess * _mm512_fnmadd_ps(v, guess, _mm512_set1_ps(2));
}
LUCID_INLINE Value round_to_int(Value v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT); }
LUCID_INLINE Value times_power_of_two(Value v, Value power) { return _mm512_scalef_ps(v, power); }
LUCID_INLINE Mask greater_equal(Value a, Value b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
LUCID_INLINE Mask less(Value a, Value b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
LUCID_INLINE bool any(Mask m) { return m != 0; }
LUCID_INLINE unsigned bits(Mask m) { return m; }
LUCID_INLINE int count(Mask m) { return __builtin_popcount(m); }
LUCID_INLINE Value select(Mask m, Value yes, Value no) { return _mm512_mask_blend_ps(m, no, yes); }
LUCID_INLINE Value zero_unless(Mask m, Value v) { return _mm512_maskz_mov_ps(m, v); }

/// Sums the ten vectors of `s` over their lanes into the first ten members of `to`. Computes all ten together: each
/// step halves the lanes of a sum and doubles the sums in a vector.
template <class Sums, class Record>
LUCID_INLINE void store_sums(const Sums& s, Record* to) {
  const auto halves = [](Value a, Value b) {  // [a, b], 8 lanes each
    return _mm512_shuffle_f32x4(a, b, 0x44) + _mm512_shuffle_f32x4(a, b, 0xEE);
  };
  const auto quarters = [](Value ab, Value cd) {  // [a, b, c, d], 4 lanes each
    return _mm512_shuffle_f32x4(ab, cd, 0x88) + _mm512_shuffle_f32x4(ab, cd, 0xDD);
  };
  const Value p = quarters(halves(s.red, s.green), halves(s.blue, s.depth));
  const Value q = quarters(halves(s.g, s.t), halves(s.y, s.tt));
  const Value last = halves(s.ty, s.yy), r = quarters(last, last);
  const Value pq = _mm512_unpacklo_ps(p, q) + _mm512_unpackhi_ps(p, q);  // p, q, p, q in each quarter
  const Value rr = _mm512_unpacklo_ps(r, r) + _mm512_unpackhi_ps(r, r);
  const Value all = _mm512_shuffle_ps(pq, rr, 0x44) + _mm512_shuffle_ps(pq, rr, 0xEE);  // p, q, r, r
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 0, 0, 0, 0, 0, 0);
  _mm512_mask_storeu_ps(&to->red, 0x3FF, _mm512_permutexvar_ps(order, all));
}
