// SPDX-License-Identifier: Apache-2.0
// View-dependent prompts: three anchors interpolated by azimuth, and Perp-Neg's extra prompts and weights (Armandpour
// et al. 2023).
#pragma once

#include <torch/torch.h>

#include <array>
#include <string>
#include <vector>

namespace lucid::distill {

/// Embeddings, each [1,L,D].
struct ViewPrompts {
  torch::Tensor front, side, back;  // "{text}, front view" …
  torch::Tensor negative;           // the "unconditional" side of classifier-free guidance
  torch::Tensor inverse;            // `inverse_text`, for the inversion
};

struct PerpNegOptions {
  double negative_w = -2, front_decay_factor = 2, side_decay_factor = 10;
};

/// How a view's prompts follow from its azimuth (degrees, any turn).
struct ViewMix {
  std::array<double, 3> front_side_back{};  // coefficients of the view prompt z
  std::array<int, 2> extra{};               // Perp-Neg's 2nd and 3rd prompt: 0 front, 1 side, 2 back
  std::array<double, 3> weights{1, 0, 0};   // of z and the two extra prompts
};
ViewMix mix_for_azimuth(double azimuth, const PerpNegOptions& options = {});

/// z for each view [B,L,D]; and with Perp-Neg the extra prompts [2,B,L,D] and weights [3,B].
torch::Tensor view_embeddings(const ViewPrompts& prompts, const std::vector<double>& azimuths);
struct PerpNegPrompts {
  torch::Tensor extra;    // [2,B,L,D]
  torch::Tensor weights;  // [3,B]
};
PerpNegPrompts perpneg_prompts(const ViewPrompts& prompts, const std::vector<double>& azimuths,
                               const PerpNegOptions& options);

/// delta [K,B,C,h,w] (eps_k - eps_negative), weights [K,B] -> [B,C,h,w]; terms with |w| <= 1e-4 are skipped.
torch::Tensor perpneg_aggregate(const torch::Tensor& delta, const torch::Tensor& weights);

}  // namespace lucid::distill
