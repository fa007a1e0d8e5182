// SPDX-License-Identifier: Apache-2.0
// What a prompt is about, and the files of a model, also damaged ones.
#include "lucid/shape/model.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/weights/state_dict.h"
#include "mistakes.h"

namespace lucid::shape {
namespace {
namespace fs = std::filesystem;

std::string found(const std::string& prompt) {
  const auto subject = find_subject(prompt, {"desk", "lamp", "desk lamp", "teapot", "rubiks cube", "chair"},
                                    {"red", "green", "black", "white"});
  return subject ? subject->caption() : "-";
}

TEST(ShapeSubject, IsTheFirstAndLongestNameWithItsColour) {
  EXPECT_EQ(found("a desk"), "desk");
  EXPECT_EQ(found("A Desk Lamp!"), "desk lamp");
  EXPECT_EQ(found("a photo of a small RED teapot, studio light"), "red teapot");
  EXPECT_EQ(found("a teapot on a green chair"), "green teapot") << "one subject, and the colour that is there";
  EXPECT_EQ(found("a black and white chair on a red desk"), "white chair");
  EXPECT_EQ(found("a rubik's cube"), "rubiks cube");
  EXPECT_EQ(found("a reddish chairlift"), "-");
  EXPECT_EQ(found(""), "-");
}

class ShapeModelFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(2);
    TextReader reader = TextReader::open(prior());
    const Description description{
        .decoder = {.text_width = 128, .variants = 2, .code_width = 4, .hidden = 16, .width = 16},
        .names = {{"chair", {0, 1}}, {"teapot", {1}}},
        .colours = {"red", "green"},
        .text_sha256 = reader.sha256};
    Decoder decoder(description.decoder);
    std::map<std::string, torch::Tensor> weights;
    for (const auto& item : decoder->named_parameters()) weights[item.key()] = item.value();
    save_model(folder(), description, weights);
  }
  fs::path folder() const { return temporary_.path / "shape"; }
  static fs::path prior() { return lucid::test::source_dir() / "models/mini"; }
  Model open() const { return Model::open(folder(), prior()); }
  void rewrite(const std::string& from, const std::string& to) const {
    std::string text = read_file(folder() / "shape.json");
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write_file(folder() / "shape.json", text.replace(at, from.size(), to));
  }

 private:
  lucid::test::TemporaryFolder temporary_;
};

TEST_F(ShapeModelFiles, AColourWordAndAVariantChangeTheShape) {
  Model model = open();
  const auto subject = model.description.subject_of("A green teapot.");
  ASSERT_TRUE(subject);
  EXPECT_EQ(subject->caption(), "green teapot");
  const torch::Tensor green = model.shape_of(*subject, 0).grid.rgb;
  EXPECT_TRUE(green.equal(model.shape_of(*subject, 5).grid.rgb)) << "one variant";
  EXPECT_GT((green - model.shape_of({.name = "teapot", .colour = {}}, 0).grid.rgb).abs().max().item<float>(), 1e-4);

  std::map<int64_t, torch::Tensor> chairs;
  for (uint64_t seed = 0; seed < 16; ++seed) {
    const Model::Shape chair = model.shape_of({.name = "chair", .colour = {}}, seed);
    EXPECT_EQ(chair.variants, 2);
    const auto [known, fresh] = chairs.emplace(chair.variant, chair.grid.occupancy);
    EXPECT_TRUE(known->second.equal(chair.grid.occupancy)) << "the seed does no more than choose";
  }
  ASSERT_EQ(chairs.size(), 2u);
  EXPECT_FALSE(chairs.at(0).equal(chairs.at(1)));
  EXPECT_FALSE(model.description.subject_of("a zeppelin"));
}

TEST_F(ShapeModelFiles, TheSizesTellTheNumberOfParameters) {
  Model model = open();
  double matrices = 0;
  for (const torch::Tensor& p : model.decoder->parameters())
    matrices += p.dim() > 1 ? static_cast<double>(p.numel()) : 0;
  EXPECT_EQ(model.description.decoder.parameters(), matrices);
}

TEST_F(ShapeModelFiles, DamagedFilesAreOneLine) {
  const auto mistake = [&] { return lucid::test::mistake_of([&] { open(); }); };
  const std::string good = read_file(folder() / "shape.json");
  const auto expect_mistake = [&](const std::string& from, const std::string& to, const std::string& key) {
    SCOPED_TRACE(to);
    rewrite(from, to);
    EXPECT_EQ(mistake().key, key);
    write_file(folder() / "shape.json", good);
  };
  expect_mistake("\"variants\":2", "\"variants\":-2", "variants");
  expect_mistake("\"variants\":2", "\"variants\":1e12", "variants");
  expect_mistake("\"variants\":2", "\"variants\":1", "names");
  expect_mistake("\"width\":16", "\"width\":24", "width");
  expect_mistake("[0,1]", "[0,-1]", "names");
  expect_mistake("[0,1]", "[]", "names");
  expect_mistake("[0,1]", "[0,2]", "names");
  expect_mistake("\"names\":{", "\"names\":7,\"x\":{", "names");
  expect_mistake("\"text_encoder_sha256\":\"", "\"text_encoder_sha256\":\"0", "text_encoder_sha256");
  for (const char* size : {"hidden", "width", "code_width", "text_width"}) {
    const std::string was = fmt::format("\"{}\":", size);
    rewrite(was, was + "40");  // times a hundred or more: refused before it is allocated
    EXPECT_FALSE(mistake().what_happened.empty()) << size;
    write_file(folder() / "shape.json", good);
  }
  rewrite("\"hidden\":16", "\"hidden\":32");
  EXPECT_FALSE(mistake().what_happened.empty());
  write_file(folder() / "shape.json", good);

  auto state = weights::read_safetensors(weights_file(folder()));
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : state.tensors) tensors[name] = tensor.clone();
  tensors["plane.bias"][3] = std::numeric_limits<float>::quiet_NaN();
  weights::write_safetensors(weights_file(folder()), tensors);
  EXPECT_FALSE(mistake().what_happened.empty());
  const std::string bytes = read_file(weights_file(folder()));
  write_file(weights_file(folder()), bytes.substr(0, bytes.size() / 2));
  EXPECT_FALSE(mistake().what_happened.empty());
  fs::remove(weights_file(folder()));
  EXPECT_FALSE(mistake().what_happened.empty());
}

}  // namespace
}  // namespace lucid::shape
