// SPDX-License-Identifier: Apache-2.0
// Golden tests of Point-E against the original code: networks, diffusion, the sampler and whole runs with recorded
// noise. tests/goldens/pointe/README.md has the tolerances.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/nn/layer.h"
#include "lucid/pointe/point_e.h"
#include "lucid/text/clip_text.h"
#include "lucid/weights/skip_init.h"
#include "lucid/weights/torch_file.h"

namespace lucid::pointe {
namespace {
namespace fs = std::filesystem;

using torch::Tensor;
using Tensors = std::map<std::string, Tensor>;

fs::path folder() { return test::goldens() / "pointe"; }

Tensors golden(const std::string& name) {
  // Clones: the file's mapping ends with the StateDict.
  Tensors tensors;
  for (const auto& [key, tensor] : weights::read_safetensors(folder() / (name + ".safetensors")).tensors)
    tensors[key] = tensor.clone();
  return tensors;
}

const nlohmann::json& config() {
  static const auto json = nlohmann::json::parse(read_file(folder() / "config.json"));
  return json;
}

int64_t heads_of(const std::string& model) { return config()["tiny"][model]["heads"]; }
int64_t patches() {
  const int64_t side = config()["tiny"]["clip"]["grid_size"];
  return side * side;
}

PointTransformer network(const std::string& model, const std::string& kind = ".safetensors",
                         torch::ScalarType dtype = torch::kFloat) {
  return load_transformer(weights::read_weights(folder() / (model + kind)), dtype, heads_of(model));
}

/// max|found - wanted|, recorded as a property of the test; infinity for other shapes.
double worst(const std::string& name, const Tensor& found, const Tensor& wanted) {
  if (found.sizes() != wanted.sizes()) return std::numeric_limits<double>::infinity();
  const double error = (found.to(torch::kDouble) - wanted.to(torch::kDouble)).abs().max().item<double>();
  testing::Test::RecordProperty(name, fmt::format("{:.2e}", error));
  return error;
}
double largest(const Tensor& x) { return x.abs().max().item<double>(); }
#define EXPECT_WITHIN(name, found, wanted, limit) EXPECT_LE(worst(name, found, wanted), limit) << (name)

Tensor table(const std::vector<double>& values) { return torch::tensor(values, torch::kDouble); }

TEST(PointeGolden, AllFilesOfOneModelHoldTheSameBits) {
  const std::pair<const char*, std::vector<const char*>> files[] = {{"base", {".pt", "_legacy.pt"}},
                                                                    {"upsample", {".pt"}}};
  for (const auto& [model, kinds] : files) {
    const PointTransformer wanted = network(model);
    for (const char* kind : kinds) {
      const PointTransformer found = network(model, kind);
      size_t count = 0;
      for (const auto& entry : found->named_parameters()) {
        EXPECT_TRUE(entry.value().equal(wanted->named_parameters()[entry.key()])) << model << kind << entry.key();
        EXPECT_GT(largest(entry.value()), 0) << "the golden would not show a tensor that was not loaded";
        ++count;
      }
      EXPECT_EQ(count, golden(model).size() - wanted->buffers().size()) << model << kind;
      for (const auto& entry : found->named_buffers())
        EXPECT_TRUE(entry.value().equal(wanted->named_buffers()[entry.key()])) << model << kind << entry.key();
    }
  }
}

TEST(PointeGolden, ThePublishedConfigurationFollowsFromShapes) {
  const auto shapes = nlohmann::json::parse(read_file(folder() / "published_shapes.json"))["shapes"];
  const std::map<std::string, TransformerConfig::Kind> models = {{"base40M-textvec", TransformerConfig::Kind::kVector},
                                                                 {"upsample", TransformerConfig::Kind::kUpsample}};
  for (const auto& [name, kind] : models) {
    SCOPED_TRACE(name);
    weights::StateDict state{.file = name, .tensors = {}};
    for (const auto& [key, shape] : shapes[name].items())
      state.tensors[key] = weights::uninitialised(shape.get<std::vector<int64_t>>());
    const TransformerConfig found = TransformerConfig::from_weights(state);
    const auto& wanted = config()["published_models"][name];
    EXPECT_EQ(found.kind, kind);
    EXPECT_EQ(found.width, wanted["width"]);
    EXPECT_EQ(found.layers, wanted["layers"]);
    EXPECT_EQ(found.heads, wanted["heads"]);
    EXPECT_EQ(found.condition_width, kind == TransformerConfig::Kind::kVector ? 768 : 1024);
    // A network of this configuration has these tensors, no more and no fewer.
    const weights::SkipInitGuard skip_init;
    const PointTransformer net(found);
    std::map<std::string, std::vector<int64_t>> ours;
    for (const auto& entry : net->named_parameters()) ours[entry.key()] = entry.value().sizes().vec();
    for (const auto& entry : net->named_buffers()) ours[entry.key()] = entry.value().sizes().vec();
    EXPECT_EQ(ours, (shapes[name].get<std::map<std::string, std::vector<int64_t>>>()));
  }
}

TEST(PointeGolden, Networks) {
  const torch::NoGradGuard no_grad;
  for (const char* kind : {".safetensors", ".pt", "_legacy.pt"}) {
    const Tensors f = golden("base_forward");
    PointTransformer base = network("base", kind);
    const Tensor out = base->forward(f.at("x"), f.at("t"), {.vector = f.at("embeddings")});
    EXPECT_WITHIN("base", out, f.at("out"), 1e-5 * largest(out));
    EXPECT_WITHIN("base_f64", out, f.at("out_f64"), 1e-5 * largest(out));
    EXPECT_WITHIN("timestep_embedding", timestep_embedding(f.at("t"), base->config().width), f.at("timestep_embedding"),
                  1e-4);
  }
  const Tensors f = golden("upsample_forward");
  for (const char* kind : {".safetensors", ".pt"}) {
    PointTransformer net = network("upsample", kind);
    const Tensor &x = f.at("x"), &t = f.at("t"), &low_res = f.at("low_res");
    const Tensor blind = net->forward(x, t, {.low_res = low_res, .zero_patches = patches()});
    EXPECT_WITHIN("upsample_uncond", blind, f.at("out_uncond"), 1e-5 * largest(blind));
    EXPECT_WITHIN("upsample_uncond_f64", blind, f.at("out_uncond_f64"), 1e-5 * largest(blind));
    const Tensor seeing = net->forward(x, t, {.low_res = low_res, .grid = f.at("embeddings")});
    EXPECT_WITHIN("upsample_cond", seeing, f.at("out_cond"), 1e-5 * largest(seeing));
    // The empty grid's one token stands for all of its patches.
    const Tensor zeros = net->forward(x, t, {.low_res = low_res, .grid = torch::zeros_like(f.at("embeddings"))});
    EXPECT_WITHIN("upsample_zero_grid", zeros, blind, 1e-5 * largest(blind));
  }
}

TEST(PointeGolden, DiffusionTables) {
  for (const auto& [name, diffusion] :
       {std::pair{"diffusion_cosine", Diffusion::cosine()}, std::pair{"diffusion_linear", Diffusion::linear()}}) {
    SCOPED_TRACE(name);
    const Tensors f = golden(name);
    const Diffusion::Tables& ours = diffusion.tables();
    const std::pair<const char*, const std::vector<double>*> tables[] = {
        {"betas", &ours.betas},
        {"log_betas", &ours.log_betas},
        {"alphas_cumprod", &ours.alphas_cumprod},
        {"sqrt_recip_alphas_cumprod", &ours.sqrt_recip_alphas_cumprod},
        {"sqrt_recipm1_alphas_cumprod", &ours.sqrt_recipm1_alphas_cumprod},
        {"posterior_variance", &ours.posterior_variance},
        {"posterior_log_variance_clipped", &ours.posterior_log_variance_clipped},
        {"posterior_mean_coef1", &ours.posterior_mean_coef1},
        {"posterior_mean_coef2", &ours.posterior_mean_coef2}};
    for (const auto& [key, values] : tables) {
      const Tensor wanted = f.at(key), found = table(*values);
      ASSERT_EQ(found.sizes(), wanted.sizes()) << key;
      EXPECT_TRUE(((found - wanted).abs() <= 1e-12 * wanted.abs() + 1e-300).all().item<bool>()) << key;
    }
  }
}

TEST(PointeGolden, PMeanVariance) {
  const torch::NoGradGuard no_grad;
  for (const std::string model : {"base", "upsample"}) {
    SCOPED_TRACE(model);
    const Tensors f = golden(model + "_p_mean_variance");
    PointTransformer net = network(model);
    const Diffusion diffusion = model == "base" ? Diffusion::cosine() : Diffusion::linear();
    Condition condition{.zero_patches = patches()};
    if (model == "base") {
      condition.vector = f.at("embeddings");
    } else {
      condition.low_res = f.at("low_res");
    }
    const Tensor &x = f.at("x"), &t = f.at("t");
    const Tensor output = net->forward(x, t, condition);
    EXPECT_WITHIN("model_output", output, f.at("model_output"), 1e-5 * largest(output));
    for (const bool clip : {true, false}) {
      const StepDistribution step = diffusion.p_mean_variance(output, x, t, clip);
      const std::string prefix = clip ? "clip_" : "noclip_";
      for (int64_t row = 0; row < t.size(0); ++row) {  // the largest timestep multiplies the noise by 20778
        const Tensor wanted = f.at(prefix + "pred_xstart")[row], unclipped = f.at("noclip_pred_xstart")[row];
        EXPECT_WITHIN(prefix + "pred_xstart", step.start[row], wanted, 3e-5 * std::max(1.0, largest(unclipped)));
        const Tensor& mean = f.at(prefix + "mean")[row];
        EXPECT_WITHIN(prefix + "mean", step.mean[row], mean, 3e-5 * std::max(1.0, largest(mean)));
      }
      EXPECT_WITHIN(prefix + "log_variance", step.log_variance, f.at(prefix + "log_variance"), 3e-5);
      EXPECT_WITHIN(prefix + "variance", step.variance, f.at(prefix + "variance"), 1e-5);
      if (!clip) continue;
      const Tensor noise = (t != 0).to(torch::kFloat).view({-1, 1, 1}) * f.at("p_sample_noise");
      EXPECT_WITHIN("p_sample", step.mean + (0.5 * step.log_variance).exp() * noise, f.at("p_sample"), 1e-4);
    }
    EXPECT_WITHIN("unscaled", unscaled(f.at("scaled")), f.at("unscaled"), 1e-4);
    EXPECT_WITHIN("rescaled", scaled(f.at("unscaled")), f.at("rescaled"), 1e-6);
  }
}

TEST(PointeGolden, KarrasScheduleAndTimesteps) {
  const Tensors f = golden("karras");
  int64_t checked = 0;
  for (const std::string model : {"base", "upsample"}) {
    for (const std::string steps : {"64", "8"}) {
      const std::string name = model + "_" + steps + "_";
      if (!f.contains(name + "sigmas")) continue;
      SCOPED_TRACE(name);
      const auto& sampler = config()["sampler"];
      const size_t stage = model == "base" ? 0 : 1;
      const KarrasOptions options{.steps = std::stoll(steps),
                                  .sigma_min = sampler["sigma_min"][stage],
                                  .sigma_max = sampler["sigma_max"][stage],
                                  .churn = sampler["s_churn"][stage]};
      const Diffusion diffusion = model == "base" ? Diffusion::cosine() : Diffusion::linear();
      const std::vector<float> sigmas = karras_sigmas(options);
      const Tensor wanted = f.at(name + "sigmas"), found = torch::tensor(sigmas);
      ASSERT_EQ(found.sizes(), wanted.sizes());
      EXPECT_TRUE(((found - wanted).abs() <= 1e-6 * wanted).all().item<bool>());
      EXPECT_NEAR(churn_growth(options), f.at(name + "gamma").item<double>(), 1e-15);
      const Tensor t_hat = f.at(name + "t_hat"), t_next = f.at(name + "t_next");
      for (int64_t i = 0; i < t_hat.size(0); ++i) {
        const float noisier = sigmas[static_cast<size_t>(i)] * static_cast<float>(churn_growth(options) + 1);
        EXPECT_EQ(static_cast<int64_t>(diffusion.timestep(noisier)), t_hat[i].item<int64_t>()) << i;
        if (i < t_next.size(0)) {
          EXPECT_EQ(static_cast<int64_t>(diffusion.timestep(sigmas[static_cast<size_t>(i) + 1])),
                    t_next[i].item<int64_t>());
        }
      }
      ++checked;
    }
  }
  EXPECT_EQ(checked, 4) << "the golden's names have changed";
  for (const auto& [key, diffusion] : {std::pair{"cosine", Diffusion::cosine()}, {"linear", Diffusion::linear()}}) {
    const Tensor sigma = f.at("sweep_sigma").to(torch::kDouble);
    const Tensor t = f.at(fmt::format("sweep_{}_t", key)), real = f.at(fmt::format("sweep_{}_t_real", key));
    int64_t compared = 0;
    for (int64_t i = 0; i < sigma.size(0); ++i) {
      const double place = real[i].item<double>();
      const double found = diffusion.timestep(sigma[i].item<double>());
      EXPECT_NEAR(found, place, 1e-3) << key << i;
      if (std::abs(place - std::round(place)) < 1e-3 && place != std::round(place)) continue;
      EXPECT_EQ(static_cast<int64_t>(found), t[i].item<int64_t>()) << key << i;
      ++compared;
    }
    EXPECT_GT(compared, sigma.size(0) / 2);
  }
}

/// Runs a stage with the golden's noise and compares every call of the network on the way.
class RecordedRun {
 public:
  RecordedRun(const std::string& name, PointTransformer net, torch::ScalarType dtype = torch::kFloat)
      : f_(golden(name)), net_(std::move(net)), exact_(dtype == torch::kFloat) {}

