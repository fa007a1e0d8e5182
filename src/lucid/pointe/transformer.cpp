// SPDX-License-Identifier: Apache-2.0
// Extra tokens (time, CLIP, coarse cloud) and points run through one transformer; only the points are read out.
#include "lucid/pointe/transformer.h"

#include <charconv>
#include <cmath>
#include <vector>

#include "lucid/base/error.h"
#include "lucid/nn/attention.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/layer.h"
#include "lucid/nn/linear.h"
#include "lucid/nn/norm.h"
#include "lucid/nn/residual_sum.h"
#include "lucid/tensor/freeze.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/skip_init.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pointe {
namespace {

using torch::Tensor;
using weights::StateDict;
using Kind = TransformerConfig::Kind;

constexpr int64_t kHeadWidth = 64;  // of all published models
constexpr int64_t kMaxWidth = 1 << 14, kMaxLayers = 256;
constexpr std::string_view kBlocks = "backbone.resblocks.";

[[noreturn]] void refuse(const StateDict& state, const std::string& name, const std::string& what,
                         const std::string& hint = "base_40m_textvec.pt and upsample_40m.pt were expected") {
  throw UserError({.what_happened = what, .file = state.file.string(), .key = name, .hint = hint});
}

/// The shape of a weight [out,in].
at::IntArrayRef matrix_shape(const StateDict& state, const std::string& name) {
  const auto it = state.tensors.find(name);
  if (it == state.tensors.end()) refuse(state, name, "is missing: this is no text model of Point-E");
  const at::IntArrayRef shape = it->second.sizes();
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > 4 * kMaxWidth || shape[1] > 4 * kMaxWidth)
    refuse(state, name, fmt::format("has the shape {}, a matrix was expected", weights::shape_text(shape)));
  return shape;
}

int64_t count_layers(const StateDict& state) {
  int64_t layers = 0;
  for (const auto& [name, tensor] : state.tensors) {
    if (!name.starts_with(kBlocks)) continue;
    int64_t number = 0;
    const char* const begin = name.data() + kBlocks.size();
    const auto [end, error] = std::from_chars(begin, name.data() + name.size(), number);
    if (error != std::errc() || end == begin || *end != '.' || number < 0 || number >= kMaxLayers)
      refuse(state, weights::shortened(name), "is no layer of Point-E");
    layers = std::max(layers, number + 1);
  }
  return layers;
}

/// Linear, exact GELU, Linear.
class MlpImpl : public torch::nn::Module {
 public:
  MlpImpl(int64_t width, int64_t inner)
      : c_fc_(register_module("c_fc", nn::Linear(width, inner))),
        c_proj_(register_module("c_proj", nn::Linear(inner, width))) {}
  Tensor forward(const Tensor& x, torch::ScalarType dtype) {
    return c_proj_->forward(torch::gelu(c_fc_->forward(x)), dtype);
  }

 private:
  nn::Linear c_fc_, c_proj_;
};
TORCH_MODULE(Mlp);

/// Full attention among all tokens.
class SelfAttentionImpl : public torch::nn::Module {
 public:
  SelfAttentionImpl(int64_t width, int64_t heads)
      : heads_(heads),
        c_qkv_(register_module("c_qkv", nn::Linear(width, 3 * width))),
        c_proj_(register_module("c_proj", nn::Linear(width, width))) {}
  /// tokens [N,M,width] -> the same in `dtype`. The first token counts `weight` times as a key.
  Tensor forward(const Tensor& tokens, int64_t weight, torch::ScalarType dtype) {
    const int64_t n = tokens.size(0), count = tokens.size(1), width = tokens.size(2);
    // Each head's q, k and v lie side by side.
    const Tensor qkv = c_qkv_->forward(tokens).view({n, count, heads_, 3, width / heads_});
    const auto part = [&](int64_t which) { return qkv.select(3, which).reshape({n, count, width}); };
    const auto repeated = [&](const Tensor& x) {
      return weight == 1 ? x : torch::cat({x, x.slice(1, 0, 1).expand({n, weight - 1, width})}, 1);
    };
    return c_proj_->forward(nn::attention(part(0), repeated(part(1)), repeated(part(2)), heads_), dtype);
  }

 private:
  int64_t heads_;
  nn::Linear c_qkv_, c_proj_;
};
TORCH_MODULE(SelfAttention);

