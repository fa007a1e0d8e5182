// SPDX-License-Identifier: Apache-2.0
// Weights as they are stored (stored_weights.h) as float_product_body.h multiplies by them: their rows become a panel's
// columns. After it.

struct Half {
  uint16_t bits;
};
struct Bfloat16 {
  uint16_t bits;
};

/// body(numbers) with them in their type.
template <class Body>
[[gnu::always_inline]] inline void with_numbers(const StoredWeights& weights, const Body& body) {
  switch (weights.type) {
    case StoredType::kFloat:
      return body(static_cast<const float*>(weights.numbers));
    case StoredType::kHalf:
      return body(static_cast<const Half*>(weights.numbers));
    case StoredType::kBfloat16:
      return body(static_cast<const Bfloat16*>(weights.numbers));
  }
}

using Bits [[gnu::vector_size(4 * kLanes)]] = uint32_t;
using BitsOfHalves [[gnu::vector_size(2 * kLanes), gnu::aligned(2), gnu::may_alias]] = uint16_t;
template <class Number>
[[gnu::always_inline]] inline Bits load_bits(const Number* from) {
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
  // The exponent moves from five bits to eight, with a bias of 15 and of 127; what is below float16's least exponent
  // has no leading one: as if it had, less that one.
  const Bits number = ((bits & 0x7fff) << 13) + (112U << 23), sign = (bits & 0x8000) << 16;
  const Bits least = Bits{} + (113U << 23);
  const Vec below = reinterpret_cast<Vec>(number + (1U << 23)) - reinterpret_cast<Vec>(least);
  return reinterpret_cast<Vec>(((bits & 0x7c00) == 0 ? reinterpret_cast<Bits>(below) : number) | sign);
#endif
}

[[gnu::always_inline]] inline float widened(float number) { return number; }
[[gnu::always_inline]] inline float widened(Bfloat16 number) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(number.bits) << 16);
}
[[gnu::always_inline]] inline float widened(Half number) {
#if defined(__F16C__)
  return _cvtsh_ss(number.bits);
#else
  Half numbers[kLanes] = {number};
  return load_stored(numbers)[0];
#endif
}

template <auto kFrom, int... kLane>
[[gnu::always_inline]] inline Vec shuffled(Vec a, Vec b, std::integer_sequence<int, kLane...>) {
  return __builtin_shufflevector(a, b, kFrom(kLane)...);
}
/// Lane i is lane kFrom(i) of a and b side by side.
template <auto kFrom>
[[gnu::always_inline]] inline Vec shuffled(Vec a, Vec b) {
  return shuffled<kFrom>(a, b, std::make_integer_sequence<int, kLanes>());
}

/// Exchanges, in squares of four registers, groups of four lanes with those kStep squares on.
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

/// A square of numbers, in place. Within groups of four lanes first, where shuffles are cheap.
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

/// kCount * kLanes numbers of each of kLanes rows, which begin `stride` numbers apart -> as many registers, one a
/// column.
template <int kCount, class Number>
[[gnu::always_inline]] inline void load_columns(const Number* from, int64_t stride, Vec* columns) {
  for (int i = 0; i < kCount; ++i) {
    Vec square[kLanes];
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) square[r] = load_stored(from + r * stride + i * kLanes);
    transpose(square);
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) columns[i * kLanes + r] = square[r];
  }
}
