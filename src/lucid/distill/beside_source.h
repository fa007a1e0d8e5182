// SPDX-License-Identifier: Apache-2.0
// What scores with a source share: the source as an input of its own, noise that both branches see, the identity term.
#pragma once

#include <vector>

#include "lucid/distill/guidance.h"

namespace lucid::distill {

/// The same views of the source. Checks that there is one.
ScoreInput source_of(const ScoreInput& input);

/// lambda_guidance * (difference + keep (x_0 - x_0 of the source)) as the gradient.
void set_gradient_beside_source(ScoreOutput& output, const ScoreOptions& options, const ScoreInput& input,
                                const torch::Tensor& difference);

/// Noise of two branches: what the first draws, the second gets again, in the same order.
class SharedNoise {
 public:
  explicit SharedNoise(const NoiseSource& drawn);
  SharedNoise(const SharedNoise&) = delete;  // the sources refer to it
  SharedNoise& operator=(const SharedNoise&) = delete;
  NoiseSource first, second;

 private:
  std::vector<torch::Tensor> base_, offset_, eta_;  // draws of the first branch
};

/// PDS: gradient = psi (x_0 - x_0 of the source) + chi (eps - eps of the source).
struct PdsCoefficients {
  double c0 = 0, c1 = 0, sigma = 0, psi = 0, chi = 0;
};
/// At timestep t >= 3. The posterior's mean is c0 x_0 + c1 x_t, its deviation sigma.
PdsCoefficients pds_coefficients(const diffusion::Schedule& schedule, int64_t t);

}  // namespace lucid::distill
