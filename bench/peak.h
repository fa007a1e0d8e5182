// SPDX-License-Identifier: Apache-2.0
// Peak arithmetic rates of this machine, measured at run time. Benchmarks report fractions of them.
#pragma once

#include <string_view>

namespace lucid::bench {

struct Peak {
  double fma_gflops = 0;  // single-precision multiply-adds, two operations each
  double exp_giga = 0;    // e^x evaluations a second, 1e9, by the rasteriser's polynomial
};

/// Measures with the instructions of `isa` ("portable", "avx2", "avx512") on all OpenMP threads.
Peak measure_peak(std::string_view isa);

/// GFLOP/s of bfloat16 dot products with float32 sums (AVX512-BF16) on all threads; 0 without these instructions.
double measure_bfloat16_peak();

}  // namespace lucid::bench
