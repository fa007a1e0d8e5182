// SPDX-License-Identifier: Apache-2.0
// Vector operations of blend_body.h for any processor, with the compiler's vector extension: 4 pixels (4x1) per vector.
// Included inside a namespace.

typedef float Value __attribute__((vector_size(16)));
typedef int32_t Mask __attribute__((vector_size(16)));
typedef int64_t Halves __attribute__((vector_size(16)));
constexpr int kLanes = 4;
constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23: after adding it, the lowest mantissa bits hold round(x)

LUCID_INLINE Value load(const float* from) { return *reinterpret_cast<const Value*>(from); }
LUCID_INLINE void store(float* to, Value v) { *reinterpret_cast<Value*>(to) = v; }
LUCID_INLINE Value broadcast(float v) { return Value{v, v, v, v}; }
LUCID_INLINE Value lane_x() { return Value{0, 1, 2, 3}; }
LUCID_INLINE Value lane_y() { return Value{0, 0, 0, 0}; }
LUCID_INLINE Value fma(Value a, Value b, Value c) { return a * b + c; }
LUCID_INLINE Value negative_fma(Value a, Value b, Value c) { return c - a * b; }
LUCID_INLINE Value minimum(Value a, Value b) { return a < b ? a : b; }
LUCID_INLINE Value maximum(Value a, Value b) { return a > b ? a : b; }
LUCID_INLINE Value inverse(Value v) { return 1 / v; }
LUCID_INLINE Value round_to_int(Value v) { return (v + kRoundMagic) - kRoundMagic; }
LUCID_INLINE Value times_power_of_two(Value v, Value power) {
  return reinterpret_cast<Value>(reinterpret_cast<Mask>(v) + (reinterpret_cast<Mask>(power + kRoundMagic) << 23));
}
LUCID_INLINE Mask greater_equal(Value a, Value b) { return a >= b; }
LUCID_INLINE Mask less(Value a, Value b) { return a < b; }
LUCID_INLINE bool any(Mask m) {
  const Halves h = reinterpret_cast<Halves>(m);
  return (h[0] | h[1]) != 0;
}
LUCID_INLINE unsigned bits(Mask m) { return unsigned((m[0] & 1) | (m[1] & 2) | (m[2] & 4) | (m[3] & 8)); }
LUCID_INLINE int count(Mask m) { return -(m[0] + m[1] + m[2] + m[3]); }
LUCID_INLINE Value select(Mask m, Value yes, Value no) { return m ? yes : no; }
LUCID_INLINE Value zero_unless(Mask m, Value v) { return reinterpret_cast<Value>(m & reinterpret_cast<Mask>(v)); }
LUCID_INLINE float sum(Value v) { return (v[0] + v[1]) + (v[2] + v[3]); }
