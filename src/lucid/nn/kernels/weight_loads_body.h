// SPDX-License-Identifier: Apache-2.0
// Loads of stored weights (stored_weights.h) as float32 registers, transposed: rows of a weight become columns of the
// panel that gemm_float_body.h multiplies by. Part of float_kernels_body.h.

struct Half {
  uint16_t bits;
};
struct Bfloat16 {
  uint16_t bits;
};

/// Calls body with the weights as a pointer of their element type.
template <class Body>
[[gnu::always_inline]] inline void dispatch_stored_type(const StoredWeights& weights, const Body& body) {
  switch (weights.type) {
    case StoredType::kFloat:
      return body(static_cast<const float*>(weights.data));
    case StoredType::kHalf:
      return body(static_cast<const Half*>(weights.data));
    case StoredType::kBfloat16:
      return body(static_cast<const Bfloat16*>(weights.data));
  }
}

using Bits [[gnu::vector_size(4 * kLanes)]] = uint32_t;
using BitsOfHalves [[gnu::vector_size(2 * kLanes), gnu::aligned(2), gnu::may_alias]] = uint16_t;
template <class Element>
[[gnu::always_inline]] inline Bits load_bits(const Element* from) {
  return __builtin_convertvector(*reinterpret_cast<const BitsOfHalves*>(from), Bits);
}

[[gnu::always_inline]] inline Vec load_stored(const float* from) { return load(from); }
[[gnu::always_inline]] inline Vec load_stored(const Bfloat16* from) {
  return reinterpret_cast<Vec>(load_bits(from) << 16);
}
[[gnu::always_inline]] inline Vec load_stored(const Half* from) {
#if defined(__AVX512F__)
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#elif defined(__F16C__)
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#else
  const Bits bits = load_bits(from);
  // The exponent's bias grows from 15 to 127. Subnormal float16 numbers have no implicit leading one: they are computed
  // as if they had it, and it is subtracted.
  const Bits magnitude = ((bits & 0x7fff) << 13) + (112U << 23), sign = (bits & 0x8000) << 16;
  const Bits least = Bits{} + (113U << 23);
  const Vec subnormal = reinterpret_cast<Vec>(magnitude + (1U << 23)) - reinterpret_cast<Vec>(least);
  return reinterpret_cast<Vec>(((bits & 0x7c00) == 0 ? reinterpret_cast<Bits>(subnormal) : magnitude) | sign);
#endif
}

[[gnu::always_inline]] inline float to_float(float value) { return value; }
[[gnu::always_inline]] inline float to_float(Bfloat16 value) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(value.bits) << 16);
}
[[gnu::always_inline]] inline float to_float(Half value) {
#if defined(__F16C__)
  return _cvtsh_ss(value.bits);
#else
  Half values[kLanes] = {value};
  return load_stored(values)[0];
#endif
}

template <auto kFrom, int... kLane>
[[gnu::always_inline]] inline Vec shuffled(Vec a, Vec b, std::integer_sequence<int, kLane...>) {
  return __builtin_shufflevector(a, b, kFrom(kLane)...);
}
/// Lane i of the result is lane kFrom(i) of the 2 kLanes lanes of (a, b).
template <auto kFrom>
[[gnu::always_inline]] inline Vec shuffled(Vec a, Vec b) {
  return shuffled<kFrom>(a, b, std::make_integer_sequence<int, kLanes>());
}

/// One step of a block transpose with blocks of four registers by four lanes: exchanges blocks that are kStep apart.
template <int kStep>
[[gnu::always_inline]] inline void exchange_groups(Vec (&rows)[kLanes]) {
  constexpr auto kLower = [](int i) { return (i / 4 & kStep) != 0 ? int{kLanes} + i - 4 * kStep : i; };
  constexpr auto kUpper = [](int i) { return (i / 4 & kStep) != 0 ? int{kLanes} + i : i + 4 * kStep; };
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if ((i / 4 & kStep) != 0) continue;
    const Vec lower = rows[i], upper = rows[i + 4 * kStep];
    rows[i] = shuffled<kLower>(lower, upper);
    rows[i + 4 * kStep] = shuffled<kUpper>(lower, upper);
  }
}

/// Transposes a kLanes x kLanes matrix in place: first within blocks of four by four, where shuffles are cheap, then
/// the blocks.
[[gnu::always_inline]] inline void transpose(Vec (&rows)[kLanes]) {
  constexpr auto kLowPairs = [](int i) { return i / 4 * 4 + i % 4 / 2 + (i % 2 != 0 ? int{kLanes} : 0); };
  constexpr auto kHighPairs = [](int i) { return i / 4 * 4 + 2 + i % 4 / 2 + (i % 2 != 0 ? int{kLanes} : 0); };
  constexpr auto kLowHalves = [](int i) { return i / 4 * 4 + i % 2 + (i % 4 >= 2 ? int{kLanes} : 0); };
  constexpr auto kHighHalves = [](int i) { return i / 4 * 4 + 2 + i % 2 + (i % 4 >= 2 ? int{kLanes} : 0); };
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) {
    const Vec low01 = shuffled<kLowPairs>(rows[i], rows[i + 1]), high01 = shuffled<kHighPairs>(rows[i], rows[i + 1]);
    const Vec low23 = shuffled<kLowPairs>(rows[i + 2], rows[i + 3]),
              high23 = shuffled<kHighPairs>(rows[i + 2], rows[i + 3]);
    rows[i] = shuffled<kLowHalves>(low01, low23);
    rows[i + 1] = shuffled<kHighHalves>(low01, low23);
    rows[i + 2] = shuffled<kLowHalves>(high01, high23);
    rows[i + 3] = shuffled<kHighHalves>(high01, high23);
  }
  if constexpr (kLanes > 4) exchange_groups<1>(rows);
  if constexpr (kLanes > 8) exchange_groups<2>(rows);
}

/// Loads kLanes rows of kCount * kLanes elements, which begin `stride` elements apart, as kCount * kLanes registers,
/// one for each column.
template <int kCount, class Element>
[[gnu::always_inline]] inline void load_columns(const Element* from, int64_t stride, Vec* columns) {
  for (int i = 0; i < kCount; ++i) {
    Vec square[kLanes];
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) square[r] = load_stored(from + r * stride + i * kLanes);
    transpose(square);
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) columns[i * kLanes + r] = square[r];
  }
}
