// SPDX-License-Identifier: Apache-2.0
// Products of LoRA factors per kind (LoRA, LoCon, LoHa, LoKr, DoRA), reading of LoRA files, update of the weights.
#include "lucid/text_to_image/lora.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "lucid/base/error.h"
#include "lucid/nn/layer.h"
#include "lucid/text_to_image/describe_parts.h"
#include "lucid/text_to_image/lora_names.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/torch_file.h"

namespace lucid::text_to_image {
namespace fs = std::filesystem;
namespace {

using weights::shape_text;

/// The factors of one layer's update. Small factors can have a huge product, so the size of a product is compared with
/// the weight's before it is computed.
class Factors {
 public:
  Factors(const std::map<std::string, torch::Tensor>& factors, at::IntArrayRef weight)
      : factors_(factors), weight_(weight) {}
  bool has(const std::string& name) const { return factors_.contains(name); }
  /// The factor, in double. Throws std::invalid_argument if it is missing or has fewer than two axes.
  torch::Tensor get(const std::string& name) const {
    const auto it = factors_.find(name);
    if (it == factors_.end()) throw std::invalid_argument(name + " is missing");
    if (it->second.dim() < 2 || it->second.numel() == 0)
      throw std::invalid_argument(name + " is " + shape_text(it->second.sizes()));
    return it->second.to(torch::kDouble);
  }
  /// Throws std::invalid_argument if a matrix [rows,columns] has more elements than the weight.
  void check_size(int64_t rows, int64_t columns) const {
    const int64_t numbers = c10::multiply_integers(weight_);
    if (columns > 0 && rows > numbers / columns) {
      throw std::invalid_argument(
          fmt::format("the change is [{},{}], the weight {}", rows, columns, shape_text(weight_)));
    }
  }
  /// Matrix product of flattened factors: [m,r,...] x [r,n,...] -> [m,n*...].
  torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b) const {
    const torch::Tensor left = a.flatten(1), right = b.flatten(1);
    if (left.size(1) != right.size(0)) {
      throw std::invalid_argument(fmt::format("factors {} and {}", shape_text(a.sizes()), shape_text(b.sizes())));
    }
    check_size(left.size(0), right.size(1));
    return left.matmul(right);
  }
  /// A convolution's update in Tucker form: left [o,r], core [r,s,k,k], right [s,i] -> [o,i,k,k].
  torch::Tensor tucker_product(const torch::Tensor& left, const torch::Tensor& core, const torch::Tensor& right) const {
    if (core.dim() != 4 || core.size(0) != left.size(1) || core.size(1) != right.size(0)) {
      throw std::invalid_argument(fmt::format("factors {} and {} about a core {}", shape_text(left.sizes()),
                                              shape_text(right.sizes()), shape_text(core.sizes())));
    }
    check_size(left.size(0) * right.size(1), core.size(2) * core.size(3));
    return torch::einsum("or,rskl,si->oikl", {left, core, right});
  }
  /// The matrix NAME, or the product NAME_a NAME_b, or their Tucker product with `core`, for which LyCORIS stores
  /// NAME_a as [r,o] instead of [o,r]. `rank` becomes the inner size of a product.
  torch::Tensor matrix(const std::string& name, const std::string& core, int64_t* rank) const {
    if (has(name)) return get(name);
    const torch::Tensor a = get(name + "_a"), b = get(name + "_b");
    *rank = b.size(0);
    return has(core) ? tucker_product(a.flatten(1).t(), get(core), b.flatten(1)) : product(a, b);
  }

 private:
  const std::map<std::string, torch::Tensor>& factors_;
  at::IntArrayRef weight_;
};

}  // namespace

