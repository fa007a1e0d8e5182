// SPDX-License-Identifier: Apache-2.0
// store_sums(): a splat's ten sums over the lanes of a vector, one after the other. simd_avx512.h has a faster version.
// Included inside a namespace.

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
