// SPDX-License-Identifier: Apache-2.0
// SIMD vocabulary of the rasteriser and of nn/kernels: Vec (kLanes floats), Mask (one bool for each lane) and their
// operations, in the widest instruction set that the including file is compiled for. Such a file
//   - includes <immintrin.h> (on x86) and lucid/base/inline.h first,
//   - then includes this file inside a namespace of its own, so that the linker cannot take its functions for a file of
//     another instruction set; hence no pragma once,
//   - and may use the arithmetic operators, comparisons and ?: of the compiler's vector extension on a Vec.
// LUCID_SIMD_LANES, if defined, asks for the portable form with so many lanes; tests emulate AVX-512 with it.
//
// load, store (any alignment), broadcast; fma(a, b, c) = a b + c, negative_fma = c - a b; minimum and maximum (the
// second operand if either is NaN); reciprocal; round_to_int (to nearest); times_power_of_two(v, n) = v 2^n for a whole
// n; greater_equal, less; any, bits, count of a Mask; select(m, yes, no), zero_unless(m, v); sum over the lanes. exp2.h
// adds powers of two.
#if defined(LUCID_SIMD_LANES)
#include "lucid/math/simd/portable.h"
#elif defined(__AVX512F__)
#include "lucid/math/simd/avx512.h"
#elif defined(__AVX2__)
#include "lucid/math/simd/avx2.h"
#else
#include "lucid/math/simd/portable.h"
#endif
#include "lucid/math/simd/exp2.h"
