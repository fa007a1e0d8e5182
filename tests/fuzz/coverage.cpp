// SPDX-License-Identifier: Apache-2.0
// GCC marks every block with a call; libFuzzer wants counters. (Clang, which has both, cannot read libtorch 1.13's
// headers as C++20.)
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

// Of floating-point numbers; libFuzzer learns from whole ones alone.
void __sanitizer_cov_trace_cmpf(float, float) {}
void __sanitizer_cov_trace_cmpd(double, double) {}

[[gnu::constructor]] static void announce() { __sanitizer_cov_8bit_counters_init(counters, counters + kCounters); }

}  // extern "C"
