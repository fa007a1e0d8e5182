// SPDX-License-Identifier: Apache-2.0
// See attention.h.
#include "lucid/diffusion/attention.h"

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/diffusion/fused.h"
#include "lucid/diffusion/layers.h"

namespace lucid::diffusion {
namespace {

#if TORCH_VERSION_MAJOR < 2
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
  const bool gradient = torch::GradMode::is_enabled() && (q.requires_grad() || k.requires_grad() || v.requires_grad());
  if (gradient || q.size(0) * q.size(1) * k.size(1) <= kMaxWeights) return attend_rows(q, k_transposed, v);
  torch::Tensor out = torch::empty_like(q);
  for (int64_t row = 0; row < q.size(1); row += kRowsPerChunk) {
    const int64_t end = std::min(row + kRowsPerChunk, q.size(1));
    out.slice(1, row, end).copy_(attend_rows(q.slice(1, row, end), k_transposed, v));
  }
  return out;
}
#endif

}  // namespace

torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads) {
  const int64_t batch = q.size(0), rows = q.size(1), width = q.size(2);
  const auto by_head = [&](const torch::Tensor& x) {  // [B,L,heads*d] -> [B,heads,L,d]
    return x.view({batch, x.size(1), heads, width / heads}).transpose(1, 2);
  };
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(by_head(q), by_head(k), by_head(v))
      .transpose(1, 2)
      .reshape({batch, rows, width});
#else
  const auto flat = [&](const torch::Tensor& x) {  // -> [B*heads,L,d]
    return by_head(x).reshape({batch * heads, x.size(1), width / heads});
  };
  const torch::Tensor out = attend_heads(flat(q), flat(k), flat(v));
  return out.view({batch, heads, rows, width / heads}).transpose(1, 2).reshape({batch, rows, width});
#endif
}

AttentionImpl::AttentionImpl(int64_t width, int64_t context_width, int64_t heads, bool bias_of_qkv)
    : heads_(heads),
      to_q_(register_module("to_q", torch::nn::Linear(torch::nn::LinearOptions(width, width).bias(bias_of_qkv)))),
      to_k_(
          register_module("to_k", torch::nn::Linear(torch::nn::LinearOptions(context_width, width).bias(bias_of_qkv)))),
      to_v_(
          register_module("to_v", torch::nn::Linear(torch::nn::LinearOptions(context_width, width).bias(bias_of_qkv)))),
      to_out_(width, width) {
  LUCID_CHECK(width % heads == 0, "width {}, heads {}", width, heads);
  register_module("to_out", torch::nn::ModuleList(to_out_));
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& tokens, const torch::Tensor& context) {
  return to_out_(attend(to_q_(tokens), to_k_(context), to_v_(context), heads_));
}

MapAttentionImpl::MapAttentionImpl(int64_t channels, int64_t groups, double eps)
    : AttentionImpl(channels, channels, /*heads=*/1, /*bias_of_qkv=*/true),
      group_norm_(register_module("group_norm", group_norm(groups, channels, eps))) {}

torch::Tensor MapAttentionImpl::forward(const torch::Tensor& map) {
  const torch::Tensor tokens = to_tokens(normalised(map, group_norm_));
  return map + to_map(AttentionImpl::forward(tokens, tokens), map.size(2), map.size(3));
}

}  // namespace lucid::diffusion
