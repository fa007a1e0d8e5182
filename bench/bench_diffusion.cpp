// SPDX-License-Identifier: Apache-2.0
// bench_diffusion: speed of Stable Diffusion's networks on this CPU, compared with the same networks in libtorch's own
// operators and with the machine's peak, all measured in one run. Shapes of SD 2.1 at 512 x 512, or of SDXL; random
// weights.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lucid/app/options.h"
#include "lucid/app/prior.h"
#include "lucid/app/threads.h"
#include "lucid/base/error.h"
#include "lucid/base/machine.h"
#include "lucid/diffusion/denoiser.h"
#include "lucid/diffusion/image_encoder.h"
#include "lucid/distill/distiller.h"
#include "lucid/nn/attention.h"
#include "lucid/nn/cast_module.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/layer.h"
#include "lucid/nn/layout.h"
#include "lucid/render/rasterize.h"
#include "lucid/tensor/freeze.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/tensor/relative_error.h"
#include "lucid/text_to_image/single_file.h"
#include "lucid/weights/skip_init.h"
#include "peak.h"
#include "seconds.h"

namespace {

namespace diffusion = lucid::diffusion;
namespace distill = lucid::distill;
namespace nn = lucid::nn;
namespace tensor = lucid::tensor;
namespace text_to_image = lucid::text_to_image;
using lucid::bench::seconds_of;
using torch::Tensor;

constexpr int64_t kLatentSide = 64, kPictureSide = 512, kTokens = 77, kContext = 1024;
// Floating-point operations of one pass, two for each multiply-add in convolutions, matrix products and attention.
constexpr double kUNetFlops = 804e9, kEncodeFlops = 1117e9, kDecodeFlops = 2515e9;

/// The dtype in which the networks compute, and the allowed relative error against libtorch in float32.
struct Numbers {
  torch::ScalarType type = torch::kBFloat16;
  Tensor operator()(const Tensor& x) const { return x.to(type); }
  /// A feature map with the dtype that the program gives to such a network.
  Tensor map(const Tensor& x) const { return x.to(nn::activation_dtype(type, x)); }
  double limit() const { return type == torch::kFloat ? 1e-4 : 0.01; }
  const char* name() const { return type == torch::kFloat ? "float32" : "bfloat16"; }
  double peak_gflops() const {
    return type == torch::kFloat ? lucid::bench::measure_peak(lucid::render::cpu_isa()).fma_gflops
                                 : lucid::bench::measure_bfloat16_peak();
  }
};

diffusion::UNetConfig stable_diffusion_2() {
  diffusion::UNetConfig config;
  config.heads_per_block = {5, 10, 20, 20};
  config.cross_attention_dim = kContext;
  config.use_linear_projection = true;
  return config;
}

/// Best times of a few runs, of our operators and of libtorch's alternately, so that both see the same machine load.
struct Times {
  double fast = 1e30, plain = 1e30;
};
Times best_of(int runs, const std::function<double()>& work) {
  Times times;
  for (int run = 0; run < runs; ++run) {
    times.fast = std::min(times.fast, work());
    const tensor::ReferenceOpsGuard plain;
    times.plain = std::min(times.plain, work());
  }
  return times;
}

class Report {
 public:
  Report(bool json, const Numbers& numbers) : json_(json), numbers_(numbers), peak_(numbers.peak_gflops()) {
    if (json_) return;
    fmt::print("{} peak {:.0f} GFLOP/s, {} threads\n{:<22} {:>9} {:>9} {:>7} {:>8} {:>9} {:>8}\n", numbers_.name(),
               peak_, at::get_num_threads(), "", "seconds", "plain", "ratio", "of peak", "error", "peak MB");
  }
  const Numbers& numbers() const { return numbers_; }
  /// Prints one row. `error` is relative to libtorch in float32; none if it was not measured.
  void add(const std::string& name, const Times& times, double flops, std::optional<double> error) {
    const double share = peak_ > 0 ? flops / times.fast / (peak_ * 1e9) : 0;
    const bool wrong = error && !(*error <= numbers_.limit());
    failed_ = failed_ || wrong;
    if (json_) {
      nlohmann::json row = {{"name", name},
                            {"seconds", times.fast},
                            {"plain_seconds", times.plain},
                            {"ratio_to_plain", times.plain / times.fast},
                            {"fraction_of_peak", share},
                            {"peak_mb", lucid::peak_memory_mb()}};
      row["relative_error"] = error ? nlohmann::json(*error) : nlohmann::json();
      fmt::print("{}\n", row.dump());
    } else {
      fmt::print("{:<22} {:>9.4f} {:>9.4f} {:>7.2f} {:>7.0f}% {:>9} {:>8}{}\n", name, times.fast, times.plain,
                 times.plain / times.fast, 100 * share, error ? fmt::format("{:.2e}", *error) : "",
                 lucid::peak_memory_mb(), wrong ? "  WRONG" : "");
    }
    std::fflush(stdout);
  }
  bool failed() const { return failed_; }