  Tensor run(const KarrasOptions& sampler, const Diffusion& diffusion, const Condition& condition, double guidance) {
    const torch::NoGradGuard no_grad;
    const Tensor& noise = f_.at("noise");
    const Denoise denoise = guided_denoiser(net_, diffusion, condition, guidance);
    const Denoise compared = [&](const Tensor& x, float sigma) {
      const Tensor clean = denoise(x, sigma);
      if (exact_ && f_.contains("call_x")) compare(x, sigma, clean, diffusion);
      ++calls_;
      return clean;
    };
    const KarrasResult result = karras_sample(
        sampler, [&](int64_t draw) { return noise[draw]; }, compared);
    EXPECT_EQ(calls_, denoiser_calls(sampler));
    if (exact_) {
      EXPECT_WITHIN("x_final", result.x, f_.at("x_final"), 2e-4);
      if (f_.contains("pred_xstart_final")) {
        EXPECT_WITHIN("pred_xstart_final", result.denoised, f_.at("pred_xstart_final"), 2e-4);
      }
      EXPECT_WITHIN("xyz", unscaled(result.denoised).slice(1, 0, 3), f_.at("samples").slice(1, 0, 3), 1e-4);
      EXPECT_WITHIN("rgb", unscaled(result.denoised).slice(1, 3), f_.at("samples").slice(1, 3), 0.05);
    }
    return unscaled(result.denoised);
  }
  const Tensors& golden_tensors() const { return f_; }

