// SPDX-License-Identifier: Apache-2.0
// Coverage for libFuzzer from code compiled by GCC: GCC calls a function per basic block, libFuzzer reads 8-bit
// counters. (Clang supports libFuzzer directly, but cannot compile libtorch 1.13's headers as C++20.)
#include <cstdint>

namespace {

constexpr uintptr_t kCounters = 1 << 16;
uint8_t counters[kCounters];

}  // namespace

extern "C" {

void __sanitizer_cov_8bit_counters_init(uint8_t* begin, uint8_t* end);

void __sanitizer_cov_trace_pc() {
  const auto block = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  uint8_t& counter = counters[(block ^ (block >> 16)) % kCounters];
  if (counter != 0xFF) ++counter;
}

// Comparisons of floating-point numbers; libFuzzer uses comparisons of integers only.
void __sanitizer_cov_trace_cmpf(float, float) {}
void __sanitizer_cov_trace_cmpd(double, double) {}

[[gnu::constructor]] static void announce() { __sanitizer_cov_8bit_counters_init(counters, counters + kCounters); }

}  // extern "C"
