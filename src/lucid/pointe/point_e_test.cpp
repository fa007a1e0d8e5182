// SPDX-License-Identifier: Apache-2.0
// Point-E's files and their mistakes, the pipeline as a function of its seed, and growth into starting points.
#include "lucid/pointe/point_e.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/rng.h"
#include "lucid/pointe/grow.h"
#include "lucid/pointe/test_weights.h"
#include "lucid/text/clip_text.h"
#include "lucid/weights/torch_file.h"
#include "mistakes.h"

namespace lucid::pointe {
namespace {
namespace fs = std::filesystem;

using test::mistake_of;
using torch::Tensor;
using Kind = TransformerConfig::Kind;

class PointeFolder : public ::testing::Test {
 protected:
  PointeFolder() { test_weights::write_folder(path()); }
  const fs::path& path() const { return folder_.path; }
  OpenOptions options() const { return {.merges = test::source_dir() / "models/clip/merges.txt.gz"}; }
  Networks open(const std::string& text = "a chair") const {
    return open_networks(WeightFiles::in_folder(path()), text, options());
  }
  /// Replaces the base model's file by what `change` makes of its tensors.
  void change_base(const std::function<void(test_weights::Tensors&)>& change) const {
    auto tensors = test_weights::transformer_tensors(Kind::kVector);
    change(tensors);
    weights::write_safetensors(path() / "base_40m_textvec.safetensors", tensors);
  }

