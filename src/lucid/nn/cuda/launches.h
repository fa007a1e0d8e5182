// SPDX-License-Identifier: Apache-2.0
// Which kernels run in which order, for whichever platform this is compiled; fused_device.h says what they compute.
#pragma once

#include "lucid/nn/cuda/device_kernels.h"
#include "lucid/nn/cuda/group_norm_gradient_kernels.h"
#include "lucid/nn/cuda/group_norm_kernels.h"
#include "lucid/nn/cuda/token_kernels.h"

namespace lucid::nn::LUCID_CUDA_PLATFORM {

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
inline int64_t sums_size(const kernels::NormShape& shape) {
  return shape.samples * cover_of(shape).chunks * 2 * shape.channels;
}
inline dim3 groups_of(const kernels::NormShape& shape) { return dim3(unsigned(shape.groups), unsigned(shape.samples)); }

inline void group_norm_at_once(const cuda::GroupNormCall& call, const Slice& slice,
                               const cuda::GroupNormScratch& scratch, void* y, Stream stream) {
  const kernels::NormShape& shape = call.shape;
  const dim3 grid(unsigned(shape.groups / slice.groups), unsigned(shape.samples));
  with_type(call.number, [&](auto number) {
    using T = decltype(number);
    launch("norm_at_once", call.silu ? norm_at_once<true, T> : norm_at_once<false, T>, grid, kSliceBlock, stream, shape,
           slice, static_cast<const T*>(call.x), inputs_of<T>(call), scratch.statistics, static_cast<T*>(y));
  });
}

inline void group_norm_by_passes(const cuda::GroupNormCall& call, const cuda::GroupNormScratch& scratch, void* y,
                                 Stream stream) {
  const kernels::NormShape& shape = call.shape;
  const Cover cover = cover_of(shape);
  const dim3 grid = cover.grid(shape.samples);
  with_type(call.number, [&](auto number) {
    using T = decltype(number);
    const T* x = static_cast<const T*>(call.x);
    launch("channel_sums", channel_sums<T>, grid, kBlock, stream, shape, cover, x, scratch.sums);
    launch("norm_lines", norm_lines<T>, groups_of(shape), kBlock, stream, shape, cover.chunks, x, scratch.sums,
           inputs_of<T>(call), scratch.statistics, scratch.lines);
    launch("norm_apply", call.silu ? norm_apply<true, T> : norm_apply<false, T>, grid, kBlock, stream, shape, cover, x,
           scratch.lines, static_cast<T*>(y));
  });
}

inline void group_norm_forward(const cuda::GroupNormCall& call, const cuda::GroupNormScratch& scratch, void* y,
                               Stream stream) {
  const Slice slice = slice_of(call.shape);
  if (slice) return group_norm_at_once(call, slice, scratch, y, stream);
  group_norm_by_passes(call, scratch, y, stream);
}

inline void group_norm_backward(const cuda::GroupNormCall& call, const cuda::GroupNormScratch& scratch, const void* dy,
                                float* totals, void* dx, Stream stream) {
  const kernels::NormShape& shape = call.shape;
  const Cover cover = cover_of(shape);
  const dim3 grid = cover.grid(shape.samples);
  with_type(call.number, [&](auto number) {
    using T = decltype(number);
    const T *x = static_cast<const T*>(call.x), *up = static_cast<const T*>(dy);
    launch("gradient_sums", call.silu ? gradient_sums<true, T> : gradient_sums<false, T>, grid, kBlock, stream, shape,
           cover, x, up, inputs_of<T>(call), scratch.statistics, scratch.sums);
    launch("gradient_lines", gradient_lines, groups_of(shape), kBlock, stream, shape, cover.chunks, scratch.sums,
           call.weight, scratch.statistics, totals, scratch.lines);
    launch("gradient_apply", call.silu ? gradient_apply<true, T> : gradient_apply<false, T>, grid, kBlock, stream,
           shape, cover, x, up, inputs_of<T>(call), scratch.statistics, scratch.lines, static_cast<T*>(dx));
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

/// body(first row, rows) for parts of `rows` in which vectors are numbered in 32 bits: dividing wider numbers costs a
/// GPU as much as the rest of such a kernel.
template <class Body>
void for_parts(int64_t rows, int vectors, const Body& body) {
  const int64_t most = (INT32_MAX - int64_t(kBlock)) / vectors;
  for (int64_t begin = 0; begin < rows; begin += most) body(begin, rows - begin < most ? rows - begin : most);
}

inline void gated_gelu(cuda::Number number, int64_t rows, int width, const void* ab, void* y, Stream stream) {
  with_type(number, [&](auto zero) {
    using T = decltype(zero);
    const int vectors = width / kEight;
    for_parts(rows, vectors, [&](int64_t begin, int64_t part) {
      launch("gated_gelu_rows", gated_gelu_rows<T>, blocks_for(part * vectors, kBlock), kBlock, stream, int(part),
             width, static_cast<const T*>(ab) + begin * 2 * width, static_cast<T*>(y) + begin * width);
    });
  });
}

inline void sum(const cuda::SumCall& call, Stream stream) {
  const auto run = [&](auto of_a, auto of_b) {
    using A = decltype(of_a);
    using T = decltype(of_b);
    const int vectors = call.channels / kEight;
    for_parts(call.rows, vectors, [&](int64_t begin, int64_t part) {
      const int64_t at = begin * call.channels;
      launch("sum_with_biases", sum_with_biases<A, T>, blocks_for(part * vectors, kBlock), kBlock, stream, int(part),
             call.channels, static_cast<const A*>(call.a) + at, static_cast<const T*>(call.b) + at,
             static_cast<const T*>(call.bias), static_cast<const T*>(call.other_bias), static_cast<T*>(call.y) + at);
    });
  };
  if (call.a_number == cuda::Number::kBfloat16) return run(uint16_t{}, uint16_t{});
  with_type(call.number, [&](auto number) { run(float{}, number); });
}

}  // namespace lucid::nn::LUCID_CUDA_PLATFORM