 private:
  void compare(const Tensor& x, float sigma, const Tensor& clean, const Diffusion& diffusion) {
    const Tensor &call_x = f_.at("call_x"), &call_sigma = f_.at("call_sigma"), &call_t = f_.at("call_t");
    SCOPED_TRACE(fmt::format("call {}", calls_));
    EXPECT_WITHIN("call_x", x, call_x[calls_].slice(0, 0, 1), 1e-3 * std::max(1.0, static_cast<double>(sigma)));
    EXPECT_NEAR(sigma, call_sigma[calls_].view(-1)[0].item<float>(), 1e-6 * sigma);
    EXPECT_EQ(static_cast<int64_t>(diffusion.timestep(sigma)), call_t[calls_].view(-1)[0].item<int64_t>());
    const bool early = 3 * calls_ < call_x.size(0);
    const Tensor& x0 = f_.at("call_x0")[calls_];
    const Tensor wanted = x0.size(0) == 1 ? x0 : x0.slice(0, 1, 2) + 3 * (x0.slice(0, 0, 1) - x0.slice(0, 1, 2));
    const double spread = x0.size(0) == 1 ? 1 : 5;  // guidance multiplies the error too
    EXPECT_WITHIN("call_x0", clean, wanted, spread * (early ? 1e-3 : 1e-4));
    if (calls_ % 2 == 0) {
      EXPECT_WITHIN("denoised", clean, f_.at("denoised")[calls_ / 2], spread * (early ? 1e-3 : 1e-4));
      EXPECT_WITHIN("x_hat", x, f_.at("x_hat")[calls_ / 2], 1e-3 * std::max(1.0, static_cast<double>(sigma)));
    }
  }