 private:
  test::TemporaryFolder folder_;
};

bool equal(const PointCloud& a, const PointCloud& b) { return a.xyz.equal(b.xyz) && a.rgb.equal(b.rgb); }

TEST_F(PointeFolder, TheCloudFollowsFromSeedAndPrompt) {
  Networks chair = open(), table = open("a table");
  const SampleOptions few{.seed = 3, .points = 40, .steps = 3};
  const PointCloud once = sample(chair, few), again = sample(chair, few);
  EXPECT_EQ(once.xyz.sizes(), (std::vector<int64_t>{40, 3}));
  EXPECT_EQ(once.rgb.sizes(), (std::vector<int64_t>{40, 3}));
  EXPECT_TRUE(once.xyz.isfinite().all().item<bool>());
  EXPECT_TRUE((once.rgb >= 0).all().item<bool>() && (once.rgb <= 1).all().item<bool>());
  EXPECT_TRUE(equal(once, again));
  EXPECT_FALSE(equal(once, sample(chair, {.seed = 4, .points = 40, .steps = 3})));
  EXPECT_FALSE(equal(once, sample(table, few))) << "the prompt does not matter";
  EXPECT_FALSE(equal(once, sample(chair, {.seed = 3, .points = 40, .steps = 3, .guidance = 1})));
}

TEST_F(PointeFolder, TheUpsamplerAddsToTheBasePoints) {
  Networks networks = open();
  const PointCloud coarse = sample(networks, {.points = 1024, .steps = 2});
  int64_t calls = 0, of = 0;
  StageSeconds seconds;
  const PointCloud fine = sample(networks,
                                 {.points = 7168,
                                  .steps = 2,
                                  .on_call =
                                      [&](int64_t done, int64_t total, float sigma) {
                                        EXPECT_EQ(done, ++calls);
                                        EXPECT_GT(sigma, 0);
                                        of = total;
                                      }},
                                 &seconds);
  EXPECT_EQ(calls, 3 * 3) << "two steps are three calls; 7168 points take two passes of the upsampler";
  EXPECT_EQ(of, calls);
  EXPECT_GT(seconds.base, 0);
  EXPECT_GT(seconds.upsample, 0);
  EXPECT_EQ(fine.xyz.size(0), 7168);
  EXPECT_TRUE(fine.xyz.slice(0, 0, 1024).equal(coarse.xyz));
  EXPECT_FALSE(fine.xyz.slice(0, 4096).allclose(fine.xyz.slice(0, 1024, 4096))) << "both passes have the same noise";
  EXPECT_LE(fine.xyz.slice(0, 1024).abs().max().item<float>(), 0.5F) << "the upsampler's coordinates are clamped";
}

TEST(PointeNoise, EachDrawOfEachStageIsItsOwn) {
  const DrawNoise noise = seeded_noise(1, "a stage", 500, torch::kCPU);
  const Tensor first = noise(0);
  EXPECT_EQ(first.sizes(), (std::vector<int64_t>{1, kChannels, 500}));
  EXPECT_NEAR(first.std().item<float>(), 1, 0.05);
  EXPECT_TRUE(first.equal(noise(0)));
  EXPECT_FALSE(first.allclose(noise(1)));
  EXPECT_FALSE(first.allclose(seeded_noise(2, "a stage", 500, torch::kCPU)(0)));
  EXPECT_FALSE(first.allclose(seeded_noise(1, "another stage", 500, torch::kCPU)(0)));
}

TEST_F(PointeFolder, StopsBetweenCalls) {
  Networks networks = open();
  std::atomic<bool> stop{false};
  int64_t calls = 0;
  const SampleOptions options{.points = 8,
                              .steps = 8,
                              .on_call =
                                  [&](int64_t done, int64_t, float) {
                                    calls = done;
                                    stop = done == 2;
                                  },
                              .stop = &stop};
  EXPECT_THROW(sample(networks, options), Stopped);
  EXPECT_EQ(calls, 2);
}

TEST_F(PointeFolder, MissingFilesAreNamedTogether) {
  fs::remove(path() / "base_40m_textvec.safetensors");
  fs::remove_all(path() / "clip-vit-large-patch14");
  const auto mistake = mistake_of([&] { WeightFiles::in_folder(path()); });
  EXPECT_EQ(mistake.file, path().string());
  EXPECT_NE(mistake.what_happened.find("base_40m_textvec.pt, ViT-L-14.pt"), std::string::npos) << mistake.what_happened;
  EXPECT_EQ(mistake.what_happened.find("upsample"), std::string::npos);
  EXPECT_EQ(mistake_of([&] { WeightFiles::in_folder(path() / "none"); }).file, (path() / "none").string());
}

TEST_F(PointeFolder, PublishedNamesAreFoundInAnyCase) {
  fs::rename(path() / "base_40m_textvec.safetensors", path() / "base_40M_textvec.safetensors");
  write_file(path() / "ViT-L-14.pt", "x");
  const WeightFiles files = WeightFiles::in_folder(path());
  EXPECT_EQ(files.base.filename(), "base_40M_textvec.safetensors");
  EXPECT_EQ(files.clip.filename(), "ViT-L-14.pt");
  EXPECT_EQ(files.all().size(), 3U);
  fs::remove(path() / "ViT-L-14.pt");
  EXPECT_EQ(WeightFiles::in_folder(path()).all().back().filename(), "model.safetensors");
}

TEST_F(PointeFolder, WrongFilesAreOneClearLine) {
  const auto base = path() / "base_40m_textvec.safetensors";
  const auto refused = [&](const std::string& key, const std::string& part) {
    const auto mistake = mistake_of([&] { open(); });
    EXPECT_EQ(mistake.file, base.string());
    EXPECT_EQ(mistake.key, key);
    EXPECT_NE(mistake.what_happened.find(part), std::string::npos) << mistake.what_happened;
  };
  const auto zeros = [](std::vector<int64_t> shape) { return torch::zeros(shape); };
  change_base([](auto& t) { t.erase("time_embed.c_fc.weight"); });
  refused("time_embed.c_fc.weight", "no model of Point-E");
  change_base([](auto& t) { t.erase("clip_embed.weight"); });
  refused("clip_embed.weight", "without a text");
  change_base([&](auto& t) { t["clip_embed.1.weight"] = zeros({64, 40}); });
  refused("clip_embed.1.weight", "picture");
  change_base([&](auto& t) { t["input_proj.weight"] = zeros({64, 7}); });
  refused("input_proj.weight", "maps 7 channels to 12");
  change_base([&](auto& t) { t["input_proj.weight"] = zeros({72, 6}); });
  refused("input_proj.weight", "the width 72");
  change_base([&](auto& t) { t["input_proj.weight"] = zeros({64}); });
  refused("input_proj.weight", "has the shape [64]");
  change_base([&](auto& t) { t["backbone.resblocks.99999999999999999999.ln_1.bias"] = zeros({1}); });
  refused("backbone.resblocks.99999999999999999999.ln_1.bias", "no layer");
  change_base([&](auto& t) { t["backbone.resblocks.9000.ln_1.bias"] = zeros({1}); });
  refused("backbone.resblocks.9000.ln_1.bias", "no layer");
  change_base([](auto& t) { t.erase("backbone.resblocks.1.mlp.c_fc.bias"); });
  refused("", "does not fit Point-E's base40M-textvec: 1 missing: backbone.resblocks.1.mlp.c_fc.bias");
  change_base([&](auto& t) { t["backbone.resblocks.7.ln_1.bias"] = zeros({64}); });
  refused("", "missing: backbone.resblocks.2.");
  change_base([&](auto& t) { t["ln_pre.weight"] = zeros({63}); });
  refused("", "ln_pre.weight is [63], [64] was expected");
  change_base([](auto& t) { t["extra"] = torch::zeros({1}); });
  refused("", "1 unexpected: extra");
  change_base([](auto& t) { t["ln_pre.weight"][3] = std::nan(""); });
  refused("ln_pre.weight", "NaN");
  weights::write_safetensors(base, test_weights::transformer_tensors(Kind::kUpsample));
  refused("", "upsampler, not the base model");
  change_base([](auto& t) { t["clip_embed.weight"] = torch::zeros({64, 25}); });
  EXPECT_NE(mistake_of([&] { open(); }).what_happened.find("vectors of 24 numbers"), std::string::npos);
  write_file(base, "<html>Not found</html>");
  EXPECT_EQ(mistake_of([&] { open(); }).file, base.string());
}

TEST_F(PointeFolder, WrongClipFilesAreOneClearLine) {
  const fs::path file = path() / "clip-vit-large-patch14/model.safetensors";
  const auto refused = [&](const std::function<void(test_weights::Tensors&)>& change, const std::string& part) {
    auto tensors = test_weights::clip_tensors();
    change(tensors);
    weights::write_safetensors(file, tensors);
    const auto mistake = mistake_of([&] { open(); });
    EXPECT_EQ(mistake.file, file.string());
    EXPECT_NE((mistake.key + ": " + mistake.what_happened).find(part), std::string::npos)
        << mistake.key << ": " << mistake.what_happened;
  };
  refused([](auto& t) { t.erase("text_projection.weight"); }, "text_projection.weight: is missing");
  refused([](auto& t) { t["text_projection.weight"] = torch::zeros({24, 65}); }, "takes 65 numbers");
  refused([](auto& t) { t["text_projection.weight"] = torch::zeros({24}); }, "shape [24]");
  refused([](auto& t) { t["text_projection.weight"][2][3] = std::nan(""); }, "text_projection.weight: holds NaN");
  refused([](auto& t) { t.erase("text_model.encoder.layers.0.mlp.fc1.weight"); }, "fc1.weight: is missing");
  refused([](auto& t) { t.erase("text_model.encoder.layers.0.layer_norm1.bias"); },
          "does not fit CLIP's text encoder: 1 missing");
  refused([](auto& t) { t["text_model.embeddings.position_embedding.weight"] = torch::zeros({1, 64}); }, "for no text");
  refused([](auto& t) { t["text_model.embeddings.token_embedding.weight"] = torch::zeros({49408, 65}); }, "width 65");
}

// A damaged file is refused, or loads as something else; it never does anything worse.
TEST(PointeFiles, DamagedFilesAreUserErrors) {
  const test::TemporaryFolder folder;
  Rng rng(11, "damage");
  int64_t refused = 0;
  for (const char* name : {"base.pt", "base_legacy.pt", "upsample.safetensors"}) {
    const std::string whole = read_file(test::goldens() / "pointe" / name);
    for (int i = 0; i < 120; ++i) {
      std::string bytes = whole;
      if (i % 4 == 0) {
        bytes.resize(static_cast<size_t>(rng.integer(0, static_cast<int64_t>(whole.size()))));
      } else {  // most of the structure lies at the beginning or at the end
        const int64_t near = rng.integer(0, 4096),
                      at = i % 4 == 1 ? static_cast<int64_t>(whole.size()) - 1 - near : near;
        bytes[static_cast<size_t>(at)] = static_cast<char>(rng.next_u32());
      }
      write_file(folder.path / name, bytes);
      try {
        load_transformer(weights::read_weights(folder.path / name), torch::kFloat, 2);
      } catch (const UserError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
}

// OpenAI's file is a TorchScript archive: its tensors are attributes of nested modules.
TEST(ClipText, ReadsATorchScriptArchive) {
  const test::TemporaryFolder folder;
  const weights::StateDict plain =
      weights::read_safetensors(test::goldens() / "pointe" / "clip_text_openai.safetensors");
  torch::jit::Module root("__torch__.clip.model.CLIP");
  for (const auto& [name, tensor] : plain.tensors) {
    torch::jit::Module at = root;
    size_t begin = 0;
    for (size_t dot = name.find('.'); dot != std::string::npos; begin = dot + 1, dot = name.find('.', begin)) {
      const std::string child = name.substr(begin, dot - begin);
      if (!at.hasattr(child)) at.register_module(child, torch::jit::Module("__torch__.part.Module"));
      at = at.attr(child).toModule();
    }
    at.register_parameter(name.substr(begin), tensor.clone(), /*is_buffer=*/false);
  }
  std::string code = "def forward(self, x):\n";  // compressed in the file: its entries are larger than the file
  for (int i = 0; i < 4000; ++i) code += "  x = x + x\n";
  root.define(code + "  return x\n");
  root.register_attribute("input_resolution", torch::jit::IntType::get(), 224);
  root.save((folder.path / "ViT-L-14.pt").string());
  const weights::StateDict found = weights::read_weights(folder.path / "ViT-L-14.pt");
  EXPECT_EQ(found.metadata.at("input_resolution"), "224");
  for (const auto& [name, tensor] : plain.tensors) {
    ASSERT_TRUE(found.tensors.contains(name)) << name;
    EXPECT_TRUE(found.tensors.at(name).equal(tensor)) << name;
  }
  const Tensor ids = torch::tensor({{98, 5, 6, 99}});
  EXPECT_TRUE(text::load_clip_text(folder.path / "ViT-L-14.pt", 4)
                  .vectors(ids)
                  .equal(text::load_clip_text(plain.file, 4).vectors(ids)));
}

PointCloud line_of_points(int64_t n) {
  const Tensor i = torch::arange(n, torch::kFloat);
  return {.xyz = torch::stack({i, 10 * i, 100 * i}, 1), .rgb = torch::stack({i / n, i / n, i / n}, 1)};
}

TEST(PointeGrow, EachPointBecomesAsManyAsTheReferenceMakes) {
  const PointCloud small = line_of_points(100);
  const PointCloud grown = grow(small, {.count = 100'000, .seed = 1});
  ASSERT_EQ(grown.xyz.size(0), 100 * 20);
  const Tensor offsets = grown.xyz.view({100, 20, 3}) - small.xyz.unsqueeze(1);
  const Tensor far = offsets.norm(2, 2);
  EXPECT_LE(far.max().item<float>(), 0.0501F);
  EXPECT_GT(far.max().item<float>(), 0.045F);
  EXPECT_NEAR(far.mean().item<float>(), 0.025, 0.002);
  EXPECT_LT(offsets.mean(std::vector<int64_t>{0, 1}).abs().max().item<float>(), 0.002F) << "the ball is not centred";
  EXPECT_FALSE(offsets[0].allclose(offsets[1], 0, 1e-4)) << "all points have the same offsets";
  EXPECT_TRUE(grown.rgb.view({100, 20, 3}).equal(small.rgb.unsqueeze(1).expand({100, 20, 3})));
  EXPECT_TRUE(equal(grown, grow(small, {.count = 100'000, .seed = 1})));
  EXPECT_FALSE(equal(grown, grow(small, {.count = 100'000, .seed = 2})));
  EXPECT_EQ(grow(small, {.count = 12'000}).xyz.size(0), 200);
}

TEST(PointeGrow, SmallCountsTakeThePointsThemselvesOrSomeOfThem) {
  const PointCloud small = line_of_points(100);
  EXPECT_TRUE(equal(grow(small, {.count = 4999}), small));
  const PointCloud some = grow(small, {.count = 30});
  ASSERT_EQ(some.xyz.size(0), 30);
  const Tensor rows = some.xyz.select(1, 0);
  EXPECT_TRUE((rows.slice(0, 1) > rows.slice(0, 0, 29)).all().item<bool>()) << "a point is there twice";
  EXPECT_TRUE((rows / 100).allclose(some.rgb.select(1, 0))) << "colours of other points";
  EXPECT_GT(rows.max().item<float>(), 50);
}

TEST(PointeGrow, AxesAreTheReferences) {
  const Tensor xyz = torch::tensor({{0.1F, 0.2F, 0.3F}, {-0.4F, -0.5F, 0.0F}});
  EXPECT_TRUE(to_world(xyz).allclose(torch::tensor({{0.1F, -0.2F, 0.45F}, {-0.4F, 0.5F, 0.15F}})));
}

}  // namespace
}  // namespace lucid::pointe
