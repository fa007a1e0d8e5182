// SPDX-License-Identifier: Apache-2.0
// CUDA graphs by libtorch 2, and stubs for builds without them.
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

/// Runs body in a stream of the pool, since the default stream cannot be captured, and waits. It is always the same
/// stream: libraries keep scratch memory for each stream.
void run_in_capture_stream(const std::function<void()>& body) {
  static const c10::cuda::CUDAStream capture_stream = c10::cuda::getStreamFromPool();
  const c10::cuda::CUDAStream own = c10::cuda::getCurrentCUDAStream();
  own.synchronize();
  {
    const c10::cuda::CUDAStreamGuard guard(capture_stream);
    body();
  }
  capture_stream.synchronize();
}

}  // namespace

bool CudaGraph::available() { return true; }

void CudaGraph::capture(const std::function<void()>& body, const CudaGraph* other) {
  state_ = std::make_unique<State>();
  const at::cuda::MempoolId_t pool = other == nullptr ? at::cuda::MempoolId_t{0, 0} : other->state_->graph.pool();
  run_in_capture_stream([&] {
    // ThreadLocal: calls of other threads, such as libtorch's autograd thread, do not break the capture.
    state_->graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
    body();
    state_->graph.capture_end();
  });
}

void CudaGraph::replay() { state_->graph.replay(); }

void warm_up_before_capture(const std::function<void()>& body) {
  run_in_capture_stream(body);
  c10::cuda::CUDACachingAllocator::emptyCache();  // memory cached for that stream cannot be used by others
}

#else

struct CudaGraph::State {};

bool CudaGraph::available() { return false; }
void CudaGraph::capture(const std::function<void()>& /*body*/, const CudaGraph* /*other*/) {
  throw std::logic_error("this build has no CUDA graphs");
}
void CudaGraph::replay() { throw std::logic_error("this build has no CUDA graphs"); }
void warm_up_before_capture(const std::function<void()>& body) { body(); }

#endif

CudaGraph::CudaGraph() = default;
CudaGraph::~CudaGraph() = default;
CudaGraph::CudaGraph(CudaGraph&&) noexcept = default;
CudaGraph& CudaGraph::operator=(CudaGraph&&) noexcept = default;

CapturedFunction::Capture& CapturedFunction::capture_for(const std::vector<torch::Tensor>& inputs) {
  std::vector<int64_t> shape;
  for (const torch::Tensor& input : inputs) {
    shape.push_back(input.dim());
    shape.insert(shape.end(), input.sizes().begin(), input.sizes().end());
  }
  const auto found = by_shape_.find(shape);
  if (found != by_shape_.end()) return found->second;
  Capture capture;
  for (const torch::Tensor& input : inputs) capture.inputs.push_back(input.clone());
  warm_up_before_capture([&] { body_(capture.inputs); });
  const CudaGraph* other = by_shape_.empty() ? nullptr : &by_shape_.begin()->second.graph;
  capture.graph.capture([&] { capture.output = body_(capture.inputs); }, other);
  return by_shape_.emplace(shape, std::move(capture)).first->second;
}

torch::Tensor CapturedFunction::operator()(const std::vector<torch::Tensor>& inputs) {
  const torch::NoGradGuard no_grad;
  Capture& capture = capture_for(inputs);
  for (size_t i = 0; i < inputs.size(); ++i) capture.inputs[i].copy_(inputs[i]);
  capture.graph.replay();
  return capture.output.clone();  // the next replay overwrites it
}

}  // namespace lucid::tensor
