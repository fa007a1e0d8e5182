// SPDX-License-Identifier: Apache-2.0
// How small maths functions are declared: usable from host and device, and never emitted as a weak symbol of their own,
// so that files compiled for different instruction sets can share them without breaking the one-definition rule.
#pragma once

#if defined(__CUDACC__)
#define LUCID_INLINE __host__ __device__ __forceinline__
#else
#define LUCID_INLINE inline __attribute__((always_inline))
#endif
