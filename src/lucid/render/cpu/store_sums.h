// SPDX-License-Identifier: Apache-2.0
// A splat's ten sums over the lanes, one after the other; for instruction sets without a way to take them together.
// Included inside the file's own namespace.

/// Sums over the lanes, in order, into the first members of `to`.
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
