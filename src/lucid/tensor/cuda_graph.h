// SPDX-License-Identifier: Apache-2.0
// CudaGraph: GPU work that is captured once and replayed with one call. CapturedFunction: a function of tensors that is
// captured once for each shape. A step of Stable Diffusion launches some thousand kernels. Each launch takes the CPU 10
// to 50 us, as long as many of the kernels run.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace lucid::tensor {

/// One graph. Without CUDA or with libtorch 1, capture() and replay() throw std::logic_error.
class CudaGraph {
 public:
  /// Whether this build can capture: it has CUDA and libtorch 2.
  static bool available();

  CudaGraph();
  ~CudaGraph();
  CudaGraph(CudaGraph&&) noexcept;
  CudaGraph& operator=(CudaGraph&&) noexcept;
  /// Captures the work that body queues, without running it. body must not wait for the GPU. The graph owns the memory
  /// that body allocates. With `other` both graphs share memory: a replay of one may then overwrite what the other left
  /// there.
  void capture(const std::function<void()>& body, const CudaGraph* other = nullptr);
  /// Queues the captured work in the current stream.
  void replay();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs body in the stream in which captures run, and waits: libraries initialise themselves in their first call, which
/// cannot be captured.
void warm_up_before_capture(const std::function<void()>& body);

/// A function of GPU tensors, without gradients, that is captured once for each combination of input shapes.
class CapturedFunction {
 public:
  using Body = std::function<torch::Tensor(const std::vector<torch::Tensor>& inputs)>;
  explicit CapturedFunction(Body body) : body_(std::move(body)) {}
  /// Captures body at the first call with such shapes; copies the inputs and replays; returns a copy of the output.
  torch::Tensor operator()(const std::vector<torch::Tensor>& inputs);
  /// Drops all captures. Needed when body, besides its inputs, is to read other memory than at its capture.
  void clear() { by_shape_.clear(); }

 private:
  struct Capture {
    std::vector<torch::Tensor> inputs;
    torch::Tensor output;
    CudaGraph graph;
  };
  Capture& capture_for(const std::vector<torch::Tensor>& inputs);

  Body body_;
  std::map<std::vector<int64_t>, Capture> by_shape_;
};

}  // namespace lucid::tensor