  Tensors f_;
  PointTransformer net_;
  bool exact_;
  int64_t calls_ = 0;
};

constexpr KarrasOptions kBase{.steps = 8, .sigma_max = 120, .churn = 3}, kUpsample{.steps = 8, .sigma_max = 160};

TEST(PointeGolden, WholeRunsWithRecordedNoise) {
  for (const char* kind : {".safetensors", ".pt"}) {
    RecordedRun base("sample_base", network("base", kind));
    const Tensor coarse = base.run(kBase, Diffusion::cosine(), {.vector = base.golden_tensors().at("embedding")}, 3);
    RecordedRun upsample("sample_upsample", network("upsample", kind));
    EXPECT_WITHIN("low_res", coarse.slice(1, 0, 3), upsample.golden_tensors().at("low_res").slice(1, 0, 3), 1e-4);
    const Tensor fine = upsample.run(kUpsample, Diffusion::linear(), {.low_res = coarse, .zero_patches = patches()}, 0);

    const Tensors f = golden("sample_final");
    const Tensor output = torch::cat({coarse, fine}, 2);
    EXPECT_WITHIN("output", output, f.at("output"), 0.05);
    const PointCloud cloud = points_of(output[0]);
    EXPECT_WITHIN("final_xyz", cloud.xyz, f.at("xyz"), 1e-4);
    EXPECT_WITHIN("final_rgb", cloud.rgb, f.at("rgb"), 1.01 / 255);
    EXPECT_GE(((cloud.rgb - f.at("rgb")).abs() < 1e-6).to(torch::kFloat).mean().item<float>(), 0.99F);
  }
  RecordedRun two("sample_base_batch2", network("base", "_legacy.pt"));
  two.run(kBase, Diffusion::cosine(), {.vector = two.golden_tensors().at("embedding")}, 3);
}

TEST(PointeGolden, ColoursAreClampedAndRoundedHalfToEven) {
  const Tensors f = golden("sample_final");
  const PointCloud cloud = points_of(f.at("probe_output")[0]);
  EXPECT_WITHIN("probe_xyz", cloud.xyz, f.at("probe_xyz"), 0);
  EXPECT_WITHIN("probe_rgb", cloud.rgb, f.at("probe_rgb"), 1e-7);
}

TEST(PointeGolden, ClipTextInBothLayouts) {
  const torch::NoGradGuard no_grad;
  const Tensors f = golden("clip_text_golden");
  for (const char* file : {"clip_text_hf.safetensors", "clip_text_openai.safetensors"}) {
    SCOPED_TRACE(file);
    text::ClipText clip = text::load_clip_text(folder() / file, heads_of("clip"));
    EXPECT_WITHIN("last_hidden_state", clip.encoder->forward(f.at("ids_zero_padded")), f.at("last_hidden_state"), 1e-5);
    for (const char* ids : {"ids_zero_padded", "ids_eot_padded"}) {
      const Tensor vectors = clip.vectors(f.at(ids));
      EXPECT_WITHIN("text_embeds", vectors, f.at("text_embeds"), 1e-5);
      EXPECT_WITHIN("normalised", vectors / vectors.norm(2, 1, true), f.at("normalised"), 1e-5);
    }
  }
}

// Point-E in bfloat16 is no default: this states what it costs.
TEST(PointeGolden, BFloat16DivergesLittleInOneCall) {
  const torch::NoGradGuard no_grad;
  const Tensors f = golden("base_forward");
  PointTransformer net = network("base", ".pt", torch::kBFloat16);
  nn::freeze_layers(*net, false, false);
  const Tensor out = net->forward(f.at("x"), f.at("t"), {.vector = f.at("embeddings")});
  const double error = (out - f.at("out")).norm().item<double>() / f.at("out").norm().item<double>();
  RecordProperty("one_call", fmt::format("{:.2e}", error));
  EXPECT_LT(error, 0.02);
  EXPECT_GT(error, 1e-4) << "it was float32";
  RecordedRun run("sample_base", net, torch::kBFloat16);
  const Tensor coarse = run.run(kBase, Diffusion::cosine(), {.vector = run.golden_tensors().at("embedding")}, 3);
  const Tensor wanted = run.golden_tensors().at("samples");
  const Tensor xyz = (coarse - wanted).slice(1, 0, 3), rgb = (coarse - wanted).slice(1, 3);
  RecordProperty("xyz_rms", fmt::format("{:.2e}", xyz.square().mean().sqrt().item<double>()));
  RecordProperty("rgb_rms", fmt::format("{:.2e}", rgb.square().mean().sqrt().item<double>()));
  EXPECT_LT(xyz.square().mean().sqrt().item<double>(), 0.05);
}

}  // namespace
}  // namespace lucid::pointe
