// SPDX-License-Identifier: Apache-2.0
// Tests of load_into() and read_part(): strict loading into modules, dtypes, shards, missing and invalid tensors.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/weights/mapped_tensor.h"
#include "lucid/weights/skip_init.h"
#include "lucid/weights/state_dict.h"
#include "mistakes.h"

namespace lucid::weights {
namespace {

using test::mistake_of;
namespace fs = std::filesystem;

struct NetImpl : torch::nn::Module {
  torch::nn::Linear a{nullptr};
  torch::Tensor scale;
  NetImpl() {
    a = register_module("a", torch::nn::Linear(2, 3));
    scale = register_buffer("scale", torch::zeros({1}));
  }
};
TORCH_MODULE(Net);

StateDict good_state() {
  return {.file = "folder/w.safetensors",
          .tensors = {{"a.weight", torch::ones({3, 2}, torch::kFloat16)},
                      {"a.bias", torch::full({3}, 2.0, torch::kFloat64)},
                      {"scale", torch::full({1}, 3.0)}},
          .metadata = {}};
}

std::string message_of(const StateDict& state, const std::vector<std::string>& ignore = {}) {
  Net net;
  try {
    load_into(*net, state, {.ignore = ignore});
  } catch (const UserError& error) {
    EXPECT_EQ(error.mistake().file, "folder/w.safetensors");
    EXPECT_FALSE(error.mistake().hint.empty());
    return error.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(LoadInto, CopiesParametersAndBuffersInTheModulesDtype) {
  Net net;
  StateDict state = good_state();
  load_into(*net, state);
  EXPECT_EQ(net->a->weight.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(net->a->weight.equal(torch::ones({3, 2})));
  EXPECT_TRUE(net->a->bias.equal(torch::full({3}, 2.0)));
  EXPECT_TRUE(net->scale.equal(torch::full({1}, 3.0)));
  EXPECT_TRUE(net->a->weight.requires_grad());
  state.tensors.at("scale").fill_(9);  // a copy, not a view
  EXPECT_EQ(net->scale.item<float>(), 3.0F);
}

struct LayersImpl : torch::nn::Module {
  torch::nn::Linear linear_ = register_module("linear", linear(6, 4));
  torch::nn::Conv2d conv_ = register_module("conv", conv2d(torch::nn::Conv2dOptions(3, 5, 3).stride(2).padding(1)));
  torch::nn::Embedding embedding_ = register_module("embedding", embedding(7, 2));
  torch::nn::LayerNorm norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({4})));
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor map = conv_(x).flatten(1).slice(1, 0, 6);
    return norm_(linear_(map)) + embedding_(torch::arange(2)).sum();
  }
};
TORCH_MODULE(Layers);

TEST(LoadInto, UnfilledLayersBecomeWhatTheFileHolds) {
  const lucid::test::TemporaryFolder folder;
  torch::manual_seed(1);
  const Layers drawn;
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& entry : drawn->named_parameters()) tensors[entry.key()] = entry.value().detach();
  write_safetensors(folder.path / "w.safetensors", tensors);
  const StateDict state = read_safetensors(folder.path / "w.safetensors");
  const auto unfilled = [] {
    const SkipInitGuard skip_init;
    return Layers();
  };

  Layers waiting = unfilled();
  for (const auto& entry : waiting->named_parameters()) {
    EXPECT_EQ(is_uninitialised(entry.value()), !entry.key().starts_with("norm")) << entry.key();
    EXPECT_EQ(entry.value().sizes(), drawn->named_parameters()[entry.key()].sizes()) << entry.key();
  }
  load_into(*waiting, state);
  const torch::Tensor x = torch::randn({1, 3, 8, 8});
  EXPECT_TRUE(torch::allclose(waiting->forward(x), Layers(drawn)->forward(x), 1e-5, 1e-6));
  for (const torch::Tensor& weight : waiting->parameters()) {
    EXPECT_FALSE(is_uninitialised(weight));
    EXPECT_TRUE(weight.requires_grad());
  }

  Layers low = unfilled();
  load_into(*low, state, {.precision = torch::kBFloat16});
  EXPECT_EQ(low->norm_->weight.scalar_type(), torch::kFloat) << "it had memory already";
  EXPECT_TRUE(low->linear_->weight.equal(drawn->linear_->weight.to(torch::kBFloat16)));