class BlockImpl : public torch::nn::Module {
 public:
  BlockImpl(int64_t width, int64_t heads, int64_t mlp_width)
      : ln_1_(register_module("ln_1", nn::LayerNorm(width))),
        ln_2_(register_module("ln_2", nn::LayerNorm(width))),
        attn_(register_module("attn", SelfAttention(width, heads))),
        mlp_(register_module("mlp", Mlp(width, mlp_width))) {}
  void add_to(nn::ResidualSum& x, int64_t weight) {
    x.add(attn_->forward(x.normalise(ln_1_), weight, x.branch_dtype()));
    x.add(mlp_->forward(x.normalise(ln_2_), x.branch_dtype()));
  }

 private:
  nn::LayerNorm ln_1_, ln_2_;
  SelfAttention attn_;
  Mlp mlp_;
};
TORCH_MODULE(Block);

}  // namespace

struct PointTransformerImpl::Parts {
  Mlp time_embed{nullptr};
  nn::Linear input_proj{nullptr}, output_proj{nullptr}, clip_embed{nullptr}, cond_point_proj{nullptr};
  nn::LayerNorm ln_pre{nullptr}, ln_post{nullptr}, grid_norm{nullptr};
  std::shared_ptr<torch::nn::Module> backbone = std::make_shared<torch::nn::Module>();
  std::vector<Block> blocks;              // of the backbone
  Tensor channel_scales, channel_biases;  // [6], of the coarse cloud

  Tensor scaled(const Tensor& low_res) const {
    return low_res * channel_scales.view({1, -1, 1}) + channel_biases.view({1, -1, 1});
  }
};

TransformerConfig TransformerConfig::from_weights(const StateDict& state, int64_t heads) {
  TransformerConfig c;
  const auto has = [&](const char* name) { return state.tensors.contains(name); };
  if (!has("time_embed.c_fc.weight"))
    refuse(state, "time_embed.c_fc.weight", "is missing: this is no model of Point-E");
  if (has("cond_point_proj.weight")) {
    c.kind = Kind::kUpsample;
    c.condition_width = matrix_shape(state, "clip_embed.1.weight")[1];
  } else if (has("clip_embed.1.weight")) {
    refuse(state, "clip_embed.1.weight", "belongs to a model that starts from a picture, not from a text");
  } else if (!has("clip_embed.weight")) {
    refuse(state, "clip_embed.weight", "is missing: this is Point-E's model without a text");
  } else {
    c.condition_width = matrix_shape(state, "clip_embed.weight")[1];
  }
  const at::IntArrayRef input = matrix_shape(state, "input_proj.weight");
  c.width = input[0];
  c.mlp_width = matrix_shape(state, "time_embed.c_fc.weight")[0];
  const int64_t outputs = matrix_shape(state, "output_proj.weight")[0];
  if (input[1] != kChannels || outputs != 2 * kChannels) {
    refuse(state, "input_proj.weight",
           fmt::format("the model maps {} channels to {}, {} to {} were expected", input[1], outputs, kChannels,
                       2 * kChannels));
  }
  c.layers = count_layers(state);
  if (c.layers < 1) refuse(state, "backbone.resblocks", "is missing: the model has no layers");
  c.heads = heads > 0 ? heads : std::max<int64_t>(c.width / kHeadWidth, 1);
  if (c.width > kMaxWidth || c.width % 2 != 0 || c.width % c.heads != 0 || (heads == 0 && c.width % kHeadWidth != 0)) {
    refuse(state, "input_proj.weight", fmt::format("the width {} cannot be divided into {} heads", c.width, c.heads),
           "the published models have heads of 64 channels");
  }
  return c;
}

