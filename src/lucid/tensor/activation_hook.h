// SPDX-License-Identifier: Apache-2.0
// Reports the outputs of nested modules under diffusers' names; one branch when nobody listens.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <string>

namespace lucid::tensor {

class Watch {
 public:
  using Callback = std::function<void(const std::string&, const torch::Tensor&)>;
  Watch() = default;  // nobody listens
  /// `callback` outlives it.
  explicit Watch(const Callback& callback, std::string prefix = "")
      : callback_(&callback), prefix_(std::move(prefix)) {}
  explicit Watch(Callback&& callback, std::string prefix = "") = delete;

  void operator()(const std::string& name, const torch::Tensor& output) const {
    if (callback_ != nullptr && *callback_) (*callback_)(prefix_ + name, output);
  }
  /// The same listener, for what lies inside the module `name`.
  Watch inside(const std::string& name) const {
    Watch watch = *this;
    watch.prefix_ += name + ".";
    return watch;
  }

 private:
  const Callback* callback_ = nullptr;
  std::string prefix_;
};

}  // namespace lucid::tensor
