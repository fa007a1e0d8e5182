// SPDX-License-Identifier: Apache-2.0
// Emulation, with GCC's vector extension, of the AVX-512 and AVX512-BF16 intrinsics that the bfloat16 kernels call. It
// is found in place of the compiler's own immintrin.h, so that any x86 processor can test these kernels. Results equal
// the instructions' but in two cases: the last bit of a fused multiply-add, which rounds once and not twice, and
// subnormal numbers, which AVX512-BF16 takes for zero. NOLINTBEGIN(*-naming): Intel's names
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#define LUCID_INTRINSIC [[gnu::always_inline]] inline

namespace emulated {
template <class Element, int kBytes>
struct VectorOf {
  using type [[gnu::vector_size(kBytes)]] = Element;
};
template <class Element, int kBytes>
using Vector = typename VectorOf<Element, kBytes>::type;

template <class To, class From>
LUCID_INTRINSIC To bits_of(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(To));
  return to;
}
template <class To>
LUCID_INTRINSIC To load_as(const void* from) {
  To to;
  std::memcpy(&to, from, sizeof(To));
  return to;
}
template <class From>
LUCID_INTRINSIC void store_bytes(void* to, const From& from) {
  std::memcpy(to, &from, sizeof(From));
}
}  // namespace emulated

using __mmask16 = uint16_t;
using __m512 = emulated::Vector<float, 64>;
using __m256 = emulated::Vector<float, 32>;
using __m512i = emulated::Vector<long long, 64>;
using __m256i = emulated::Vector<long long, 32>;
using __m512bh = emulated::Vector<short, 64>;
using __m256bh = emulated::Vector<short, 32>;

namespace emulated {
using Bits512 = Vector<uint32_t, 64>;
using Bits256 = Vector<uint32_t, 32>;
using Halves256 = Vector<uint16_t, 32>;

/// s[i] + a[2i] b[2i] + a[2i+1] b[2i+1] in float32, for bfloat16 a and b.
template <class Floats, class Bits, class Pairs>
LUCID_INTRINSIC Floats dot_product_of_pairs(Floats s, Pairs a, Pairs b) {
  const Bits x = bits_of<Bits>(a), y = bits_of<Bits>(b);
  const auto low = [](Bits pairs) { return bits_of<Floats>(pairs << 16); };
  const auto high = [](Bits pairs) { return bits_of<Floats>(pairs & 0xffff0000U); };
  return s + high(x) * high(y) + low(x) * low(y);
}
}  // namespace emulated

LUCID_INTRINSIC __m512 _mm512_setzero_ps() { return __m512{}; }
LUCID_INTRINSIC __m256 _mm256_setzero_ps() { return __m256{}; }
LUCID_INTRINSIC __m256i _mm256_setzero_si256() { return __m256i{}; }
LUCID_INTRINSIC __m512 _mm512_set1_ps(float value) { return __m512{} + value; }
LUCID_INTRINSIC __m512i _mm512_set1_epi32(int value) {
  return emulated::bits_of<__m512i>(emulated::Bits512{} + static_cast<uint32_t>(value));
}

LUCID_INTRINSIC __m512 _mm512_loadu_ps(const void* from) { return emulated::load_as<__m512>(from); }
LUCID_INTRINSIC __m256 _mm256_loadu_ps(const void* from) { return emulated::load_as<__m256>(from); }
LUCID_INTRINSIC __m512i _mm512_loadu_si512(const void* from) { return emulated::load_as<__m512i>(from); }
LUCID_INTRINSIC __m256i _mm256_loadu_si256(const void* from) { return emulated::load_as<__m256i>(from); }
LUCID_INTRINSIC __m512 _mm512_mask_loadu_ps(__m512 otherwise, __mmask16 mask, const float* from) {
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1) != 0) otherwise[i] = from[i];
  }
  return otherwise;
}
LUCID_INTRINSIC __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const float* from) {
  return _mm512_mask_loadu_ps(__m512{}, mask, from);
}
LUCID_INTRINSIC __m256i _mm256_maskz_loadu_epi16(__mmask16 mask, const void* from) {
  emulated::Halves256 halves{};
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1) != 0) halves[i] = emulated::load_as<uint16_t>(static_cast<const uint16_t*>(from) + i);
  }
  return emulated::bits_of<__m256i>(halves);
}

