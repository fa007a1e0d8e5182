// SPDX-License-Identifier: Apache-2.0
// ActivationHook: reports the outputs of nested modules under diffusers' module names, for golden tests and debugging.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>

namespace lucid::tensor {

/// A callback, and the name of the module that calls it as a prefix. Without a callback a call costs one branch.
class ActivationHook {
 public:
  using Callback = std::function<void(const std::string& module, const torch::Tensor& output)>;
  ActivationHook() = default;  // no callback
  /// Keeps a pointer: `callback` must outlive the hook.
  explicit ActivationHook(const Callback& callback, std::string prefix = "")
      : callback_(&callback), prefix_(std::move(prefix)) {}
  explicit ActivationHook(Callback&& callback, std::string prefix = "") = delete;

  void operator()(const std::string& module, const torch::Tensor& output) const {
    if (callback_ != nullptr && *callback_) (*callback_)(prefix_ + module, output);
  }
  /// A hook for the modules inside `module`.
  ActivationHook scoped(const std::string& module) const {
    ActivationHook hook = *this;
    hook.prefix_ += module + ".";
    return hook;
  }

 private:
  const Callback* callback_ = nullptr;
  std::string prefix_;
};

}  // namespace lucid::tensor
