// SPDX-License-Identifier: Apache-2.0
// The source branch of a score, and noise that two branches share.
#include "lucid/distill/beside_source.h"

#include "lucid/base/error.h"

namespace lucid::distill {
namespace {

using Draw = std::function<torch::Tensor(at::IntArrayRef)>;

Draw recording(const Draw& draw, std::vector<torch::Tensor>& into) {
  return [draw, &into](at::IntArrayRef shape) { return into.emplace_back(draw(shape)); };
}

Draw replaying(const std::vector<torch::Tensor>& from) {
  return [&from, next = size_t{0}](at::IntArrayRef) mutable { return from.at(next++); };
}

}  // namespace

ScoreInput source_of(const ScoreInput& input) {
  LUCID_CHECK(input.source_latents.defined() && input.source_prompts != nullptr, "a score with a source got none");
  ScoreInput source = input;
  source.latents = input.source_latents;
  source.prompts = input.source_prompts;
  return source;
}

void set_gradient_beside_source(ScoreOutput& output, const ScoreOptions& options, const ScoreInput& input,
                                const torch::Tensor& difference) {
  const torch::Tensor moved = input.latents.to(torch::kFloat) - input.source_latents.to(torch::kFloat);
  set_gradient(output, options, 1, options.keep == 0 ? difference : difference + options.keep * moved);
}

SharedNoise::SharedNoise(const NoiseSource& drawn)
    : first{.base = recording(drawn.base, base_),
            .offset = recording(drawn.offset, offset_),
            .eta = recording(drawn.eta, eta_)},
      second{.base = replaying(base_), .offset = replaying(offset_), .eta = replaying(eta_)} {}

}  // namespace lucid::distill
