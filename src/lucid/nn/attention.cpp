// SPDX-License-Identifier: Apache-2.0
// See attention.h.
#include "lucid/nn/attention.h"

#include <ATen/Parallel.h>

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/nn/conv2d.h"
#include "lucid/nn/kernels/kernels.h"
#include "lucid/nn/layers.h"
#include "lucid/nn/norm.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn {
namespace {

/// The kernel that is to compute this; none if libtorch is.
const kernels::AttentionKernel* kernel_for(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                                           int64_t heads) {
  constexpr int64_t kWidest = 256;  // beyond it a tile's sums leave the cache's first level
  const int64_t width = q.size(2) / heads;
  const auto type = q.scalar_type();
  const auto fits = [&](const torch::Tensor& x) { return x.is_cpu() && x.scalar_type() == type; };
  const bool has_type = type == torch::kFloat || type == torch::kBFloat16;
  if (tensor::PlainOperators::wanted() || !has_type || !fits(q) || !fits(k) || !fits(v) || width > kWidest ||
      k.size(1) == 0 || tensor::wants_gradient({q, k, v})) {
    return nullptr;
  }
  for (const kernels::Kernels& here : kernels::kernels_here()) {
    const kernels::AttentionKernel* kernel = here.attention;
    if (kernel->rounds == (type == torch::kBFloat16) && width % kernel->width_step == 0) return kernel;
  }
  return nullptr;
}

}  // namespace

torch::Tensor attend_by(const kernels::AttentionKernel& kernel, torch::Tensor q, torch::Tensor k, torch::Tensor v,
                        int64_t heads) {
  q = q.contiguous();
  // Where all samples see the same keys and values, these are laid out once.
  const bool shared = k.stride(0) == 0 && v.stride(0) == 0;
  k = (shared ? k.slice(0, 0, 1) : k).contiguous();
  v = (shared ? v.slice(0, 0, 1) : v).contiguous();
  const torch::Tensor y = torch::empty_like(q);
  const kernels::AttentionShape shape{
      .batch = q.size(0), .heads = heads, .rows = q.size(1), .keys = k.size(1), .width = q.size(2) / heads};
  const int64_t all_heads = shape.batch * heads, heads_of_keys = k.size(0) * heads;
  const torch::Tensor keys = torch::empty({heads_of_keys, kernel.packed_keys_size(shape)}, q.options());
  const torch::Tensor values = torch::empty({heads_of_keys, kernel.packed_values_size(shape)}, q.options());
  const auto of_head = [](const torch::Tensor& packed, int64_t head) {
    return static_cast<char*>(packed.data_ptr()) + head * packed.size(1) * static_cast<int64_t>(packed.element_size());
  };
  at::parallel_for(0, heads_of_keys, 1, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) {
      kernel.pack_head(shape, head, k.data_ptr(), v.data_ptr(), of_head(keys, head), of_head(values, head));
    }
  });
  const int64_t blocks = (shape.rows + kernel.rows - 1) / kernel.rows;
  at::parallel_for(0, all_heads * blocks, 1, [&](int64_t begin, int64_t end) {
    const torch::Tensor scratch = torch::empty({kernel.scratch_size(shape)}, torch::kByte);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t head = i / blocks, head_of_keys = head % heads_of_keys;
      kernel.attend_rows(shape, head, i % blocks * kernel.rows,
                         {.keys = of_head(keys, head_of_keys), .values = of_head(values, head_of_keys)}, q.data_ptr(),
                         y.data_ptr(), static_cast<char*>(scratch.data_ptr()));
    }
  });
  return y;
}

namespace {

// The whole matrix of weights is kept up to this size; beyond it rows are taken in chunks that stay in the cache.
constexpr int64_t kMaxWeights = int64_t{1} << 24;
constexpr int64_t kRowsPerChunk = 512;

// q [S,N,d], k [S,M,d], v [S,M,d] -> [S,N,d], S = batch * heads.
torch::Tensor attend_rows(const torch::Tensor& q, const torch::Tensor& k_transposed, const torch::Tensor& v) {
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(2)));
  // The queries are scaled, not the far larger scores; baddbmm's alpha would read a sum that it multiplies by 0, NaN or
  // not.
  const torch::Tensor scores = torch::bmm(q * scale, k_transposed);
  return torch::bmm(scores.softmax(-1), v);
}

torch::Tensor attend_heads(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  const torch::Tensor k_transposed = k.transpose(1, 2);
  const bool small = q.size(0) * q.size(1) * k.size(1) <= kMaxWeights;
  if (small || tensor::wants_gradient({q, k, v})) return attend_rows(q, k_transposed, v);
  torch::Tensor out = torch::empty_like(q);
  for (int64_t row = 0; row < q.size(1); row += kRowsPerChunk) {
    const int64_t end = std::min(row + kRowsPerChunk, q.size(1));
    out.slice(1, row, end).copy_(attend_rows(q.slice(1, row, end), k_transposed, v));
  }
  return out;
}

