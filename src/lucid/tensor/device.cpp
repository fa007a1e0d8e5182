// SPDX-License-Identifier: Apache-2.0
// Device names, the current GPU, and asynchronous copies through pinned memory.
#include "lucid/tensor/device.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "lucid/base/error.h"
#include "lucid/tensor/cuda_cards.h"

namespace lucid::tensor {

namespace {

/// The number of a GPU: 0 of "cuda", 3 of "cuda:3"; nullopt for another name.
std::optional<int64_t> card_number(std::string_view name) {
  constexpr std::string_view kCuda = "cuda";
  if (name == kCuda) return 0;
  if (!name.starts_with("cuda:")) return std::nullopt;
  name.remove_prefix(kCuda.size() + 1);
  int64_t number = -1;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

torch::Device device_from_name(const std::string& name, int64_t cards) {
  if (name == "cpu") return {torch::kCPU};
  const auto refuse = [](const std::string& what, const std::string& hint) {
    throw UserError(UserMistake{.what_happened = what, .key = "--device", .hint = hint});
  };
  const std::optional<int64_t> card = card_number(name);
  if (!card) refuse("no such device: " + name, "cpu, cuda or cuda:N, the card number N");
  if (cards == 0) {
    const NoCard reason = no_card(cuda_versions());
    refuse("no CUDA device can be used here: " + reason.why, reason.hint + "; --device cpu always works");
  }
  if (*card >= cards) {
    refuse(cards == 1 ? fmt::format("there is no card {}; there is only card 0", *card)
                      : fmt::format("there is no card {}; there are cards 0 to {}", *card, cards - 1),
           "`lucid info` lists them");
  }
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(*card)};
}

torch::Device device_from_name(const std::string& name) {
  return device_from_name(name, name == "cpu" ? 0 : static_cast<int64_t>(torch::cuda::device_count()));
}

void make_current(torch::Device device) {
  if (!device.is_cuda()) return;
  c10::impl::VirtualGuardImpl(device.type()).setDevice(device);
  set_card(device.index());
}

std::string device_name(torch::Device device) { return c10::DeviceTypeName(device.type(), /*lower_case=*/true); }

torch::Tensor to_device(const torch::Tensor& x, torch::Device device) {
  if (!device.is_cuda()) return x.to(device);
  return x.pin_memory().to(device, /*non_blocking=*/true);
}

torch::Tensor to_device(const std::vector<int64_t>& x, torch::Device device) {
  return to_device(torch::tensor(x, torch::kLong), device);
}

torch::Tensor to_device(const std::vector<float>& x, torch::Device device) {
  return to_device(torch::tensor(x, torch::kFloat), device);
}

}  // namespace lucid::tensor