  for (const torch::ScalarType type : {torch::kHalf, torch::kBFloat16}) {
    StateDict halved = state;
    for (auto& [name, tensor] : halved.tensors) tensor = tensor.to(type);
    Layers stored = unfilled();
    load_into(*stored, halved, {.precision = std::nullopt});
    EXPECT_EQ(stored->conv_->weight.scalar_type(), type);
    Layers some = unfilled();
    load_into(*some, halved, {.half_stays = {"conv.weight"}});
    EXPECT_TRUE(some->conv_->weight.equal(halved.tensors["conv.weight"]));
    EXPECT_EQ(some->conv_->weight.scalar_type(), type);
    EXPECT_EQ(some->linear_->weight.scalar_type(), torch::kFloat);
  }
  for (const torch::ScalarType type : {torch::kFloat, torch::kDouble, torch::kShort}) {
    StateDict other = state;
    for (auto& [name, tensor] : other.tensors) tensor = tensor.to(type);
    Layers none = unfilled();
    load_into(*none, other, {.half_stays = {"conv.weight"}});
    EXPECT_EQ(none->conv_->weight.scalar_type(), torch::kFloat) << type;
  }
  const Layers filled_at_once;  // the guard is gone
  EXPECT_FALSE(is_uninitialised(filled_at_once->linear_->weight));
}

TEST(LoadInto, UnfilledLayersAreRefusedAsOthersAre) {
  const SkipInitGuard skip_init;
  Layers net;
  StateDict state{.file = "w", .tensors = {{"linear.weight", torch::ones({4, 6})}}};
  EXPECT_NE(mistake_of([&] { load_into(*net, state); }).what_happened.find("6 missing"), std::string::npos);
  for (const auto& entry : net->named_parameters()) state.tensors[entry.key()] = torch::zeros(entry.value().sizes());
  state.tensors["conv.bias"][3] = std::nanf("");
  EXPECT_EQ(mistake_of([&] { load_into(*net, state, {.precision = torch::kBFloat16}); }).key, "conv.bias");
}

TEST(MappedFile, ForgottenPagesComeBack) {
  const lucid::test::TemporaryFolder folder;
  const torch::Tensor written = torch::arange(100000);
  write_safetensors(folder.path / "w.safetensors", {{"a", written}, {"b", written + 1}});
  const StateDict state = read_safetensors(folder.path / "w.safetensors");
  for (const auto& [name, tensor] : state.tensors) {
    for (const auto& mapping : state.mappings) release_pages(*mapping, tensor);
  }
  const torch::Tensor elsewhere = written.clone();
  release_pages(*state.mappings.at(0), elsewhere);
  EXPECT_TRUE(elsewhere.equal(written));
  EXPECT_TRUE(state.tensors.at("a").equal(written));
  EXPECT_TRUE(state.tensors.at("b").equal(written + 1));
}

TEST(LoadInto, MissingNamesAreListed) {
  StateDict state = good_state();
  state.tensors.erase("a.bias");
  state.tensors.erase("scale");
  const std::string text = message_of(state);
  EXPECT_TRUE(holds(text, "2 missing: a.bias, scale")) << text;
}

TEST(LoadInto, UnexpectedNamesAreListedUnlessIgnored) {
  StateDict state = good_state();
  state.tensors["x.position_ids"] = torch::arange(3);
  EXPECT_TRUE(holds(message_of(state), "1 unexpected: x.position_ids"));
  EXPECT_EQ(message_of(state, {"position_ids"}), "");
  for (int i = 0; i < 9; ++i) state.tensors[fmt::format("y{}", i)] = torch::arange(3);
  const std::string text = message_of(state, {"position_ids"});
  EXPECT_TRUE(holds(text, "9 unexpected: y0, y1, y2, …")) << text;
}

TEST(LoadInto, WrongShapesNameBothShapes) {
  StateDict state = good_state();
  state.tensors["a.weight"] = torch::ones({2, 3});
  const std::string text = message_of(state);
  EXPECT_TRUE(holds(text, "a.weight is [2,3], [3,2] was expected")) << text;
  state.tensors["a.weight"] = torch::ones({});  // would broadcast
  EXPECT_TRUE(holds(message_of(state), "a.weight is [], [3,2] was expected"));
}

TEST(LoadInto, EverythingWrongIsOneMessage) {
  StateDict state = good_state();
  state.tensors.erase("a.bias");
  state.tensors["a.weight"] = torch::ones({1});
  state.tensors["z"] = torch::ones({1});
  const std::string text = message_of(state);
  for (const char* part : {"missing: a.bias", "unexpected: z", "wrong shape: a.weight"}) {
    EXPECT_TRUE(holds(text, part)) << text;
  }
}

TEST(LoadInto, NanAndInfAreRefusedByName) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), 1e300}) {  // 1e300 is Inf in float
    StateDict state = good_state();
    state.tensors.at("a.bias")[1] = bad;
    const std::string text = message_of(state);
    EXPECT_TRUE(holds(text, "a.bias: holds NaN or Inf")) << text;
  }
}

