// SPDX-License-Identifier: Apache-2.0
// lucid prior check: whether weights are complete and usable, which model they are, the memory they take, what to type.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <optional>

#include "commands.h"
#include "describe_weights.h"
#include "lucid/app/memory/memory_limit.h"
#include "lucid/app/prior.h"
#include "lucid/app/threads.h"
#include "lucid/base/error.h"

namespace lucid::cli {
namespace {
namespace fs = std::filesystem;
using text_to_image::WeightsDescription;
using text_to_image::WeightsKind;

constexpr const char* kPrompt = "a ceramic teapot";
constexpr int64_t kSide = 512;  // pixels; Stable Diffusion's own size

/// A word of a command line, in quotes where a shell needs them.
std::string shell_word(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("/._-+:,@%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (std::string_view("\"\\$`").find(c) != std::string_view::npos) quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string gigabytes(double bytes) { return fmt::format("{:.1f} GB", bytes * 1e-9); }

/// The options of a run with this prior at its default preset.
struct DefaultRun {
  app::RunOptions options;

  explicit DefaultRun(const CheckRequest& request, const std::string& prior) {
    config::OptionTable table = app::make_table(options);
    app::apply_preset(table, prior, options.preset);
    options.model_key = prior;
    options.prior_config = request.prior_config;
  }
};

/// What makes a run fit the cards that people have, where it does not fit all of them as it is.
void print_plans(const app::RunShape& shape, const std::function<app::PriorMemory(const app::RunShape&)>& estimate) {
  const app::PriorMemory memory = estimate(shape);
  const auto print = [&](const char* machine, int64_t gibibytes, bool on_gpu) {  // cards are sold by these
    const auto bytes = static_cast<double>(gibibytes << 30);
    if ((on_gpu ? memory.gpu : memory.cpu) <= bytes / 2) return;
    const std::optional<std::string> flags = app::flags_to_fit(bytes, on_gpu, shape, estimate);
    fmt::print("  {:<14}{}\n", machine, !flags ? "too small" : flags->empty() ? "enough" : "add " + *flags);
  };
  print("12 GB card", 12, true);
  print("16 GB card", 16, true);
  print("24 GB card", 24, true);
  print("16 GB of RAM", 16, false);
}

void print_memory(const text_to_image::Prior& prior, const DefaultRun& run) {
  const auto shape_at = [&](int64_t side) {
    app::RunOptions options = run.options;
    options.train.views.width = options.train.views.height = static_cast<int>(side);
    return app::run_shape(options, options.train.start.count);
  };
  const auto estimate = [&](const app::RunShape& shape) {
    return app::estimate_memory(*prior.unet, *prior.vae, shape);
  };
  const auto print = [&](int64_t side) {
    const app::PriorMemory memory = estimate(shape_at(side));
    fmt::print(
        "  memory        about {} on this CPU, {} with --low-memory; {} on a GPU, {} with --low-memory ({} x {}, {} "
        "views)\n",
        gigabytes(memory.cpu), gigabytes(memory.cpu_low), gigabytes(memory.gpu), gigabytes(memory.gpu_low), side, side,
        run.options.train.batch);
  };
  const int64_t own = run.options.train.views.width;
  if (own != kSide) print(own);
  if (!prior.unet->config().is_multi_view()) print(kSide);
  print_plans(shape_at(own), estimate);
}

/// --prior and what a single file needs beside it.
std::string prior_arguments(const CheckRequest& request, const std::string& prior) {
  std::string text = "--prior " + shell_word(prior);
  if (!request.prior_config.empty()) text += " --prior-config " + shell_word(request.prior_config);
  return text;
}

void print_next(const std::string& arguments, const std::string& prompt = kPrompt) {
  fmt::print("usable; type next:\n  lucid generate {}{} {}\n", torch::cuda::is_available() ? "--device cuda " : "",
             arguments, shell_word(prompt));
}

void check_model(const CheckRequest& request, const WeightsDescription& description) {
  const DefaultRun run(request, request.path);
  const text_to_image::Prior prior = app::open_prior(run.options);
  print_prior(prior);
  print_memory(prior, run);
  std::string arguments = prior_arguments(request, request.path);
  if (description.kind == WeightsKind::kCheckpoint) {
    print_hash(request.path, "");
    const bool in_v = prior.schedule.config().prediction == diffusion::Prediction::kV;
    const bool probed = request.prior_config.empty() && prior.encoder->config().activation == "gelu" &&
                        !prior.unet->config().is_multi_view();
    if (probed) arguments += fmt::format(" --prediction-type {}", in_v ? "v_prediction" : "epsilon");
  }
  if (prior.unet->config().sees_picture())
    return fmt::print("usable; type next:\n  lucid edit ASSET --score ip2p {} --to \"make it red\"\n", arguments);
  print_next(arguments);
}

/// Applies an adapter to the prior that it is for.
void check_fit(const CheckRequest& request, const WeightsDescription& description) {
  check_usable(text_to_image::describe_weights(request.prior));
  DefaultRun run(request, request.prior);
  app::RunOptions& options = run.options;
  for (const std::string& word : description.words) options.text += word + " ";
  (description.kind == WeightsKind::kLora        ? options.lora_path
   : description.kind == WeightsKind::kInversion ? options.textual_inversion_path
                                                 : options.controlnet) = request.path;
  const text_to_image::Prior prior = app::open_prior(options);
  app::open_control(options, prior);
  fmt::print("  fits          {}\n", text_to_image::model_name(prior));
}

void check_adapter(const CheckRequest& request, const WeightsDescription& description) {
  if (!request.prior.empty()) {
    check_fit(request, description);
  } else if (description.kind == WeightsKind::kControlNet && fs::is_directory(request.path)) {
    diffusion::load_control_net(request.path);
  }
  std::string arguments = prior_arguments(request, request.prior.empty() ? "MODEL" : request.prior);
  std::string prompt = kPrompt;
  const std::string file = shell_word(request.path);
  if (description.kind == WeightsKind::kLora) {
    arguments += fmt::format(" --lora {}:0.8", file);
  } else if (description.kind == WeightsKind::kInversion) {
    arguments += " --textual-inversion " + file;
    prompt = fmt::format("a teapot in the style of {}", description.words.front());
  } else {
    arguments += " --controlnet " + file;
  }
  if (request.prior.empty())
    fmt::print("  MODEL         the Stable Diffusion it was made for; --prior MODEL checks that it fits\n");
  print_next(arguments, prompt);
}

}  // namespace

int run_prior_check(const CheckRequest& request) {
  app::set_threads(0);
  const WeightsDescription description = text_to_image::describe_weights(request.path);
  print_description(description);
  check_usable(description);
  if (description.kind == WeightsKind::kFolder || description.kind == WeightsKind::kCheckpoint) {
    if (!request.prior.empty()) {
      throw UserError({.what_happened = "is a whole model, which needs no other",
                       .file = request.path,
                       .hint = "--prior is for a LoRA, a textual inversion or a ControlNet"});
    }
    check_model(request, description);
  } else {
    check_adapter(request, description);
  }
  return 0;
}

}  // namespace lucid::cli
