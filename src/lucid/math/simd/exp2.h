// SPDX-License-Identifier: Apache-2.0
// 2^x on a Vec: 2^round(x) times a minimax polynomial in x - round(x). Included by simd.h.

/// For x in about [-126, 126], to 8e-8 relative. NaN stays NaN.
LUCID_INLINE Vec exp2_fast(Vec x) {
  const Vec whole = round_to_int(x);
  const Vec f = x - whole;
  Vec p = fma(broadcast(0.0013276460597951881f), f, broadcast(0.009675541243488257f));
  p = fma(p, f, broadcast(0.055507133087452934f));
  p = fma(p, f, broadcast(0.24022119726104738f));
  p = fma(p, f, broadcast(0.6931469670431794f));
  p = fma(p, f, broadcast(1.0000000716539867f));
  return times_power_of_two(p, whole);
}

/// The same to 8e-5, a fiftieth of the error of rounding the result to bfloat16.
LUCID_INLINE Vec exp2_for_bfloat16(Vec x) {
  const Vec whole = round_to_int(x);
  const Vec f = x - whole;
  Vec p = fma(broadcast(5.51716690396e-2f), f, broadcast(2.42611122192e-1f));
  p = fma(p, f, broadcast(6.93260985464e-1f));
  p = fma(p, f, broadcast(9.99928073540e-1f));
  return times_power_of_two(p, whole);
}
