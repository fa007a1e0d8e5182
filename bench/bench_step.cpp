// SPDX-License-Identifier: Apache-2.0
// Where the time of one whole ISM step goes, stage by stage, on the embedded prior's default preset.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lucid/app/options.h"
#include "lucid/app/threads.h"
#include "lucid/base/machine.h"
#include "lucid/distill/prior.h"
#include "lucid/train/step.h"

namespace {

using lucid::train::StepReport;

struct Stage {
  const char* name;
  double StepReport::Seconds::*field;
};
constexpr Stage kStages[] = {{"render", &StepReport::Seconds::render},
                             {"encode", &StepReport::Seconds::encode},
                             {"score", &StepReport::Seconds::score},
                             {"encode_backward", &StepReport::Seconds::encode_backward},
                             {"render_backward", &StepReport::Seconds::render_backward},
                             {"update", &StepReport::Seconds::update}};

}  // namespace

int main(int argc, char** argv) {
  lucid::let_idle_threads_sleep(argv);
  lucid::set_up_malloc();
  CLI::App app{"stages of one ISM step, embedded prior"};
  int steps = 12, warm_up = 3;
  int64_t threads = 0;
  bool json = false;
  app.add_option("--steps", steps, "steps that are timed")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--threads", threads, "CPU threads; 0 = all cores")->capture_default_str();
  app.add_flag("--json", json, "one JSON object a line");
  CLI11_PARSE(app, argc, argv);
  lucid::app::set_threads(threads);

  lucid::app::RunOptions options;
  auto table = lucid::app::make_table(options);
  const auto folder = lucid::app::data_folder() / "models" / "mini";
  table.set_from_yaml(lucid::app::preset_file(folder, "default"), "preset");
  options.text = "a hamburger";
  options.train.vis_interval = 0;
  lucid::app::finish_options(options);
  auto prior = lucid::distill::load_prior(folder);
  const auto prompts = lucid::distill::view_prompts(prior, options.text, "", "");
  const auto distiller = lucid::distill::make_distiller(options.train.score);
  const lucid::train::Scene scene{options.train, prior, prompts, *distiller};
  lucid::gaussians::StartOptions start = options.train.start;
  lucid::gaussians::Cloud cloud = lucid::gaussians::make_start(start);
  lucid::optim::Adam adam(cloud);
  const int64_t count = cloud.count();
  lucid::train::Model model{cloud, std::move(adam), lucid::optim::DensifyStats::zeros(count), 0};
  lucid::render::CpuRasterizer rasterizer;

  StepReport::Seconds sum;
  double wall = 0;
  for (int step = 0; step < warm_up + steps; ++step) {
    const auto begin = std::chrono::steady_clock::now();
    const StepReport report = lucid::train::training_step(scene, model, rasterizer);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!std::isfinite(report.score_norm)) {
      fmt::print(stderr, "bench_step: the score is not finite\n");
      return 1;
    }
    if (step < warm_up) continue;
    wall += seconds;
    for (const Stage& stage : kStages) sum.*stage.field += report.seconds.*stage.field;
  }
  if (!json)
    fmt::print("{} Gaussians, {} views of {}x{}, {} steps\n{:<16} {:>9} {:>7}\n", count, options.train.batch,
               options.train.views.width, options.train.views.height, steps, "stage", "ms/step", "share");
  for (const Stage& stage : kStages) {
    const double ms = 1e3 * (sum.*stage.field) / steps, share = (sum.*stage.field) / wall;
    if (json) {
      fmt::print("{}\n", nlohmann::json{{"stage", stage.name}, {"ms", ms}, {"share", share}}.dump());
    } else {
      fmt::print("{:<16} {:>9.2f} {:>6.1f}%\n", stage.name, ms, 100 * share);
    }
  }
  if (json) {
    fmt::print("{}\n", nlohmann::json{{"stage", "step"}, {"ms", 1e3 * wall / steps}, {"share", 1.0}}.dump());
  } else {
    fmt::print("{:<16} {:>9.2f}\n", "step", 1e3 * wall / steps);
  }
  return 0;
}