 private:
  bool json_, failed_ = false;
  Numbers numbers_;
  double peak_;
};

Tensor floats(const Tensor& x) { return x.to(torch::kFloat); }

/// The result of `work` with libtorch's own operators.
Tensor plainly(const std::function<Tensor()>& work) {
  const tensor::ReferenceOpsGuard plain;
  return work();
}

void attention(Report& report, int64_t tokens, int64_t heads, int64_t width) {
  const torch::NoGradGuard no_grad;
  const auto draw = [&] { return report.numbers()(torch::randn({1, tokens, heads * width})); };
  const Tensor q = draw(), k = draw(), v = draw();
  const double error = tensor::relative_error(
      nn::attention(q, k, v, heads), plainly([&] { return nn::attention(floats(q), floats(k), floats(v), heads); }));
  const auto tokens_ = static_cast<double>(tokens);
  report.add(fmt::format("attention {}x{}x{}", tokens, heads, width),
             best_of(7, [&] { return seconds_of([&] { nn::attention(q, k, v, heads); }); }),
             4 * tokens_ * tokens_ * static_cast<double>(heads * width), error);
}

/// Times the U-Net and compares it with the same weights in float32 with libtorch's operators.
diffusion::UNet unets(Report& report, const std::vector<int64_t>& batches) {
  const torch::NoGradGuard no_grad;
  const auto inputs = [](int64_t batch) {
    torch::manual_seed(batch);
    return std::tuple(torch::randn({batch, 4, kLatentSide, kLatentSide}), torch::full({batch}, 500, torch::kLong),
                      torch::randn({batch, kTokens, kContext}));
  };
  const Numbers& numbers = report.numbers();
  diffusion::UNet unet = nn::cast_module(tensor::freeze(diffusion::UNet(stable_diffusion_2())), numbers.type);
  nn::freeze_layers(*unet, /*low_memory=*/false, /*round_activations=*/true);  // as UNetDenoiser does
  const auto [x, t, context] = inputs(1);
  const Tensor latents_of_one = x, steps_of_one = t, words = numbers(context);
  const Tensor found = unet->forward(numbers.map(x), t, words);
  const double error = tensor::relative_error(
      found, plainly([&] {
        return nn::cast_module(unet, torch::kFloat)->forward(latents_of_one, steps_of_one, floats(words));
      }));
  for (const int64_t batch : batches) {
    const auto [latents, timesteps, prompts] = inputs(batch);
    const Tensor a = latents, b = numbers(prompts), steps = timesteps;
    report.add(
        fmt::format("unet B{}", batch),
        best_of(batch == 1 ? 4 : 2, [&] { return seconds_of([&] { unet->forward(numbers.map(a), steps, b); }); }),
        kUNetFlops * static_cast<double>(batch), batch == 1 ? std::optional(error) : std::nullopt);
  }
  return unet;
}

diffusion::Vae vaes(Report& report) {
  torch::manual_seed(1);
  const Numbers& numbers = report.numbers();
  diffusion::Vae vae = nn::cast_module(tensor::freeze(diffusion::Vae(diffusion::VaeConfig{})), numbers.type);
  diffusion::Vae exact = nn::cast_module(vae, torch::kFloat);
  const Tensor picture = torch::rand({1, 3, kPictureSide, kPictureSide});
  const Tensor latents = torch::randn({1, 4, kLatentSide, kLatentSide});
  const Tensor d_moments = torch::randn({1, 8, kLatentSide, kLatentSide});
  diffusion::ImageEncoder right(exact), encoder(vae);
  const double error = tensor::relative_error(encoder.encode(picture), plainly([&] { return right.encode(picture); }));
  const double backward_error =
      tensor::relative_error(encoder.backward(d_moments), plainly([&] { return right.backward(d_moments); }));
  Times forward, backward;
  for (int run = 0; run < 3; ++run) {
    const auto both = [&](double& best_forward, double& best_backward) {
      best_forward = std::min(best_forward, seconds_of([&] { encoder.encode(picture); }));
      best_backward = std::min(best_backward, seconds_of([&] { encoder.backward(d_moments); }));
    };
    both(forward.fast, backward.fast);
    const tensor::ReferenceOpsGuard plain;
    both(forward.plain, backward.plain);
  }
  report.add("vae encode", forward, kEncodeFlops, error);
  report.add("vae encode backward", backward, kEncodeFlops, backward_error);
  const torch::NoGradGuard no_grad;
  const auto decode = [&] { return vae->decode(numbers.map(latents)); };
  const double decode_error = tensor::relative_error(decode(), plainly([&] { return exact->decode(latents); }));
  report.add("vae decode", best_of(2, [&] { return seconds_of(decode); }), kDecodeFlops, decode_error);
  return vae;
}

/// Times Interval Score Matching from an image to its gradient, for one view with the reference's settings late in a
/// run: encoder, DDIM inversion, the two predictions, and the encoder's backward pass.
void ism_step(Report& report, const diffusion::UNet& unet, const diffusion::Vae& vae) {
  diffusion::UNetDenoiser denoiser(unet);
  diffusion::ImageEncoder encoder(vae);
  const diffusion::Schedule schedule(text_to_image::stable_diffusion_schedule(diffusion::Prediction::kEpsilon));
  const auto anchors = text_to_image::ViewAnchors::reference();
  const auto words = static_cast<int64_t>(anchors.anchors().size());
  const text_to_image::ViewPrompts prompts(anchors, torch::randn({words, kTokens, kContext}),
                                           torch::randn({1, kTokens, kContext}), torch::randn({1, kTokens, kContext}));
  distill::ScoreOptions options;
  options.warmup_iter = 0;
  options.delta_t = 50;
  options.perpneg = false;
  const auto distiller = distill::make_distiller(options);
  const Tensor picture = torch::rand({1, 3, kPictureSide, kPictureSide});
  const auto normal = [](at::IntArrayRef shape) { return torch::randn(shape); };
  distill::NoiseSource noise{.base = normal, .offset = normal, .eta = normal};
  const auto step = [&] {
    const Tensor moments = encoder.encode(picture).requires_grad_(true);
    const Tensor latents = diffusion::sample_latents(moments, torch::randn({1, 4, kLatentSide, kLatentSide}),
                                                     vae->config().scaling_factor);
    const distill::ScoreOutput score = distiller->score(
        denoiser, schedule,
        {.latents = latents.detach(), .prompts = &prompts, .views = {{}}, .iteration = 5000, .t_index = 300}, noise);
    encoder.backward(torch::autograd::grad({latents}, {moments}, {score.d_latents})[0]);
    const auto norm = score.d_latents.norm().item<double>();
    LUCID_CHECK(std::isfinite(norm), "the score is {}", norm);
  };
  report.add("ism step", best_of(1, [&] { return seconds_of(step); }), 0, std::nullopt);
}

/// Loads a prior as `lucid generate` does, and prints time and memory beside the size of the weight files.
void load(const std::string& path, bool json) {
  lucid::app::RunOptions options;
  options.model_key = path;
  std::optional<text_to_image::Prior> prior;
  const double seconds = seconds_of([&] { prior = lucid::app::open_prior(options); });
  const int64_t peak_mb = lucid::peak_memory_mb();
  double bytes = 0;
  for (const auto& file : prior->weight_files) bytes += static_cast<double>(std::filesystem::file_size(file));
  // A checksum of the weights' bits: equal models give equal sums.
  uint64_t sum = 0;
  const auto add = [&](const torch::nn::Module& network) {
    for (const auto& weight : network.parameters()) {
      const Tensor flat = weight.detach().contiguous().view(-1);
      const Tensor bits = flat.element_size() == 2 ? flat.view(torch::kShort) : flat.view(torch::kInt);
      sum = sum * 31 + static_cast<uint64_t>(bits.sum(torch::kLong).item<int64_t>());
    }
  };
  add(*prior->unet);
  add(*prior->vae);
  add(*prior->encoder);
  if (prior->second) add(*prior->second->text.encoder);
  const double file_mb = bytes / (1 << 20);
  if (json) {
    fmt::print("{}\n", nlohmann::json{{"name", "load"},
                                      {"file", path},
                                      {"seconds", seconds},
                                      {"file_mb", file_mb},
                                      {"peak_mb", peak_mb},
                                      {"bits", fmt::format("{:016x}", sum)}}
                           .dump());
  } else {
    fmt::print("load: {:.2f} s, {:.0f} MB of weights, {} MB of memory at most ({:.2f} of the file), bits {:016x}: {}\n",
               seconds, file_mb, peak_mb, static_cast<double>(peak_mb) / file_mb, sum, path);
  }
}

/// Times SDXL's U-Net on one row of side x side latents, the weights drawn in the networks' dtype. The error is not
/// measured: a float32 copy of its weights takes 10 GB.
void xl_unet(Report& report, int64_t side) {
  const torch::NoGradGuard no_grad;
  diffusion::UNetConfig config{.block_out_channels = {320, 640, 1280},
                               .down_block_types = {"DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"},
                               .up_block_types = {"CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"},
                               .heads_per_block = {5, 10, 20},
                               .transformer_depths = {1, 2, 10},
                               .cross_attention_dim = 2048,
                               .vector_width = 2816,
                               .size_width = 256,
                               .use_linear_projection = true};
  const Numbers& numbers = report.numbers();
  diffusion::UNet unet = [&] {
    const lucid::weights::SkipInitGuard skip_init;
    return diffusion::UNet(config);
  }();
  for (auto& item : unet->named_parameters()) {
    const bool norm = item.value().dim() == 1 && item.key().find("norm") != std::string::npos;
    torch::Tensor numbers_of = torch::empty(item.value().sizes(), norm ? torch::kFloat : numbers.type);
    item.value().set_data(norm && item.key().ends_with("weight") ? numbers_of.fill_(1) : numbers_of.normal_(0, 0.02));
  }
  tensor::freeze(unet);
  nn::set_unfrozen_policy(*unet, numbers.type);
  nn::make_weights_channels_last(*unet);
  nn::freeze_layers(*unet, /*low_memory=*/true, /*round_activations=*/true);
  const Tensor x = torch::randn({1, 4, side, side}), t = torch::full({1}, 500, torch::kLong),
               context = numbers(torch::randn({1, kTokens, config.cross_attention_dim})),
               vector = torch::randn({1, config.vector_width});
  constexpr double kFlopsAt64 = 1.6e12, kFlopsAt128 = 6.8e12;
  report.add(
      fmt::format("SDXL unet B1 {}", 8 * side),
      best_of(1, [&] { return seconds_of([&] { unet->forward(numbers.map(x), t, context, {.vector = vector}); }); }),
      side == 64    ? kFlopsAt64
      : side == 128 ? kFlopsAt128
                    : 0,
      std::nullopt);
}

/// Seconds of one U-Net step in a stable-diffusion.cpp program: a quarter of the extra time of four more steps.
void stable_diffusion_cpp(Report& report, const std::string& program, const std::string& model) {
  const auto run = [&](int steps) {
    const std::string command = fmt::format(
        "'{}' -m '{}' -p 'a chair' -W {} -H {} --cfg-scale 1 --steps {} --type bf16 -t {} -o /dev/null >/dev/null 2>&1",
        program, model, kPictureSide, kPictureSide, steps, at::get_num_threads());
    int status = 0;
    const double seconds = seconds_of([&] { status = std::system(command.c_str()); });
    if (status != 0) throw lucid::UserError({.what_happened = "failed: " + command, .file = program});
    return seconds;
  };
  const double seconds = (run(5) - run(1)) / 4;
  report.add("stable-diffusion.cpp B1", {.fast = seconds, .plain = seconds}, kUNetFlops, std::nullopt);
}

}  // namespace

