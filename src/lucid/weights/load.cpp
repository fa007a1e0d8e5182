// SPDX-License-Identifier: Apache-2.0
// load_into(): copies named tensors into a module, with strict checks of names, shapes and finite values.
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "lucid/base/error.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/mapped_tensor.h"
#include "lucid/weights/skip_init.h"
#include "lucid/weights/state_dict.h"

namespace lucid::weights {
namespace fs = std::filesystem;
namespace {

constexpr size_t kNamesShown = 3;

/// Appends "12 missing: a, b, c, …" to `text`.
void add_names(std::string& text, const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() == kNamesShown) break;
    shown.push_back(shortened(name));
  }
  text += fmt::format("{}{} {}: {}{}", text.empty() ? "" : "; ", names.size(), what, fmt::join(shown, ", "),
                      names.size() > kNamesShown ? ", …" : "");
}

/// Whether any number is NaN or Inf: all its `exponent` bits are set.
template <class Bits>
bool any_non_finite(const void* numbers, int64_t count, Bits exponent) {
  const auto* bits = static_cast<const Bits*>(numbers);
  std::atomic<bool> found{false};
  at::parallel_for(0, count, 1 << 16, [&](int64_t begin, int64_t end) {
    int any = 0;
    for (int64_t i = begin; i < end; ++i) any |= (bits[i] & exponent) == exponent ? 1 : 0;
    if (any != 0) found = true;
  });
  return found;
}

/// Whether all numbers of `x`, dense in memory, are finite. libtorch's isfinite() would allocate a mask as long as x.
bool is_finite(const torch::Tensor& x) {
  switch (x.scalar_type()) {
    case torch::kHalf:
      return !any_non_finite<uint16_t>(x.data_ptr(), x.numel(), 0x7C00);
    case torch::kBFloat16:
      return !any_non_finite<uint16_t>(x.data_ptr(), x.numel(), 0x7F80);
    case torch::kFloat:
      return !any_non_finite<uint32_t>(x.data_ptr(), x.numel(), 0x7F800000);
    case torch::kDouble:
      return !any_non_finite<uint64_t>(x.data_ptr(), x.numel(), 0x7FF0000000000000);
    default:
      return true;
  }
}

/// A stored tensor in the dtype `precision` (nullopt: as stored). Weights of convolutions get the channels-last layout,
/// which their forward pass reads.
torch::Tensor converted(const torch::Tensor& stored, std::optional<torch::ScalarType> precision) {
  if (!precision) return stored.contiguous();
  const auto format = stored.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
  return torch::empty(stored.sizes(), torch::TensorOptions(*precision).memory_format(format)).copy_(stored);
}

}  // namespace

void load_into(torch::nn::Module& module, StateDict state, const LoadOptions& options) {
  const torch::NoGradGuard no_grad;
  std::vector<std::string> missing, unexpected, misshapen, not_finite;
  const auto take = [&](const std::string& name, torch::Tensor& target) {
    const auto node = state.tensors.extract(name);
    if (node.empty()) {
      missing.push_back(name);
    } else if (node.mapped().sizes() != target.sizes()) {
      misshapen.push_back(fmt::format("{} is {}, {} was expected", name, shape_text(node.mapped().sizes()),
                                      shape_text(target.sizes())));
    } else {
      const torch::Tensor& stored = node.mapped();
      if (is_uninitialised(target)) {
        const bool half = stored.scalar_type() == torch::kHalf || stored.scalar_type() == torch::kBFloat16;
        const bool stays = half && options.half_stays.contains(name);
        target.set_data(converted(stored, stays ? std::nullopt : options.precision));
      } else {
        target.copy_(stored);
      }
      if (!is_finite(target)) not_finite.push_back(name);
      for (const auto& mapping : state.mappings) release_pages(*mapping, stored);
    }
  };
  for (auto& entry : module.named_parameters()) take(entry.key(), entry.value());
  for (auto& entry : module.named_buffers()) take(entry.key(), entry.value());
  for (const auto& [name, left] : state.tensors) {
    const bool ignored =
        std::ranges::any_of(options.ignore, [&](const std::string& suffix) { return name.ends_with(suffix); });
    if (!ignored) unexpected.push_back(name);
  }
  std::string text;
  add_names(text, "missing", missing);
  add_names(text, "unexpected", unexpected);
  add_names(text, "of the wrong shape", misshapen);
  if (!text.empty()) {
    throw UserError(
        {.what_happened =
             (options.model ? "does not fit " + *options.model : "does not fit its config.json") + ": " + text,
         .file = state.file.string(),
         .hint = options.model ? "the file is damaged, or of another model"
                               : "weights and config.json must come from the same model"});
  }
  if (!not_finite.empty()) {
    throw UserError({.what_happened = "holds NaN or Inf",
                     .file = state.file.string(),
                     .key = not_finite.front(),
                     .hint = "the file is damaged; fetch it again"});
  }
}

void check_parameter_count(const StateDict& state, double asked) {
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
