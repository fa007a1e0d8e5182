// SPDX-License-Identifier: Apache-2.0
// LUCID_INLINE: declares a small function that is always inlined, for host and device. Such a function has no symbol of
// its own, so files compiled for different instruction sets can share it without breaking the one-definition rule.
#pragma once

#if defined(__CUDACC__)
#define LUCID_INLINE __host__ __device__ __forceinline__
#else
#define LUCID_INLINE inline __attribute__((always_inline))
#endif