#if TORCH_VERSION_MAJOR >= 2
// libtorch's own is the best there is, except on a GPU for heads wider than its fast kernels take (the VAE's one of
// 512): there it spends 15 ms on a gradient that takes 1 as matrix products.
bool fits_libtorch(const torch::Tensor& q, int64_t heads) {
  constexpr int64_t kWidest = 256;
  return q.is_cpu() || q.size(2) / heads <= kWidest;
}
#endif

}  // namespace

torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads) {
  if (const kernels::AttentionKernel* kernel = kernel_for(q, k, v, heads)) return attend_by(*kernel, q, k, v, heads);
  const int64_t batch = q.size(0), rows = q.size(1), width = q.size(2);
  const auto by_head = [&](const torch::Tensor& x) {  // [B,L,heads*d] -> [B,heads,L,d]
    return x.view({batch, x.size(1), heads, width / heads}).transpose(1, 2);
  };
#if TORCH_VERSION_MAJOR >= 2
  if (fits_libtorch(q, heads)) {
    return at::scaled_dot_product_attention(by_head(q), by_head(k), by_head(v))
        .transpose(1, 2)
        .reshape({batch, rows, width});
  }
#endif
  const auto flat = [&](const torch::Tensor& x) {  // -> [B*heads,L,d]
    return by_head(x).reshape({batch * heads, x.size(1), width / heads});
  };
  const torch::Tensor out = attend_heads(flat(q), flat(k), flat(v));
  return out.view({batch, heads, rows, width / heads}).transpose(1, 2).reshape({batch, rows, width});
}

AttentionImpl::AttentionImpl(int64_t width, int64_t context_width, int64_t heads, bool bias_of_qkv)
    : heads_(heads),
      to_q_(register_module("to_q", linear(width, width, bias_of_qkv))),
      to_k_(register_module("to_k", linear(context_width, width, bias_of_qkv))),
      to_v_(register_module("to_v", linear(context_width, width, bias_of_qkv))),
      to_out_(linear(width, width)) {
  LUCID_CHECK(width % heads == 0, "width {}, heads {}", width, heads);
  register_module("to_out", torch::nn::ModuleList(to_out_));
}

torch::Tensor AttentionImpl::keys(const torch::Tensor& context, std::optional<torch::ScalarType> type) {
  return applied(to_k_, context, type);
}

torch::Tensor AttentionImpl::values(const torch::Tensor& context, std::optional<torch::ScalarType> type) {
  return applied(to_v_, context, type);
}

torch::Tensor AttentionImpl::look(const torch::Tensor& tokens, const torch::Tensor& keys, const torch::Tensor& values,
                                  std::optional<torch::ScalarType> type) {
  return applied(to_out_, attend(applied(to_q_, tokens), keys, values, heads_), type);
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& tokens, const torch::Tensor& context,
                                     std::optional<torch::ScalarType> type) {
  return look(tokens, keys(context), values(context), type);
}

torch::Tensor PromptAttentionImpl::keys_and_values(const torch::Tensor& prompts) {
  const torch::ScalarType wide = at::promote_types(prompts.scalar_type(), torch::kFloat);
  return torch::stack({keys(prompts, wide), values(prompts, wide)}, 1);
}

torch::Tensor PromptAttentionImpl::forward(const torch::Tensor& tokens, const Context& context,
                                           std::optional<torch::ScalarType> type) {
  if (context.kept == nullptr) return AttentionImpl::forward(tokens, context.prompts, type);
  const torch::Tensor both = mixed(context.weights, context.kept->of(*this)).to(tokens.scalar_type());
  return look(tokens, both.select(1, 0), both.select(1, 1), type);
}

MapAttentionImpl::MapAttentionImpl(int64_t channels, int64_t groups, double eps)
    : AttentionImpl(channels, channels, /*heads=*/1, /*bias_of_qkv=*/true),
      group_norm_(register_module("group_norm", group_norm(groups, channels, eps))) {}

torch::Tensor MapAttentionImpl::forward(const torch::Tensor& map) {
  const torch::ScalarType type = type_beside(map, bias());
  const torch::Tensor tokens = to_tokens(normalised(map, group_norm_, After::kNothing, type));
  return map + to_map(AttentionImpl::forward(tokens, tokens, map.scalar_type()), map.size(2), map.size(3));
}

}  // namespace lucid::nn
