// SPDX-License-Identifier: Apache-2.0
// All float32 kernels (attention, linear, Winograd) in terms of the SIMD vocabulary of math/simd/simd.h. Each
// kernels_<isa>.cpp includes this file once, in an unnamed namespace, after simd.h. Such a file is compiled for its
// instruction set as a whole and must not emit an inline function of any other header.

#include "lucid/nn/kernels/gemm_float_body.h"
// These use gemm_float_body.h:
#include "lucid/nn/kernels/attention_float_body.h"
#include "lucid/nn/kernels/weight_loads_body.h"
#include "lucid/nn/kernels/winograd_transforms_body.h"
// These use all of the above but attention:
#include "lucid/nn/kernels/linear_float_body.h"
#include "lucid/nn/kernels/winograd_float_body.h"
