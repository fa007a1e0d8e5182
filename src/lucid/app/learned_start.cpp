// SPDX-License-Identifier: Apache-2.0
// Chooses the start of a run, and makes Gaussians of the shape model's points.
#include "lucid/app/learned_start.h"

#include <spdlog/spdlog.h>

#include "lucid/app/run_options/start_kinds.h"
#include "lucid/base/error.h"
#include "lucid/gaussians/starts.h"
#include "lucid/math/sh.h"

namespace lucid::app {
namespace {

// A sphere of radius 0.7 suits objects that fill a ball of radius 1 (the embedded prior's): points are dense in its
// middle. Learned shapes fill their ball.
constexpr double kBallOverRadius = 1 / 0.7;

const std::string& text_of(const RunOptions& options) {
  return options.init_prompt.empty() ? options.text : options.init_prompt;
}

}  // namespace

std::filesystem::path shape_model() { return data_folder() / "models/shape"; }

void resolve_start(RunOptions& options) {
  std::string& kind = options.train.start.kind;
  const bool is_auto = kind == kAutoStart;
  if (!is_auto && kind != kLearnedStart) return;
  if (is_auto && !options.pointe.empty()) {
    kind = kPointE;
    return;
  }
  if (shape::Description::read(shape_model()).subject_of(text_of(options))) {
    kind = kLearnedStart;
    return;
  }
  if (!is_auto) spdlog::warn("init_shape: the shape model knows no word of the prompt; the points start as a sphere");
  kind = "sphere";
}

std::optional<LearnedPoints> learned_points(const std::string& text, int64_t count, uint64_t seed) {
  const auto subject = shape::Description::read(shape_model()).subject_of(text);
  if (!subject) return std::nullopt;
  shape::Model model = shape::Model::open(shape_model(), embedded_prior());
  const shape::Model::Shape made = model.shape_of(*subject, seed);
  Rng rng(seed, "shape points");
  LearnedPoints result{.points = shape::points_of(made.grid, count, rng),
                       .subject = *subject,
                       .variant = made.variant,
                       .variants = made.variants};
  if (result.points.xyz.size(0) == 0) {
    throw UserError({.what_happened = fmt::format("makes nothing of \"{}\": no cell is occupied", subject->caption()),
                     .file = shape::weights_file(shape_model()).string(),
                     .hint = "`lucid prior shape` trains it anew; --init-shape sphere does without"});
  }
  return result;
}

gaussians::Cloud gaussians_at(const shape::Points& points, const RunOptions& options) {
  const torch::NoGradGuard no_grad;
  gaussians::StartOptions start = options.train.start;
  start.kind = "sphere";  // its opacities; the points are replaced
  start.count = points.xyz.size(0);
  gaussians::Cloud cloud = gaussians::make_start(start);
  cloud.means = (points.xyz * (start.radius * kBallOverRadius)).contiguous();
  cloud.log_scales = gaussians::nearest_neighbour_log_scales(cloud.means);
  cloud.sh_dc = ((points.rgb - 0.5) / kSh0).unsqueeze(1).contiguous();
  return cloud;
}

LearnedStart learned_start(const RunOptions& options) {
  const auto made = learned_points(text_of(options), options.train.start.count, static_cast<uint64_t>(options.seed));
  LUCID_CHECK(made, "resolve_start() let \"{}\" pass", text_of(options));
  LearnedStart start{.cloud = gaussians_at(made->points, options),
                     .colours = std::nullopt,
                     .about = fmt::format("the learned shape of \"{}\", variant {} of {}", made->subject.caption(),
                                          made->variant + 1, made->variants)};
  if (!made->subject.colour.empty()) {
    constexpr double kOpaque = 5;  // before the sigmoid
    start.colours = start.cloud;
    for (torch::Tensor* parameter : start.colours->parameters())
      *parameter = parameter->clone();  // training changes the start in place
    start.colours->opacity_logits.fill_(kOpaque);
  }
  return start;
}

}  // namespace lucid::app