LUCID_INTRINSIC void _mm512_storeu_ps(void* to, __m512 value) { emulated::store_bytes(to, value); }
LUCID_INTRINSIC void _mm256_storeu_ps(void* to, __m256 value) { emulated::store_bytes(to, value); }
LUCID_INTRINSIC void _mm512_storeu_si512(void* to, __m512i value) { emulated::store_bytes(to, value); }
LUCID_INTRINSIC void _mm256_storeu_si256(void* to, __m256i value) { emulated::store_bytes(to, value); }
LUCID_INTRINSIC void _mm256_mask_storeu_epi16(void* to, __mmask16 mask, __m256i value) {
  const auto halves = emulated::bits_of<emulated::Halves256>(value);
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1) != 0) emulated::store_bytes(static_cast<uint16_t*>(to) + i, uint16_t{halves[i]});
  }
}

LUCID_INTRINSIC __m512 _mm512_add_ps(__m512 a, __m512 b) { return a + b; }
LUCID_INTRINSIC __m512 _mm512_sub_ps(__m512 a, __m512 b) { return a - b; }
LUCID_INTRINSIC __m512 _mm512_mul_ps(__m512 a, __m512 b) { return a * b; }
LUCID_INTRINSIC __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) { return a * b + c; }
LUCID_INTRINSIC __m512 _mm512_fmsub_ps(__m512 a, __m512 b, __m512 c) { return a * b - c; }
LUCID_INTRINSIC __m512 _mm512_max_ps(__m512 a, __m512 b) { return a > b ? a : b; }
LUCID_INTRINSIC __m512 _mm512_maskz_mov_ps(__mmask16 mask, __m512 a) {
  for (int i = 0; i < 16; ++i) {
    if ((mask >> i & 1) == 0) a[i] = 0;
  }
  return a;
}
LUCID_INTRINSIC float _mm512_cvtss_f32(__m512 a) { return a[0]; }
LUCID_INTRINSIC float _mm512_reduce_add_ps(__m512 a) {
  float sum = 0;
  for (int i = 0; i < 16; ++i) sum += a[i];
  return sum;
}
LUCID_INTRINSIC float _mm512_reduce_max_ps(__m512 a) {
  float most = a[0];
  for (int i = 1; i < 16; ++i) most = a[i] > most ? a[i] : most;
  return most;
}
LUCID_INTRINSIC __m512 _mm512_roundscale_ps(__m512 a, int /*to the nearest integer*/) {
  for (int i = 0; i < 16; ++i) a[i] = std::nearbyint(a[i]);
  return a;
}
LUCID_INTRINSIC __m512 _mm512_scalef_ps(__m512 a, __m512 power) {
  constexpr float kLargestExponent = 1000;  // 2^-1000 is zero in float32
  for (int i = 0; i < 16; ++i) a[i] = std::ldexp(a[i], static_cast<int>(std::fmax(power[i], -kLargestExponent)));
  return a;
}

LUCID_INTRINSIC __m256i _mm512_castsi512_si256(__m512i a) { return emulated::load_as<__m256i>(&a); }
LUCID_INTRINSIC __m512i _mm512_or_si512(__m512i a, __m512i b) { return a | b; }
LUCID_INTRINSIC __m512i _mm512_slli_epi32(__m512i a, int by) {
  return emulated::bits_of<__m512i>(emulated::bits_of<emulated::Bits512>(a) << by);
}
LUCID_INTRINSIC __m512i _mm512_cvtepu16_epi32(__m256i a) {
  return emulated::bits_of<__m512i>(
      __builtin_convertvector(emulated::bits_of<emulated::Halves256>(a), emulated::Bits512));
}
LUCID_INTRINSIC __m256bh _mm512_cvtneps_pbh(__m512 a) {  // round to nearest even
  const auto bits = emulated::bits_of<emulated::Bits512>(a);
  const emulated::Bits512 rounded = a == a ? (bits + 0x7fff + ((bits >> 16) & 1)) >> 16 : (bits >> 16) | 0x40;
  return emulated::bits_of<__m256bh>(__builtin_convertvector(rounded, emulated::Halves256));
}
LUCID_INTRINSIC __m512 _mm512_dpbf16_ps(__m512 s, __m512bh a, __m512bh b) {
  return emulated::dot_product_of_pairs<__m512, emulated::Bits512>(s, a, b);
}
LUCID_INTRINSIC __m256 _mm256_dpbf16_ps(__m256 s, __m256bh a, __m256bh b) {
  return emulated::dot_product_of_pairs<__m256, emulated::Bits256>(s, a, b);
}

#define _MM_FROUND_TO_NEAREST_INT 0
#define _MM_FROUND_NO_EXC 8
// NOLINTEND(*-naming)
