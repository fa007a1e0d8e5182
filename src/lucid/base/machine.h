// SPDX-License-Identifier: Apache-2.0
// The machine and the process: malloc and OpenMP settings, instruction sets, core count, peak memory. The program sets
// these itself, so a user need not export environment variables.
#pragma once

#include <cstdint>
#include <string>

namespace lucid {

/// Makes glibc serve large blocks from the heap instead of mmap. Call it once, first in main. With mmap every large
/// tensor is mapped and unmapped, and page faults dominate a training step (attention takes 2 to 3 times as long).
void set_up_malloc();

/// Makes glibc serve blocks of 1 MiB and more by mmap again, and keep little at the heap's end, for runs that must save
/// memory: a freed block then returns to the system instead of leaving a hole in a heap. Each worker thread has a heap
/// of its own, so holes can take more than what is in use.
void return_large_blocks_to_os();

/// Restarts the program with OMP_WAIT_POLICY=passive, unless the user set a policy. Call it before any work in main.
/// By default OpenMP threads spin at every barrier; if other programs use the machine, a training step then takes 2 to
/// 7 times as long. On an idle machine the passive policy costs nothing. The restart is needed because libgomp reads
/// the variable before main.
void let_idle_threads_sleep(char** argv);
/// The first half of it, for a program that starts another one anyway: sets the policy, says whether it was unset.
bool set_passive_wait_policy();

int64_t peak_memory_mb();  // peak resident memory of this process so far, MiB
int core_count();          // cores that this process may use (its affinity mask)

/// Instruction sets that kernels exist for: plain C++; AVX2 with FMA and F16C; AVX-512 with F, DQ, BW and VL.
enum class Isa { kPortable, kAvx2, kAvx512 };
std::string name_of(Isa isa);  // "avx2"
Isa supported_isa();           // the widest one that the processor has
/// The widest instruction set that the processor has and the environment variable LUCID_ISA (portable, avx2 or avx512)
/// allows. Throws UserError if the variable holds another name.
Isa widest_isa();
bool supports_bfloat16();  // the processor has AVX512-BF16
bool supports_amx();       // and AMX-BF16
/// Whether bfloat16 dot products are usable: the processor has AVX512-BF16 and widest_isa() is kAvx512.
bool has_fast_bfloat16();
/// Whether bfloat16 matrix products in tile registers are usable as well: the processor has AMX-BF16, the system lets
/// this process use it, and LUCID_ISA does not limit the instruction set (avx512 is the limit without AMX).
bool has_bfloat16_matrix_units();

}  // namespace lucid
