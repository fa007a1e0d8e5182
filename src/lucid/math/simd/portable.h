// SPDX-License-Identifier: Apache-2.0
// SIMD vocabulary (simd.h) in the compiler's vector extension, for any processor: LUCID_SIMD_LANES floats, or four.

#if !defined(LUCID_SIMD_LANES)
#define LUCID_SIMD_LANES 4
#endif
constexpr int kLanes = LUCID_SIMD_LANES;
typedef float Vec __attribute__((vector_size(4 * LUCID_SIMD_LANES)));
typedef float VecInMemory __attribute__((vector_size(4 * LUCID_SIMD_LANES), aligned(4), may_alias));
typedef int32_t Mask __attribute__((vector_size(4 * LUCID_SIMD_LANES)));
typedef int64_t MaskPairs __attribute__((vector_size(4 * LUCID_SIMD_LANES)));
constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23: after adding it, the lowest mantissa bits hold round(x)

LUCID_INLINE Vec load(const float* from) { return *reinterpret_cast<const VecInMemory*>(from); }
LUCID_INLINE void store(float* to, Vec v) { *reinterpret_cast<VecInMemory*>(to) = v; }
LUCID_INLINE Vec broadcast(float v) { return Vec{} + v; }
LUCID_INLINE Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
LUCID_INLINE Vec negative_fma(Vec a, Vec b, Vec c) { return c - a * b; }
LUCID_INLINE Vec minimum(Vec a, Vec b) { return a < b ? a : b; }
LUCID_INLINE Vec maximum(Vec a, Vec b) { return a > b ? a : b; }
LUCID_INLINE Vec reciprocal(Vec v) { return 1 / v; }
LUCID_INLINE Vec round_to_int(Vec v) { return (v + kRoundMagic) - kRoundMagic; }
LUCID_INLINE Vec times_power_of_two(Vec v, Vec power) {
  return reinterpret_cast<Vec>(reinterpret_cast<Mask>(v) + (reinterpret_cast<Mask>(power + kRoundMagic) << 23));
}
LUCID_INLINE Vec clamp_exponent(Vec power) { return maximum(broadcast(-126.0f), power); }
LUCID_INLINE Mask greater_equal(Vec a, Vec b) { return a >= b; }
LUCID_INLINE Mask less(Vec a, Vec b) { return a < b; }
LUCID_INLINE bool any(Mask m) {
  const MaskPairs pairs = reinterpret_cast<MaskPairs>(m);
  int64_t all = 0;
  for (int i = 0; i < kLanes / 2; ++i) all |= pairs[i];
  return all != 0;
}
LUCID_INLINE unsigned bits(Mask m) {
  unsigned set = 0;
  for (int lane = 0; lane < kLanes; ++lane) set |= unsigned(m[lane] & 1) << lane;
  return set;
}
LUCID_INLINE int count(Mask m) {
  int lanes = 0;
  for (int lane = 0; lane < kLanes; ++lane) lanes -= m[lane];
  return lanes;
}
LUCID_INLINE Vec select(Mask m, Vec yes, Vec no) { return m ? yes : no; }
LUCID_INLINE Vec zero_unless(Mask m, Vec v) { return reinterpret_cast<Vec>(m & reinterpret_cast<Mask>(v)); }
LUCID_INLINE float sum(Vec v) {
  float pairs[kLanes / 2];  // neighbouring lanes are added first, then pairs of these sums
  for (int i = 0; i < kLanes / 2; ++i) pairs[i] = v[2 * i] + v[2 * i + 1];
  float total = 0;
  for (int i = 0; i < kLanes / 2; i += 2) total = i == 0 ? pairs[0] + pairs[1] : total + (pairs[i] + pairs[i + 1]);
  return total;
}