int main(int argc, char** argv) {
  lucid::let_idle_threads_sleep(argv);
  lucid::set_up_malloc();
  CLI::App app{"times Stable Diffusion 2.1's networks at 512 x 512 on this CPU"};
  bool json = false, quick = false, only_vae = false, in_float32 = false;
  int64_t threads = 0, xl_side = 0;
  std::string program, model, prior;
  app.add_flag("--json", json, "print one JSON object per line");
  app.add_flag("--quick", quick, "attention and one U-Net pass only");
  app.add_flag("--vae", only_vae, "the VAE only");
  app.add_flag("--float32", in_float32, "compute in float32, as on a processor without AVX512-BF16; default: bfloat16");
  app.add_option("--xl", xl_side, "SDXL's U-Net only, for pictures of this many pixels a side");
  app.add_option("--threads", threads, "CPU threads; 0 = all cores")->capture_default_str();
  app.add_option("--load", prior, "only measure the loading of this prior");
  auto* peer = app.add_option("--sd-cpp", program, "also time this stable-diffusion.cpp program");
  app.add_option("--sd-cpp-model", model, "the checkpoint for that program")->needs(peer);
  CLI11_PARSE(app, argc, argv);
  try {
    lucid::app::set_threads(threads);
    if (!prior.empty()) {
      load(prior, json);
      return 0;
    }
    Report report(json, Numbers{.type = in_float32 ? torch::kFloat : torch::kBFloat16});
    if (xl_side > 0) {
      xl_unet(report, xl_side / 8);
    } else if (only_vae) {
      vaes(report);
    } else {
      attention(report, 4096, 8, 40);
      attention(report, 4096, 5, 64);
      attention(report, 1024, 10, 64);
      const diffusion::UNet unet = unets(report, quick ? std::vector<int64_t>{1} : std::vector<int64_t>{1, 2, 8});
      if (!quick) ism_step(report, unet, vaes(report));
    }
    if (!program.empty()) stable_diffusion_cpp(report, program, model);
    if (report.failed()) fmt::print(stderr, "bench_diffusion: an error exceeds {}\n", report.numbers().limit());
    return report.failed() ? 1 : 0;
  } catch (const lucid::UserError& error) {
    fmt::print(stderr, "bench_diffusion: {}\n", error.what());
    return 2;
  }
}
