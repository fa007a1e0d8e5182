// SPDX-License-Identifier: Apache-2.0
// Which kernels run in which order, for whichever platform this is compiled; fused_device.h says what they compute.
#pragma once

#include "lucid/diffusion/cuda/fused_device.h"
#include "lucid/diffusion/cuda/group_norm_kernels.h"
#include "lucid/diffusion/cuda/normal_kernels.h"
#include "lucid/diffusion/cuda/token_kernels.h"

namespace lucid::diffusion::LUCID_CUDA_PLATFORM {

/// body(number) with a zero of the type that the numbers have in memory.
template <class Body>
void with_type(cuda::Number number, const Body& body) {
  if (number == cuda::Number::kFloat) return body(float{});
  body(uint16_t{});
}

template <class T>
NormInputs<T> inputs_of(const cuda::GroupNormCall& call) {
  return {call.weight, call.bias, static_cast<const T*>(call.shift), call.shift_stride, call.eps};
}
/// As cuda::group_norm_sums.
inline int64_t sums_size(const NormShape& shape) { return shape.samples * cover_of(shape).chunks * 2 * shape.channels; }
inline dim3 groups_of(const NormShape& shape) { return dim3(unsigned(shape.groups), unsigned(shape.samples)); }

inline void group_norm_forward(const cuda::GroupNormCall& call, const cuda::GroupNormScratch& scratch, void* y,
                               Stream stream) {
  const NormShape& shape = call.shape;
  const Cover cover = cover_of(shape);
  with_type(call.number, [&](auto number) {
    using T = decltype(number);
    const T* x = static_cast<const T*>(call.x);
    launch("channel_sums", channel_sums<T>, cover.grid(shape.samples), kBlock, stream, shape, cover, x, scratch.sums);
    launch("norm_lines", norm_lines<T>, groups_of(shape), kBlock, stream, shape, cover.chunks, x, scratch.sums,
           inputs_of<T>(call), scratch.statistics, scratch.lines);
    launch("norm_apply", norm_apply<T>, cover.grid(shape.samples), kBlock, stream, shape, cover, x, scratch.lines,
           call.silu, static_cast<T*>(y));
  });
}

inline void group_norm_backward(const cuda::GroupNormCall& call, const cuda::GroupNormScratch& scratch, const void* dy,
                                float* totals, void* dx, Stream stream) {
  const NormShape& shape = call.shape;
  const Cover cover = cover_of(shape);
  with_type(call.number, [&](auto number) {
    using T = decltype(number);
    const T *x = static_cast<const T*>(call.x), *up = static_cast<const T*>(dy);
    launch("gradient_sums", gradient_sums<T>, cover.grid(shape.samples), kBlock, stream, shape, cover, x, up,
           inputs_of<T>(call), scratch.statistics, call.silu, scratch.sums);
    launch("gradient_lines", gradient_lines, groups_of(shape), kBlock, stream, shape, cover.chunks, scratch.sums,
           call.weight, scratch.statistics, totals, scratch.lines);
    launch("gradient_apply", gradient_apply<T>, cover.grid(shape.samples), kBlock, stream, shape, cover, x, up,
           inputs_of<T>(call), scratch.statistics, scratch.lines, call.silu, static_cast<T*>(dx));
  });
}

template <class X, class T>
void layer_norm_of_width(const cuda::LayerNormCall& call, Stream stream) {
  const auto run = [&](auto* kernel) {
    launch("layer_norm_of_sum", kernel, blocks_for(call.rows, kRowsOfBlock), kBlock, stream, call.rows, call.channels,
           static_cast<const X*>(call.x), static_cast<const T*>(call.part), call.weight, call.bias, call.eps,
           static_cast<X*>(call.sum), static_cast<T*>(call.y));
  };
  static_assert(kMostVectors == 6, "the last case below");
  switch ((call.channels + kEight * int(kWarp) - 1) / (kEight * int(kWarp))) {
    case 1:
      return run(layer_norm_of_sum<X, T, 1>);
    case 2:
      return run(layer_norm_of_sum<X, T, 2>);
    case 3:
      return run(layer_norm_of_sum<X, T, 3>);
    case 4:
      return run(layer_norm_of_sum<X, T, 4>);
    case 5:
      return run(layer_norm_of_sum<X, T, 5>);
    default:
      return run(layer_norm_of_sum<X, T, kMostVectors>);
  }
}

inline void layer_norm(const cuda::LayerNormCall& call, Stream stream) {
  if (call.x_number == cuda::Number::kBfloat16) return layer_norm_of_width<uint16_t, uint16_t>(call, stream);
  with_type(call.number, [&](auto number) { layer_norm_of_width<float, decltype(number)>(call, stream); });
}

inline void gated_gelu(cuda::Number number, int64_t rows, int width, const void* ab, void* y, Stream stream) {
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    launch("gated_gelu_rows", gated_gelu_rows<T>, blocks_for(rows * (width / kEight), kBlock), kBlock, stream, rows,
           width, static_cast<const T*>(ab), static_cast<T*>(y));
  });
}

inline void sum(const cuda::SumCall& call, Stream stream) {
  const auto run = [&](auto of_a, auto of_b) {
    using A = decltype(of_a);
    using T = decltype(of_b);
    launch("sum_with_biases", sum_with_biases<A, T>, blocks_for(call.rows * (call.channels / kEight), kBlock), kBlock,
           stream, call.rows, call.channels, static_cast<const A*>(call.a), static_cast<const T*>(call.b),
           static_cast<const T*>(call.bias), static_cast<const T*>(call.other_bias), static_cast<T*>(call.y));
  };
  if (call.a_number == cuda::Number::kBfloat16) return run(uint16_t{}, uint16_t{});
  with_type(call.number, [&](auto number) { run(float{}, number); });
}

inline void normals(const NormalRun& run, int64_t count, float* out, Stream stream) {
  if (count == 0) return;
  launch("draw_normals", draw_normals, blocks_for((count + 1) / 2, kBlock), kBlock, stream, run, count, out);
}

}  // namespace lucid::diffusion::LUCID_CUDA_PLATFORM
