// SPDX-License-Identifier: Apache-2.0
// store_sums(): a splat's ten sums over the lanes of a Vec, with a faster form for AVX-512. Included after simd.h,
// inside the same namespace.
#if defined(__AVX512F__)

/// Sums the ten vectors of `s` over their lanes into the first ten members of `to`. Computes all ten together: each
/// step halves the lanes of a sum and doubles the sums in a vector.
template <class Sums, class Record>
LUCID_INLINE void store_sums(const Sums& s, Record* to) {
  const auto halves = [](Vec a, Vec b) {  // [a, b], 8 lanes each
    return _mm512_shuffle_f32x4(a, b, 0x44) + _mm512_shuffle_f32x4(a, b, 0xEE);
  };
  const auto quarters = [](Vec ab, Vec cd) {  // [a, b, c, d], 4 lanes each
    return _mm512_shuffle_f32x4(ab, cd, 0x88) + _mm512_shuffle_f32x4(ab, cd, 0xDD);
  };
  const Vec p = quarters(halves(s.red, s.green), halves(s.blue, s.depth));
  const Vec q = quarters(halves(s.g, s.t), halves(s.y, s.tt));
  const Vec last = halves(s.ty, s.yy), r = quarters(last, last);
  const Vec pq = _mm512_unpacklo_ps(p, q) + _mm512_unpackhi_ps(p, q);  // p, q, p, q in each quarter
  const Vec rr = _mm512_unpacklo_ps(r, r) + _mm512_unpackhi_ps(r, r);
  const Vec all = _mm512_shuffle_ps(pq, rr, 0x44) + _mm512_shuffle_ps(pq, rr, 0xEE);  // p, q, r, r
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 0, 0, 0, 0, 0, 0);
  _mm512_mask_storeu_ps(&to->red, 0x3FF, _mm512_permutexvar_ps(order, all));
}

#else

/// Sums each vector of `s` over its lanes into the first ten members of `to`.
template <class Sums, class Record>
LUCID_INLINE void store_sums(const Sums& s, Record* to) {
  to->red = sum(s.red);
  to->green = sum(s.green);
  to->blue = sum(s.blue);
  to->depth = sum(s.depth);
  to->g = sum(s.g);
  to->t = sum(s.t);
  to->y = sum(s.y);
  to->tt = sum(s.tt);
  to->ty = sum(s.ty);
  to->yy = sum(s.yy);
}

#endif  // __AVX512F__
