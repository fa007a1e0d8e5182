// SPDX-License-Identifier: Apache-2.0
// See cuda_graph.h.
#include "lucid/tensor/cuda_graph.h"

#include <stdexcept>

#if defined(LUCID_WITH_CUDA) && TORCH_VERSION_MAJOR >= 2
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#endif

namespace lucid::tensor {

#if defined(LUCID_WITH_CUDA) && TORCH_VERSION_MAJOR >= 2

struct CudaGraph::State {
  at::cuda::CUDAGraph graph;
};

namespace {

// Nothing can be recorded in the default stream. Always the same other one: libraries keep their scratch by stream.
void in_another_stream(const std::function<void()>& body) {
  static const c10::cuda::CUDAStream other = c10::cuda::getStreamFromPool();
  const c10::cuda::CUDAStream own = c10::cuda::getCurrentCUDAStream();
  own.synchronize();
  {
    const c10::cuda::CUDAStreamGuard guard(other);
    body();
  }
  other.synchronize();
}

}  // namespace

bool CudaGraph::available() { return true; }

void CudaGraph::record(const std::function<void()>& body, const CudaGraph* other) {
  state_ = std::make_unique<State>();
  const at::cuda::MempoolId_t pool = other == nullptr ? at::cuda::MempoolId_t{0, 0} : other->state_->graph.pool();
  in_another_stream([&] {
    // Of this thread's calls only: autograd queues from a thread of its own.
    state_->graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
    body();
    state_->graph.capture_end();
  });
}

void CudaGraph::replay() { state_->graph.replay(); }

void warm_up_before_capture(const std::function<void()>& body) {
  in_another_stream(body);
  c10::cuda::CUDACachingAllocator::emptyCache();  // what it took in that stream nobody else could use
}

#else

struct CudaGraph::State {};

bool CudaGraph::available() { return false; }
void CudaGraph::record(const std::function<void()>& /*body*/, const CudaGraph* /*other*/) {
  throw std::logic_error("this build has no CUDA graphs");
}
void CudaGraph::replay() { throw std::logic_error("this build has no CUDA graphs"); }
void warm_up_before_capture(const std::function<void()>& body) { body(); }

#endif

CudaGraph::CudaGraph() = default;
CudaGraph::~CudaGraph() = default;
CudaGraph::CudaGraph(CudaGraph&&) noexcept = default;
CudaGraph& CudaGraph::operator=(CudaGraph&&) noexcept = default;

RecordedFunction::Recorded& RecordedFunction::recorded_for(const std::vector<torch::Tensor>& inputs) {
  std::vector<int64_t> shape;
  for (const torch::Tensor& input : inputs) {
    shape.push_back(input.dim());
    shape.insert(shape.end(), input.sizes().begin(), input.sizes().end());
  }
  const auto found = by_shape_.find(shape);
  if (found != by_shape_.end()) return found->second;
  Recorded recorded;
  for (const torch::Tensor& input : inputs) recorded.inputs.push_back(input.clone());
  warm_up_before_capture([&] { body_(recorded.inputs); });
  const CudaGraph* other = by_shape_.empty() ? nullptr : &by_shape_.begin()->second.graph;
  recorded.graph.record([&] { recorded.output = body_(recorded.inputs); }, other);
  return by_shape_.emplace(shape, std::move(recorded)).first->second;
}

torch::Tensor RecordedFunction::operator()(const std::vector<torch::Tensor>& inputs) {
  const torch::NoGradGuard no_grad;
  Recorded& recorded = recorded_for(inputs);
  for (size_t i = 0; i < inputs.size(); ++i) recorded.inputs[i].copy_(inputs[i]);
  recorded.graph.replay();
  return recorded.output.clone();  // the next replay overwrites it
}

}  // namespace lucid::tensor
