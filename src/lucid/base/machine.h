// SPDX-License-Identifier: Apache-2.0
// What the program asks of the machine, and sets for itself, so that no user has to export anything.
#pragma once

#include <cstdint>

namespace lucid {

/// Once, first thing in main: keeps big tensors in the heap. glibc would otherwise map and unmap each one, and a step
/// would spend its time in page faults (attention 2-3x slower).
void set_up_malloc();

/// For a run that must save memory: from now on the largest tensors are mapped after all, so that what one leaves is
/// the machine's again and not a gap in the heap.
void give_back_large_memory();

/// Before any work in main: starts the program again with OMP_WAIT_POLICY=passive unless the user set a policy.
/// OpenMP threads otherwise spin at every barrier, and a step on a machine that does anything else takes 2-7x as long;
/// on an idle one nothing is lost. libgomp reads the variable before main, so setting it here is too late without the
/// restart.
void let_idle_threads_sleep(char** argv);

int64_t peak_memory_mb();  // of this process so far
int core_count();          // usable by this process

/// What kernels are written for: AVX2 with FMA; AVX-512 with its parts F, DQ, BW and VL.
enum class Isa { kPortable, kAvx2, kAvx512 };
/// What the processor has, lowered by LUCID_ISA (portable, avx2 or avx512). Throws UserError for another name.
Isa widest_isa();
bool has_fast_bfloat16();  // it multiplies bfloat16 numbers (AVX512-BF16), which LUCID_ISA below avx512 forbids too

}  // namespace lucid
