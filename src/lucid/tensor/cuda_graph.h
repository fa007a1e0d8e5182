// SPDX-License-Identifier: Apache-2.0
// Work for a GPU, recorded once and queued again with one call: a step of Stable Diffusion is some thousand kernels,
// and queueing one takes the processor 10 to 50 us, as long as many of them run.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace lucid::tensor {

class CudaGraph {
 public:
  /// Whether this build can record: it has CUDA, and libtorch 2.
  static bool available();

  CudaGraph();
  ~CudaGraph();
  CudaGraph(CudaGraph&&) noexcept;
  CudaGraph& operator=(CudaGraph&&) noexcept;
  /// Records what body queues, which may not wait for the GPU; nothing runs. The memory that it takes is the graph's
  /// for good, or shared with `other`, when no values are kept from a replay of one to a replay of the other.
  void record(const std::function<void()>& body, const CudaGraph* other = nullptr);
  void replay();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs body as it will be recorded, and waits: what libraries do when they are first called cannot be recorded.
void warm_up_before_capture(const std::function<void()>& body);

/// A function without gradients of tensors on a GPU, recorded for each shape of them that comes.
class RecordedFunction {
 public:
  using Body = std::function<torch::Tensor(const std::vector<torch::Tensor>& inputs)>;
  explicit RecordedFunction(Body body) : body_(std::move(body)) {}
  torch::Tensor operator()(const std::vector<torch::Tensor>& inputs);
  /// For when body is to read other memory than its inputs and what it read before.
  void forget() { by_shape_.clear(); }

 private:
  struct Recorded {
    std::vector<torch::Tensor> inputs;
    torch::Tensor output;
    CudaGraph graph;
  };
  Recorded& recorded_for(const std::vector<torch::Tensor>& inputs);

  Body body_;
  std::map<std::vector<int64_t>, Recorded> by_shape_;
};

}  // namespace lucid::tensor