PointTransformerImpl::PointTransformerImpl(const TransformerConfig& c) : config_(c), parts_(std::make_shared<Parts>()) {
  Parts& p = *parts_;
  p.time_embed = register_module("time_embed", Mlp(c.width, c.mlp_width));
  p.ln_pre = register_module("ln_pre", nn::LayerNorm(c.width));
  register_module("backbone", p.backbone);
  const auto blocks = p.backbone->register_module("resblocks", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < c.layers; ++i) {
    p.blocks.push_back(blocks->register_module(std::to_string(i), Block(c.width, c.heads, c.mlp_width)));
  }
  p.ln_post = register_module("ln_post", nn::LayerNorm(c.width));
  p.input_proj = register_module("input_proj", nn::Linear(kChannels, c.width));
  p.output_proj = register_module("output_proj", nn::Linear(c.width, 2 * kChannels));
  p.clip_embed = nn::Linear(c.condition_width, c.width);
  if (c.kind == Kind::kVector) {
    register_module("clip_embed", p.clip_embed);
    return;
  }
  const auto clip = register_module("clip_embed", std::make_shared<torch::nn::Module>());
  p.grid_norm = clip->register_module("0", nn::LayerNorm(c.condition_width));
  clip->register_module("1", p.clip_embed);
  p.cond_point_proj = register_module("cond_point_proj", nn::Linear(kChannels, c.width));
  p.channel_scales = register_buffer("channel_scales", torch::ones(kChannels));
  p.channel_biases = register_buffer("channel_biases", torch::zeros(kChannels));
}

Tensor timestep_embedding(const Tensor& t, int64_t width) {
  const int64_t half = width / 2;
  const Tensor i = torch::arange(half, torch::TensorOptions(torch::kFloat).device(t.device()));
  const Tensor frequencies = torch::exp(i * -std::log(10000.0) / half);
  const Tensor angles = t.to(torch::kFloat).unsqueeze(1) * frequencies;
  return torch::cat({torch::cos(angles), torch::sin(angles)}, 1);
}

void PointTransformerImpl::set_backbone_dtype(torch::ScalarType dtype) {
  nn::set_compute_dtype(*parts_->backbone, dtype);
}

Tensor PointTransformerImpl::forward(const Tensor& x, const Tensor& t, const Condition& condition) {
  Parts& p = *parts_;
  const int64_t n = x.size(0), width = config_.width;
  LUCID_CHECK(x.dim() == 3 && x.size(1) == kChannels && t.size(0) == n, "points of {} channels", x.size(1));
  const auto tokens_of = [](nn::Linear& projection, const Tensor& points) {  // [N,6,T] -> [N,T,width]
    return projection->forward(points.transpose(1, 2).to(torch::kFloat).contiguous());
  };
  const Tensor time = p.time_embed->forward(timestep_embedding(t, width), torch::kFloat).unsqueeze(1);
  std::vector<Tensor> tokens;
  int64_t weight = 1;  // how often the first token counts
  if (config_.kind == Kind::kVector) {
    const double root = std::sqrt(static_cast<double>(config_.condition_width));
    tokens = {p.clip_embed->forward(condition.vector.to(torch::kFloat) * root).unsqueeze(1), time};
  } else if (condition.grid.defined()) {
    const Tensor features = condition.grid.to(torch::kFloat).transpose(1, 2).contiguous();
    tokens = {p.clip_embed->forward(p.grid_norm->forward(features)), time};
  } else {
    // LayerNorm maps zeros to its bias, so all patches of an empty grid are the same token, and stay the same in all
    // layers: one token stands for them.
    tokens = {p.clip_embed->forward(p.grid_norm->bias.unsqueeze(0)).expand({n, 1, width}), time};
    weight = condition.zero_patches;
  }
  if (config_.kind == Kind::kUpsample) tokens.push_back(tokens_of(p.cond_point_proj, p.scaled(condition.low_res)));
  tokens.push_back(tokens_of(p.input_proj, x));
  const torch::ScalarType dtype = nn::compute_dtype(*p.backbone);
  nn::ResidualSum sum(p.ln_pre->forward(torch::cat(tokens, 1)).to(dtype), /*in_float32=*/dtype != torch::kDouble);
  for (Block& block : p.blocks) block->add_to(sum, weight);
  const Tensor points = sum.normalise(p.ln_post).slice(1, -x.size(2)).to(torch::kFloat);
  return p.output_proj->forward(points.contiguous()).transpose(1, 2);
}

PointTransformer load_transformer(StateDict state, torch::ScalarType dtype, int64_t heads) {
  const TransformerConfig config = TransformerConfig::from_weights(state, heads);
  const weights::SkipInitGuard skip_init;
  PointTransformer net(config);
  weights::load_into(*net, std::move(state),
                     {.model = config.kind == Kind::kVector ? "Point-E's base40M-textvec" : "Point-E's upsampler"});
  net->set_backbone_dtype(dtype);
  return tensor::freeze(net);
}

}  // namespace lucid::pointe
