// SPDX-License-Identifier: Apache-2.0
// From a file's tensors to a module's parameters, strictly.
#include <algorithm>
#include <set>

#include "lucid/base/error.h"
#include "lucid/weights/state_dict.h"

namespace lucid::weights {
namespace fs = std::filesystem;
namespace {

constexpr size_t kNamesShown = 3, kNameLength = 200;

std::string shape_text(at::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ","));
}

/// "12 missing: a, b, c, …"
void add_names(std::string& text, const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() == kNamesShown) break;
    shown.push_back(name.substr(0, kNameLength));  // a hostile file may have names of megabytes
  }
  text += fmt::format("{}{} {}: {}{}", text.empty() ? "" : "; ", names.size(), what, fmt::join(shown, ", "),
                      names.size() > kNamesShown ? ", …" : "");
}

}  // namespace

void load_into(torch::nn::Module& module, const StateDict& state, const std::vector<std::string>& ignore) {
  const torch::NoGradGuard no_grad;
  std::vector<std::string> missing, unexpected, misshapen, not_finite;
  std::set<std::string> used;
  const auto take = [&](const std::string& name, torch::Tensor& target) {
    used.insert(name);
    const auto it = state.tensors.find(name);
    if (it == state.tensors.end()) {
      missing.push_back(name);
    } else if (it->second.sizes() != target.sizes()) {
      misshapen.push_back(
          fmt::format("{} is {}, {} was expected", name, shape_text(it->second.sizes()), shape_text(target.sizes())));
    } else {
      target.copy_(it->second);
      if (target.is_floating_point() && !target.isfinite().all().item<bool>()) not_finite.push_back(name);
    }
  };
  for (auto& entry : module.named_parameters()) take(entry.key(), entry.value());
  for (auto& entry : module.named_buffers()) take(entry.key(), entry.value());
  for (const auto& [name, tensor] : state.tensors) {
    const bool ignored = std::ranges::any_of(ignore, [&](const std::string& suffix) { return name.ends_with(suffix); });
    if (!used.contains(name) && !ignored) unexpected.push_back(name);
  }
  std::string text;
  add_names(text, "missing", missing);
  add_names(text, "unexpected", unexpected);
  add_names(text, "of the wrong shape", misshapen);
  if (!text.empty()) {
    throw UserError({.what_happened = "does not fit its config.json: " + text,
                     .file = state.file.string(),
                     .hint = "weights and config.json must come from the same model"});
  }
  if (!not_finite.empty()) {
    throw UserError({.what_happened = "holds NaN or Inf",
                     .file = state.file.string(),
                     .key = not_finite.front(),
                     .hint = "the file is damaged; fetch it again"});
  }
}

void check_asked_size(const StateDict& state, double asked) {
  double held = 0;
  for (const auto& [name, tensor] : state.tensors) held += static_cast<double>(tensor.numel());
  constexpr double kSlack = 4;
  if (asked > kSlack * held + 1e6) {
    throw UserError({.what_happened = fmt::format("holds {:.3g} numbers, its config.json asks for {:.3g}", held, asked),
                     .file = state.file.string(),
                     .hint = "weights and config.json must come from the same model"});
  }
}

}  // namespace lucid::weights
