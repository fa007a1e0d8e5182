// SPDX-License-Identifier: Apache-2.0
// What this machine's vector units can do at most, measured here and now: the yardstick of the benchmarks.
#pragma once

#include <string_view>

namespace lucid::bench {

struct Peak {
  double fma_gflops = 0;  // single-precision multiply-adds, two operations each
  double exp_giga = 0;    // e^x evaluations a second, 1e9, by the rasteriser's polynomial
};

/// With the instructions of `isa` ("portable", "avx2", "avx512") and as many threads as OpenMP has.
Peak measure_peak(std::string_view isa);

/// GFLOP/s of bfloat16 multiply-adds with float32 sums (AVX512-BF16), of all threads; 0 where there are no such
/// instructions.
double measure_bfloat16_peak();

}  // namespace lucid::bench
