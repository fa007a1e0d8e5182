// SPDX-License-Identifier: Apache-2.0
// Process settings and machine queries: mallopt, the OpenMP wait policy, getrusage, CPU affinity and CPUID.
#include "lucid/base/machine.h"

#include <malloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "lucid/base/error.h"

namespace lucid {
namespace {

constexpr std::string_view kNames[] = {"portable", "avx2", "avx512"};  // of the Isas

Isa isa_limit() {
  const char* wanted = std::getenv("LUCID_ISA");
  if (wanted == nullptr || *wanted == '\0') return Isa::kAvx512;
  for (int i = 0; i < 3; ++i) {
    if (kNames[i] == wanted) return static_cast<Isa>(i);
  }
  throw UserError({.what_happened = fmt::format("unknown instruction set '{}'", wanted),
                   .key = "LUCID_ISA",
                   .hint = "portable, avx2 or avx512"});
}

}  // namespace

void set_up_malloc() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

void return_large_blocks_to_os() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 1 << 16);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 4 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
#endif
}

bool set_passive_wait_policy() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return false;
  return setenv("OMP_WAIT_POLICY", "passive", 1) == 0;
}

void let_idle_threads_sleep(char** argv) {
  if (!set_passive_wait_policy()) return;
  execv("/proc/self/exe", argv);  // returns only if /proc is missing; the program then runs with spinning threads
}

int64_t peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;  // kilobytes on Linux
}

int core_count() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

Isa supported_isa() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    return Isa::kAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
    return Isa::kAvx2;
  }
#endif
  return Isa::kPortable;
}

std::string name_of(Isa isa) { return std::string(kNames[static_cast<int>(isa)]); }

Isa widest_isa() { return std::min(supported_isa(), isa_limit()); }

bool supports_bfloat16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool supports_amx() {
#if defined(__x86_64__)
  return supports_bfloat16() && __builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

bool has_fast_bfloat16() { return supports_bfloat16() && widest_isa() == Isa::kAvx512; }

bool has_bfloat16_matrix_units() {
#if defined(__x86_64__)
  // Linux lets a process use the tile registers once it has asked (arch/x86/include/uapi/asm/prctl.h).
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  static const bool usable = has_fast_bfloat16() && supports_amx() && std::getenv("LUCID_ISA") == nullptr &&
                             syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return usable;
#else
  return false;
#endif
}

}  // namespace lucid