TEST(ReadPart, ShardsAreOnePart) {
  const test::TemporaryFolder folder;
  const auto shard = [&](const char* file, const char* tensor) {
    write_safetensors(folder.path / file, {{tensor, torch::ones({2})}});
  };
  const fs::path index = folder.path / "model.safetensors.index.json";
  shard("model-1.safetensors", "a");
  shard("model-2.safetensors", "b");
  write_file(index, R"({"metadata": {}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})");
  EXPECT_EQ(part_files(folder.path, "model").size(), 2u);
  EXPECT_EQ(read_part(folder.path, "model").tensors.size(), 2u);
  shard("model-2.safetensors", "a");
  EXPECT_EQ(mistake_of([&] { read_part(folder.path, "model"); }).key, "a");
  fs::remove(folder.path / "model-2.safetensors");
  EXPECT_NE(mistake_of([&] { read_part(folder.path, "model"); }).hint.find("index"), std::string::npos);
  for (const char* bad :
       {R"({})", R"({"weight_map": 3})", R"({"weight_map": {}})", R"({"weight_map": {"a": 1}})",
        R"({"weight_map": {"a": "../model-1.safetensors"}})", R"({"weight_map": {"a": "/etc/passwd"}})"}) {
    write_file(index, bad);
    EXPECT_EQ(mistake_of([&] { read_part(folder.path, "model"); }).key, "weight_map") << bad;
  }
}

TEST(ReadPartGolden, APickledPartIsTheSame) {
  const fs::path folder = test::goldens() / "sd/tiny-sd2-v/vae";
  const StateDict pickled = read_part(folder, "diffusion_pytorch_model");
  EXPECT_EQ(pickled.file.extension(), ".safetensors") << "safetensors go first";
  const test::TemporaryFolder alone;
  fs::copy_file(folder / "diffusion_pytorch_model.bin", alone.path / "pytorch_model.bin");
  const StateDict found = read_part(alone.path, "model");
  ASSERT_EQ(found.tensors.size(), pickled.tensors.size());
  for (const auto& [name, tensor] : pickled.tensors) {
    EXPECT_TRUE(found.tensors.at(name).equal(tensor.to(torch::kFloat))) << name;  // exact in half precision
  }
}

TEST(ReadPart, PrefersFullPrecisionAndNamesWhatItLookedFor) {
  const test::TemporaryFolder folder;
  write_safetensors(folder.path / "model.fp16.safetensors", {{"a", torch::zeros({1})}});
  EXPECT_EQ(read_part(folder.path, "model").tensors.at("a").item<float>(), 0.0F);
  write_safetensors(folder.path / "model.safetensors", {{"a", torch::ones({1})}});
  EXPECT_EQ(read_part(folder.path, "model").tensors.at("a").item<float>(), 1.0F);
  try {
    read_part(folder.path, "unet");
    ADD_FAILURE() << "no UserError was thrown";
  } catch (const UserError& error) {
    EXPECT_TRUE(holds(error.what(), "unet.safetensors")) << error.what();
    EXPECT_TRUE(holds(error.what(), ".fp16")) << error.what();
  }
}

}  // namespace
}  // namespace lucid::weights