torch::Tensor LayerChange::delta(at::IntArrayRef weight) const {
  const Factors f(factors, weight);
  int64_t rank = 0;
  torch::Tensor change;
  if (f.has("diff")) {
    change = f.get("diff");
  } else if (f.has("hada_w1_a")) {  // LoHa: elementwise product of two low-rank matrices
    const torch::Tensor first = f.matrix("hada_w1", "hada_t1", &rank), second = f.matrix("hada_w2", "hada_t2", &rank);
    if (first.sizes() != second.sizes()) {
      throw std::invalid_argument(
          fmt::format("products {} and {}", shape_text(first.sizes()), shape_text(second.sizes())));
    }
    change = first * second;
  } else if (f.has("lokr_w1") || f.has("lokr_w1_a")) {  // LoKr: a Kronecker product
    const torch::Tensor first = f.matrix("lokr_w1", "", &rank).flatten(1),
                        second = f.matrix("lokr_w2", "lokr_t2", &rank);
    f.check_size(first.numel(), second.numel());
    change = torch::kron(first, second.flatten(1));
  } else {
    const torch::Tensor up = f.get("up"), down = f.get("down");
    rank = down.size(0);
    change = f.has("mid") ? f.tucker_product(up.flatten(1), f.get("mid"), down.flatten(1)) : f.product(up, down);
  }
  if (change.numel() != c10::multiply_integers(weight) || change.size(0) != weight[0]) {
    throw std::invalid_argument(
        fmt::format("the change is {}, the weight {}", shape_text(change.sizes()), shape_text(weight)));
  }
  // alpha is relative to the rank; without low-rank factors it is not used.
  return change.reshape(weight) * (alpha > 0 && rank > 0 ? alpha / static_cast<double>(rank) : 1.0);
}

torch::Tensor LayerChange::delta_of(const torch::Tensor& weight) const {
  const torch::Tensor change = delta(weight.sizes());
  const auto it = factors.find("dora_scale");
  if (it == factors.end()) return change;
  const torch::Tensor magnitude = it->second.to(torch::kDouble), stored = weight.to(torch::kDouble),
                      moved = stored + change;
  const bool by_input = magnitude.dim() >= 2 && magnitude.size(0) == 1 && magnitude.size(1) == weight.size(1);
  const int64_t kept = by_input ? 1 : 0;
  if (magnitude.numel() != weight.size(kept)) {
    throw std::invalid_argument(
        fmt::format("dora_scale is {}, the weight {}", shape_text(magnitude.sizes()), shape_text(weight.sizes())));
  }
  std::vector<int64_t> along(static_cast<size_t>(weight.dim()), 1);
  along[static_cast<size_t>(kept)] = weight.size(kept);
  const torch::Tensor norm = moved.transpose(0, kept).flatten(1).norm(2, 1).view(along);
  return magnitude.reshape(along) * moved / norm.clamp_min(1e-12) - stored;
}

namespace {

[[noreturn]] void refuse(const fs::path& file, const std::string& what, const std::string& key,
                         const std::string& hint) {
  throw UserError(
      UserMistake{.what_happened = what, .file = file.string(), .key = weights::shortened(key), .hint = hint});
}

/// dtype of an updated bfloat16 weight. A U-Net may compute in bfloat16 and keeps it; elsewhere 16 bits are a storage
/// format, and an updated weight becomes float32 so that the update is not rounded.
enum class Bfloat16 { kKeep, kToFloat };

void add_changes(const Lora& lora, const std::map<std::string, LayerChange>& changes, double scale, Bfloat16 low,
                 torch::nn::Module& network) {
  const torch::NoGradGuard no_grad;
  const auto add = [&](torch::Tensor& weight, const torch::Tensor& change) {
    const torch::ScalarType stored = weight.scalar_type();
    const bool stays = low == Bfloat16::kKeep && stored == torch::kBFloat16;
    weight.set_data(
        (weight.to(torch::kDouble) + scale * change).to(stays ? stored : torch::promoteTypes(stored, torch::kFloat)));
  };
  auto parameters = network.named_parameters();
  for (const auto& [module, change] : changes) {
    torch::Tensor& weight = parameters[module + ".weight"];
    try {
      add(weight, change.delta_of(weight));
    } catch (const std::invalid_argument& error) {
      refuse(lora.file, error.what(), module, "the LoRA was made for another model");
    }
    const auto bias = change.factors.find("diff_b");
    torch::Tensor* own = parameters.find(module + ".bias");
    if (bias != change.factors.end() && own != nullptr) {
      if (bias->second.sizes() != own->sizes()) {
        refuse(lora.file,
               fmt::format("the change is {}, the bias {}", shape_text(bias->second.sizes()), shape_text(own->sizes())),
               module, "the LoRA was made for another model");
      }
      add(*own, bias->second.to(torch::kDouble));
    }
  }
}

/// Throws UserError for a LoRA whose names or cross attention are those of another family of models.
void check_family(const weights::StateDict& state, const Prior& prior) {
  const std::string family = lora_family(state), own = family_of(prior);
  if (family.empty() || family == own) return;
  refuse(state.file, fmt::format("is a LoRA for {}, the prior is {}", family, own), "", "use one for " + own);
}

}  // namespace

