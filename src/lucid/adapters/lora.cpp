// SPDX-License-Identifier: Apache-2.0
// See lora.h.
#include "lucid/adapters/lora.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "lucid/adapters/lora_names.h"
#include "lucid/base/error.h"
#include "lucid/weights/torch_file.h"

namespace lucid::adapters {
namespace fs = std::filesystem;
namespace {

std::string shape_text(at::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ","));
}

/// a b, the factors of convolutions flattened: [m,r,...] x [r,n,...] -> [m,n*...].
torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor left = a.flatten(1), right = b.flatten(1);
  if (left.size(1) != right.size(0)) {
    throw std::invalid_argument(fmt::format("factors {} and {}", shape_text(a.sizes()), shape_text(b.sizes())));
  }
  return left.matmul(right);
}

/// A checked table of the factors in double.
class Factors {
 public:
  explicit Factors(const std::map<std::string, torch::Tensor>& factors) : factors_(factors) {}
  bool has(const std::string& name) const { return factors_.contains(name); }
  torch::Tensor get(const std::string& name) const {
    const auto it = factors_.find(name);
    if (it == factors_.end()) throw std::invalid_argument(name + " is missing");
    if (it->second.dim() < 2) throw std::invalid_argument(name + " is " + shape_text(it->second.sizes()));
    return it->second.to(torch::kDouble);
  }
  /// The matrix itself, or the product of its two factors NAME_a and NAME_b; `rank` is the inner size of the latter.
  torch::Tensor matrix(const std::string& name, int64_t* rank) const {
    if (has(name)) return get(name);
    const torch::Tensor a = get(name + "_a"), b = get(name + "_b");
    *rank = b.size(0);
    return product(a, b);
  }

 private:
  const std::map<std::string, torch::Tensor>& factors_;
};

/// LoCon with a core of its own: up [o,r,1,1], mid [r,r,k,k], down [r,i,1,1].
torch::Tensor with_mid(const torch::Tensor& up, const torch::Tensor& mid, const torch::Tensor& down) {
  if (mid.dim() != 4 || mid.size(0) != up.size(1) || mid.size(1) != down.size(0)) {
    throw std::invalid_argument(fmt::format("up {}, mid {} and down {}", shape_text(up.sizes()),
                                            shape_text(mid.sizes()), shape_text(down.sizes())));
  }
  return torch::einsum("or,rskl,si->oikl", {up.flatten(1), mid, down.flatten(1)});
}

}  // namespace

torch::Tensor LayerChange::delta(at::IntArrayRef weight) const {
  const Factors f(factors);
  int64_t rank = 0;
  torch::Tensor change;
  if (f.has("diff")) {
    change = f.get("diff");
  } else if (f.has("hada_w1_a")) {  // LoHa: two products, element by element
    const torch::Tensor first = product(f.get("hada_w1_a"), f.get("hada_w1_b")),
                        second = product(f.get("hada_w2_a"), f.get("hada_w2_b"));
    if (f.has("hada_t1")) throw std::invalid_argument("a LoHa with cores (hada_t1) is not supported");
    if (first.sizes() != second.sizes()) {
      throw std::invalid_argument(
          fmt::format("products {} and {}", shape_text(first.sizes()), shape_text(second.sizes())));
    }
    rank = f.get("hada_w1_b").size(0);
    change = first * second;
  } else if (f.has("lokr_w1") || f.has("lokr_w1_a")) {  // LoKr: a Kronecker product
    if (f.has("lokr_t2")) throw std::invalid_argument("a LoKr with a core (lokr_t2) is not supported");
    const torch::Tensor first = f.matrix("lokr_w1", &rank).flatten(1), second = f.matrix("lokr_w2", &rank);
    change = torch::kron(first, second.flatten(1));
  } else {
    const torch::Tensor up = f.get("up"), down = f.get("down");
    rank = down.size(0);
    change = f.has("mid") ? with_mid(up, f.get("mid"), down) : product(up, down);
  }
  int64_t numbers = 1;
  for (const int64_t size : weight) numbers *= size;
  if (change.numel() != numbers || change.size(0) != weight[0]) {
    throw std::invalid_argument(
        fmt::format("the change is {}, the weight {}", shape_text(change.sizes()), shape_text(weight)));
  }
  // alpha counts in ranks; where there are no low-rank factors it is not used.
  return change.reshape(weight) * (alpha > 0 && rank > 0 ? alpha / static_cast<double>(rank) : 1.0);
}

namespace {

[[noreturn]] void refuse(const fs::path& file, const std::string& what, const std::string& key,
                         const std::string& hint) {
  throw UserError(UserMistake{.what_happened = what, .file = file.string(), .key = key.substr(0, 200), .hint = hint});
}

/// What a changed weight of 16 bits becomes: the U-Net computes in them, the text encoder only stores them so.
enum class Halves { kStay, kBecomeFloats };

void add_changes(const Lora& lora, const std::map<std::string, LayerChange>& changes, double scale, Halves halves,
                 torch::nn::Module& network) {
  const torch::NoGradGuard no_grad;
  const auto add = [&](torch::Tensor& weight, const torch::Tensor& change) {
    const torch::ScalarType stored = weight.scalar_type();
    weight.set_data((weight.to(torch::kDouble) + scale * change)
                        .to(halves == Halves::kStay ? stored : torch::promoteTypes(stored, torch::kFloat)));
  };
  auto parameters = network.named_parameters();
  for (const auto& [module, change] : changes) {
    torch::Tensor& weight = parameters[module + ".weight"];
    try {
      add(weight, change.delta(weight.sizes()));
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

}  // namespace

Lora read_lora(const fs::path& file, const distill::Prior& prior) {
  const weights::StateDict state = weights::read_weights(file);
  const LayerNames names(prior);
  Lora lora{.file = file, .unet = {}, .text = {}, .tokens = {}};
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
    LayerChange& change = (part->is_text ? lora.text : lora.unet)[part->module];
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

void apply(const Lora& lora, double scale, distill::Prior& prior) {
  add_changes(lora, lora.unet, scale, Halves::kStay, *prior.unet);
  add_changes(lora, lora.text, scale, Halves::kBecomeFloats, *prior.encoder);
}

}  // namespace lucid::adapters
