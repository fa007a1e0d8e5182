// SPDX-License-Identifier: Apache-2.0
// Renders a model from eight sides and measures its colours.
#include "lucid/corpus/own_colours.h"

#include "lucid/corpus/views.h"

namespace lucid::corpus {
namespace {

constexpr int kProbeSize = 64;  // pixels per side
constexpr int64_t kProbeViews = 8;
constexpr double kProbeElevation = 20;

}  // namespace

ColourShares own_colours(const Mesh& mesh) {
  Renderer renderer(kProbeSize, 1);
  const std::vector<Shot> shots = even_shots(kProbeViews, kProbeElevation, true);
  Pictures pictures(kProbeSize, shots.size());
  for (size_t i = 0; i < shots.size(); ++i) render_shot(renderer, mesh, shots[i], i, pictures);
  return measure_colours(pictures.rgb, pictures.alpha, kProbeViews);
}

}  // namespace lucid::corpus
