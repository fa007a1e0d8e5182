// SPDX-License-Identifier: Apache-2.0
// bench_step: time of one training step with Interval Score Matching, stage by stage, and each stage's share of a whole
// run (loading, all steps, images and videos at the end). Default: the embedded prior with its default preset.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "lucid/app/options.h"
#include "lucid/app/prior.h"
#include "lucid/app/threads.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/gaussians/starts.h"
#include "lucid/text_to_image/prior.h"
#include "lucid/train/outputs.h"
#include "lucid/train/step.h"
#include "seconds.h"

namespace {

namespace gaussians = lucid::gaussians;
namespace nn = lucid::nn;
namespace text_to_image = lucid::text_to_image;
using lucid::bench::seconds_of;
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

/// Seconds that a run with these options takes to write its outputs: videos, test views, the point cloud.
double seconds_of_outputs(const lucid::train::TrainOptions& options, const lucid::gaussians::Cloud& cloud,
                          gaussians::ViewRenderer& renderer) {
  std::string name = (std::filesystem::temp_directory_path() / "lucid-bench-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder can be made");
  const lucid::train::Workspace workspace{name};
  constexpr int64_t kFrames = 8;
  const double frames = seconds_of([&] {
    if (!options.save_process) return;
    for (int64_t i = 0; i < kFrames; ++i) lucid::train::write_process_frame(workspace, cloud, options, renderer, i);
    lucid::train::write_process_video(workspace, kFrames);
  });
  const double rest = seconds_of([&] {
    lucid::train::write_result(workspace, cloud, options, renderer, options.iterations);
    if (options.save_video) lucid::train::write_turntables(workspace.root / "videos", cloud, options, renderer);
  });
  std::filesystem::remove_all(workspace.root);
  return rest + frames * static_cast<double>(std::min(options.pro_frames_num, options.iterations)) / kFrames;
}

}  // namespace

int main(int argc, char** argv) try {
  lucid::let_idle_threads_sleep(argv);
  lucid::set_up_malloc();
  CLI::App app{
      "times the stages of one training step: the embedded prior with its default preset, or another with a YAML file"};
  lucid::app::RunOptions options;
  std::string config;
  int steps = 12, warm_up = 3;
  int64_t threads = 0;
  bool json = false, eager = false;
  app.add_option("--steps", steps, "number of timed steps")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--threads", threads, "CPU threads; 0 = all cores")->capture_default_str();
  app.add_option("--device", options.device, "cpu or cuda")->capture_default_str();
  app.add_option("--prior", options.model_key, "a Stable Diffusion model; default: the embedded prior");
  app.add_option("--config", config, "YAML of options on top of the preset")->type_name("FILE");
  app.add_flag("--low-memory", options.low_memory, "the same as for lucid generate");
  app.add_flag("--eager", eager, "launch GPU kernels one by one instead of as recorded graphs");
  app.add_flag("--json", json, "print one JSON object per line");
  CLI11_PARSE(app, argc, argv);
  lucid::app::set_threads(threads);

  if (options.model_key.empty()) options.model_key = (lucid::app::data_folder() / "models" / "mini").string();
  const std::string device = options.device, folder = options.model_key;
  auto table = lucid::app::make_table(options);
  lucid::app::apply_preset(table, folder, "default");
  if (!config.empty()) table.set_from_yaml(config, "config");
  options.device = device;
  options.model_key = folder;
  options.text = "a hamburger";
  options.train.vis_interval = 0;
  options.train.start.kind = "sphere";  // the preset's own timesteps: those after a learned start have less noise
  lucid::app::finish_options(options, table);
  const auto begin_load = std::chrono::steady_clock::now();
  auto prior = lucid::app::open_prior(options);
  const auto prompts = text_to_image::view_prompts(prior, options.text, "", "");
  const double load = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_load).count();
  const auto distiller = lucid::distill::make_distiller(options.train.score);
  nn::ComputeOptions compute = lucid::app::compute_options(options);
  compute.cuda_graphs = !eager;
  lucid::diffusion::UNetDenoiser denoiser(prior.unet, compute);
  lucid::diffusion::ImageEncoder encoder(prior.vae, compute);
  lucid::train::Scene scene{options.train, prior,      encoder, denoiser,
                            prompts,       *distiller, nullptr, lucid::app::device_of(options)};
  lucid::gaussians::StartOptions start = options.train.start;
  lucid::train::Model model = lucid::train::start_model(lucid::gaussians::make_start(start));
  lucid::train::move_to(scene.device, model);
  const int64_t count = model.cloud.count();
  gaussians::ViewRenderer renderer(scene.device);

  StepReport::Seconds sum;
  const auto seconds_of_steps = [&](int count) {
    double wall = 0;
    sum = {};
    for (int step = 0; step < count; ++step) {
      StepReport report;
      wall += seconds_of([&] { report = lucid::train::training_step(scene, model, renderer); });
      LUCID_CHECK(std::isfinite(report.score_norm), "the score's norm is {}", report.score_norm);
      for (const Stage& stage : kStages) sum.*stage.field += report.seconds.*stage.field;
    }
    return wall;
  };
  seconds_of_steps(warm_up);
  const double wall = seconds_of_steps(steps);
  if (scene.device.is_cuda()) {  // times of single stages; waiting after each stage makes the whole step slower
    scene.waits_by_stage = true;
    seconds_of_steps(steps);
    scene.waits_by_stage = false;
  }
  const double outputs = seconds_of_outputs(options.train, model.cloud, renderer);
  const auto iterations = static_cast<double>(options.train.iterations);
  const double job = load + iterations * wall / steps + outputs;

  if (!json)
    fmt::print("{} Gaussians, {} views of {}x{}, {} steps timed; the job: {} steps, {:.0f} s\n{:<16} {:>9} {:>9}\n",
               count, options.train.batch, options.train.views.width, options.train.views.height, steps,
               options.train.iterations, job, "stage", "ms/step", "of job");
  const auto row = [&](const char* name, double seconds_of_job) {
    const double ms = 1e3 * seconds_of_job / iterations, share = seconds_of_job / job;
    if (json) {
      fmt::print("{}\n", nlohmann::json{{"stage", name}, {"ms", ms}, {"share", share}}.dump());
    } else {
      fmt::print("{:<16} {:>9.2f} {:>8.1f}%\n", name, ms, 100 * share);
    }
  };
  for (const Stage& stage : kStages) row(stage.name, iterations * (sum.*stage.field) / steps);
  row("step", iterations * wall / steps);
  row("load", load);
  row("outputs", outputs);
  return 0;
} catch (const lucid::UserError& error) {
  fmt::print(stderr, "bench_step: {}\n", error.what());
  return 2;
}
