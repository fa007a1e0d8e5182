// SPDX-License-Identifier: Apache-2.0
// Peak arithmetic rates: loops over independent chains of operations in registers, enough chains to hide latencies.
#include "peak.h"

#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "lucid/base/machine.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lucid::bench {
namespace {

template <int kBytes>
using Vector [[gnu::vector_size(kBytes)]] = float;

/// The best rate of a few runs, in operations per second; each thread's call does `per_call` operations.
double best_rate(double per_call, const std::function<float()>& call) {
  double best = 0;
  for (int run = 0; run < 7; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    float sink = 0;
#pragma omp parallel reduction(+ : sink)
    sink += call();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    volatile float keep = sink;
    (void)keep;
    best = std::max(best, per_call * omp_get_max_threads() / seconds);
  }
  return best;
}

constexpr int64_t kRounds = 1 << 18;
constexpr int kChains = 10;

template <int kBytes>
[[gnu::always_inline]] inline float multiply_adds() {
  Vector<kBytes> sums[kChains], factor = Vector<kBytes>{} + 0.999f, term = Vector<kBytes>{} + 1e-3f;
  for (int i = 0; i < kChains; ++i)
    sums[i] = Vector<kBytes>{} + (1 + 0.01f * float(i));  // equal chains would be merged
  for (int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 16
    for (auto& sum : sums) sum = sum * factor + term;
  }
  float total = 0;
  for (const auto& sum : sums) total += sum[0];
  return total;
}

/// 2^x: the polynomial and scaling of exp2_fast() in blend_body.h.
template <int kBytes>
[[gnu::always_inline]] inline float exponentials() {
  using Bits [[gnu::vector_size(kBytes)]] = int32_t;
  constexpr float kMagic = 12582912.0f;
  Vector<kBytes> xs[kChains];
  for (int i = 0; i < kChains; ++i) xs[i] = Vector<kBytes>{} - 0.1f * float(i);
  for (int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 16
    for (auto& x : xs) {
      const Vector<kBytes> shifted = x + kMagic, f = x - (shifted - kMagic);
      Vector<kBytes> p = f * 0.0013276460597951881f + 0.009675541243488257f;
      p = p * f + 0.055507133087452934f;
      p = p * f + 0.24022119726104738f;
      p = p * f + 0.6931469670431794f;
      p = p * f + 1.0000000716539867f;
      x = (Vector<kBytes>)((Bits)p + ((Bits)shifted << 23)) - 1.5f;
    }
  }
  float total = 0;
  for (const auto& x : xs) total += x[0];
  return total;
}

#if defined(__x86_64__)
[[gnu::target("avx512f,avx512bf16"), gnu::noinline]] float bfloat16_multiply_adds() {
  __m512 sums[kChains];
  const __m512bh factor = (__m512bh)_mm512_set1_epi16(0x3F80);  // 1
  for (int i = 0; i < kChains; ++i) sums[i] = _mm512_set1_ps(0.01f * float(i));
  for (int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 16
    for (auto& sum : sums) sum = _mm512_dpbf16_ps(sum, factor, factor);
  }
  float total = 0;
  for (const auto& sum : sums) total += sum[0];
  return total;
}
[[gnu::target("avx512f,fma"), gnu::noinline]] float multiply_adds_avx512() { return multiply_adds<64>(); }
[[gnu::target("avx512f,fma"), gnu::noinline]] float exponentials_avx512() { return exponentials<64>(); }
[[gnu::target("avx2,fma"), gnu::noinline]] float multiply_adds_avx2() { return multiply_adds<32>(); }
[[gnu::target("avx2,fma"), gnu::noinline]] float exponentials_avx2() { return exponentials<32>(); }
#endif
[[gnu::noinline]] float multiply_adds_portable() { return multiply_adds<16>(); }
[[gnu::noinline]] float exponentials_portable() { return exponentials<16>(); }

}  // namespace

double measure_bfloat16_peak() {
#if defined(__x86_64__)
  if (has_fast_bfloat16()) return best_rate(4.0 * 16 * kRounds * kChains, bfloat16_multiply_adds) * 1e-9;
#endif
  return 0;
}

Peak measure_peak(std::string_view isa) {
  const auto peak = [](int lanes, float (*fma)(), float (*exp)()) {
    const double values = double(kRounds) * kChains * lanes;
    return Peak{.fma_gflops = best_rate(2 * values, fma) * 1e-9, .exp_giga = best_rate(values, exp) * 1e-9};
  };
#if defined(__x86_64__)
  if (isa == "avx512") return peak(16, multiply_adds_avx512, exponentials_avx512);
  if (isa == "avx2") return peak(8, multiply_adds_avx2, exponentials_avx2);
#endif
  return peak(4, multiply_adds_portable, exponentials_portable);
}

}  // namespace lucid::bench
