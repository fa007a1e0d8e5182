// SPDX-License-Identifier: Apache-2.0
// Every float32 kernel. Each kernels_<isa>.cpp includes this once, in an unnamed namespace, after math/simd/simd.h,
// and is compiled for its instruction set as a whole: no inline function of a header may be emitted there.

#include "lucid/nn/kernels/float_product_body.h"
// in terms of it:
#include "lucid/nn/kernels/attention_float_body.h"
#include "lucid/nn/kernels/float_panel_body.h"
#include "lucid/nn/kernels/winograd_points_body.h"
// and of these:
#include "lucid/nn/kernels/linear_float_body.h"
#include "lucid/nn/kernels/winograd_float_body.h"
