// SPDX-License-Identifier: Apache-2.0
// Attention by our CPU kernels, by libtorch's fused operator, or as matrix products.
#include "lucid/nn/attention.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "lucid/nn/choose.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn {
namespace {

/// Up to so many scores they are one matrix. For more, rows are taken in chunks that stay in the cache.
constexpr int64_t kMaxScores = int64_t{1} << 24;
constexpr int64_t kRowsPerChunk = 512;

/// q [S,N,d], k transposed [S,d,M], v [S,M,d] -> [S,N,d], S = batch * heads.
torch::Tensor matmul_attention_rows(const torch::Tensor& q, const torch::Tensor& k_transposed, const torch::Tensor& v) {
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(2)));
  // Scales the queries, which are smaller than the scores. (baddbmm with alpha would also multiply uninitialised
  // memory, which may hold NaN, by 0.)
  const torch::Tensor scores = torch::bmm(q * scale, k_transposed);
  return torch::bmm(scores.softmax(-1), v);
}

torch::Tensor matmul_attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  const torch::Tensor k_transposed = k.transpose(1, 2);
  const bool small = q.size(0) * q.size(1) * k.size(1) <= kMaxScores;
  if (small || tensor::wants_gradient({q, k, v})) return matmul_attention_rows(q, k_transposed, v);
  torch::Tensor out = torch::empty_like(q);
  for (int64_t row = 0; row < q.size(1); row += kRowsPerChunk) {
    const int64_t end = std::min(row + kRowsPerChunk, q.size(1));
    out.slice(1, row, end).copy_(matmul_attention_rows(q.slice(1, row, end), k_transposed, v));
  }
  return out;
}

}  // namespace

torch::Tensor attention_by_kernel(const kernels::AttentionKernel& kernel, torch::Tensor q, torch::Tensor k,
                                  torch::Tensor v, int64_t heads) {
  q = q.contiguous();
  // Keys and values that all samples share (expanded, stride 0) are packed once.
  const bool shared = k.stride(0) == 0 && v.stride(0) == 0;
  k = (shared ? k.slice(0, 0, 1) : k).contiguous();
  v = (shared ? v.slice(0, 0, 1) : v).contiguous();
  const torch::Tensor y = torch::empty_like(q);
  const kernels::AttentionShape shape{
      .batch = q.size(0), .heads = heads, .rows = q.size(1), .keys = k.size(1), .width = q.size(2) / heads};
  const int64_t head_count = shape.batch * heads, packed_heads = k.size(0) * heads;
  const torch::Tensor keys = torch::empty({packed_heads, kernel.packed_keys_size(shape)}, q.options());
  const torch::Tensor values = torch::empty({packed_heads, kernel.packed_values_size(shape)}, q.options());
  const auto head_data = [](const torch::Tensor& packed, int64_t head) {
    return static_cast<char*>(packed.data_ptr()) + head * packed.size(1) * static_cast<int64_t>(packed.element_size());
  };
  at::parallel_for(0, packed_heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) {
      kernel.pack_head(shape, head, k.data_ptr(), v.data_ptr(), head_data(keys, head), head_data(values, head));
    }
  });
  const int64_t blocks = (shape.rows + kernel.rows_per_call - 1) / kernel.rows_per_call;
  at::parallel_for(0, head_count * blocks, 1, [&](int64_t begin, int64_t end) {
    const torch::Tensor scratch = torch::empty({kernel.scratch_size(shape)}, torch::kByte);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t head = i / blocks, packed_head = head % packed_heads;
      kernel.attend_rows(shape, head, i % blocks * kernel.rows_per_call,
                         {.keys = head_data(keys, packed_head), .values = head_data(values, packed_head)}, q.data_ptr(),
                         y.data_ptr(), static_cast<char*>(scratch.data_ptr()));
    }
  });
  return y;
}

torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads) {
  using Method = AttentionChoice::Method;
  const AttentionChoice choice = choose_attention(q, k, v, heads);
  if (choice.method == Method::kKernel) return attention_by_kernel(*choice.kernel, q, k, v, heads);
  const int64_t batch = q.size(0), rows = q.size(1), width = q.size(2);
  const auto by_head = [&](const torch::Tensor& x) {  // [B,L,heads*d] -> [B,heads,L,d]
    return x.view({batch, x.size(1), heads, width / heads}).transpose(1, 2);
  };
#if TORCH_VERSION_MAJOR >= 2
  if (choice.method == Method::kLibtorch) {
    return at::scaled_dot_product_attention(by_head(q), by_head(k), by_head(v))
        .transpose(1, 2)
        .reshape({batch, rows, width});
  }
#endif
  const auto flat = [&](const torch::Tensor& x) {  // -> [B*heads,L,d]
    return by_head(x).reshape({batch * heads, x.size(1), width / heads});
  };
  const torch::Tensor out = matmul_attention(flat(q), flat(k), flat(v));
  return out.view({batch, heads, rows, width / heads}).transpose(1, 2).reshape({batch, rows, width});
}

}  // namespace lucid::nn