std::string lora_family(const weights::StateDict& state) {
  std::string family;
  for (const auto& [name, tensor] : state.tensors) {
    const bool xl = name.starts_with("lora_te2_") || name.starts_with("text_encoder_2.") ||
                    name.starts_with("lora_unet_input_blocks_") || name.starts_with("lora_unet_output_blocks_");
    if (xl) return family_of_width(kWidthOfXl);
    if (name.find("attn2") == std::string::npos || name.find("to_k") == std::string::npos || tensor.dim() < 2) continue;
    const bool down =
        name.ends_with("lora_down.weight") || name.ends_with("lora_A.weight") || name.ends_with("lora.down.weight");
    if (!down) continue;
    const int64_t width = tensor.size(1);
    if (width == kWidthOf1 || width == kWidthOf2 || width == kWidthOfXl) family = family_of_width(width);
  }
  return family;
}

Lora read_lora(const fs::path& file, const Prior& prior) {
  const weights::StateDict state = weights::read_weights(file);
  check_family(state, prior);
  const LayerNames names(prior);
  Lora lora{.file = file};
  std::vector<std::string> unknown;
  for (const auto& [name, tensor] : state.tensors) {
    const auto mark = state.metadata.find(name);
    if (mark != state.metadata.end() && mark->second == "<embed>") {
      lora.tokens.emplace(name, tensor);
      continue;
    }
    const std::optional<LayerPart> part = names.find(name);
    if (!part) {
      unknown.push_back(name);
      continue;
    }
    LayerChange& change = (part->network == LoraNetwork::kText    ? lora.text
                           : part->network == LoraNetwork::kText2 ? lora.text_2
                                                                  : lora.unet)[part->module];
    if (part->factor == "alpha") {
      if (tensor.numel() != 1 || !tensor.isfinite().all().item<bool>())
        refuse(file, "alpha must be a number", name, "");
      change.alpha = tensor.to(torch::kDouble).item<double>();
    } else {
      change.factors.emplace(part->factor, tensor);
    }
  }
  if (!unknown.empty()) {
    refuse(file,
           fmt::format("{} of its {} tensors belong to no layer of this prior", unknown.size(), state.tensors.size()),
           unknown.front(), "a LoRA for another model, or in a layout that lucid does not know");
  }
  return lora;
}

void apply_lora(const Lora& lora, double scale, Prior& prior) {
  const bool low = nn::compute_dtype(*prior.unet) == torch::kBFloat16;
  add_changes(lora, lora.unet, scale, low ? Bfloat16::kKeep : Bfloat16::kToFloat, *prior.unet);
  add_changes(lora, lora.text, scale, Bfloat16::kToFloat, *prior.encoder);
  if (prior.second) add_changes(lora, lora.text_2, scale, Bfloat16::kToFloat, *prior.second->text.encoder);
}

}  // namespace lucid::text_to_image
