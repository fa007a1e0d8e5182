// SPDX-License-Identifier: Apache-2.0
// The judge's network, a pre-activation ResNet (He et al. 2016), and its files.
#include "lucid/eval/judge.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/tensor/freeze.h"
#include "lucid/weights/state_dict.h"

namespace lucid::eval {
namespace fs = std::filesystem;
namespace nn = torch::nn;
namespace {

constexpr int64_t kMaxAnswers = 100000, kWidest = 512;
constexpr int64_t kLastSide = kJudgeSize / 16, kSideFeatures = 256;

nn::Conv2d conv(int64_t in, int64_t out, int64_t size, int64_t stride) {
  return nn::Conv2d(nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false));
}

/// x + conv(relu(bn(conv(relu(bn(x)))))); the shortcut is a strided 1x1 convolution where the shape changes.
class BlockImpl : public nn::Module {
 public:
  BlockImpl(int64_t in, int64_t out, int64_t stride)
      : norm1_(register_module("norm1", nn::BatchNorm2d(in))),
        norm2_(register_module("norm2", nn::BatchNorm2d(out))),
        conv1_(register_module("conv1", conv(in, out, 3, stride))),
        conv2_(register_module("conv2", conv(out, out, 3, 1))) {
    if (in != out || stride != 1) shortcut_ = register_module("shortcut", conv(in, out, 1, stride));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor a = torch::relu(norm1_(x));
    const torch::Tensor h = conv2_(torch::relu(norm2_(conv1_(a))));
    return h + (shortcut_ ? shortcut_(a) : x);
  }

 private:
  nn::BatchNorm2d norm1_, norm2_;
  nn::Conv2d conv1_, conv2_, shortcut_{nullptr};
};
TORCH_MODULE(Block);

}  // namespace

JudgeImpl::JudgeImpl(const JudgeConfig& config) : config_(config) {
  const int64_t w = config.width;
  const auto answers = static_cast<int64_t>(config.words.size());
  trunk_ =
      register_module("trunk", nn::Sequential(conv(3, w, 3, /*stride=*/2), Block(w, w, 1), Block(w, 2 * w, 2),
                                              Block(2 * w, 2 * w, 1), Block(2 * w, 4 * w, 2), Block(4 * w, 4 * w, 1)));
  object_ = register_module(
      "object", nn::Sequential(Block(4 * w, 8 * w, 2), Block(8 * w, 8 * w, 1), nn::BatchNorm2d(8 * w), nn::ReLU()));
  // The side depends on where things are in the picture, so its branch keeps the spatial axes; and what a side looks
  // like depends on the object, so there are logits per word.
  side_ =
      register_module("side", nn::Sequential(Block(4 * w, 4 * w, 2), nn::BatchNorm2d(4 * w), nn::ReLU(), nn::Flatten(),
                                             nn::Linear(4 * w * kLastSide * kLastSide, kSideFeatures), nn::ReLU()));
  word_ = register_module("word", nn::Linear(8 * w, answers));
  colour_ = register_module("colour", nn::Linear(8 * w, static_cast<int64_t>(config.colours.size())));
  sector_ = register_module("sector", nn::Linear(kSideFeatures, answers * kSectors));
}

JudgeOutput JudgeImpl::forward(const torch::Tensor& pictures) {
  LUCID_CHECK(pictures.dim() == 4 && pictures.size(1) == 3, "pictures have {} dimensions", pictures.dim());
  const torch::Tensor small = torch::adaptive_avg_pool2d(pictures, {kJudgeSize, kJudgeSize});
  const torch::Tensor shared = trunk_->forward(small * 2 - 1);
  const torch::Tensor object = object_->forward(shared).mean({2, 3});  // [B,8w]
  return {.word = word_(object),
          .colour = colour_(object),
          .sector = sector_(side_->forward(shared)).unflatten(1, {-1, kSectors})};
}

torch::Tensor JudgeOutput::sector_given_word(const torch::Tensor& words) const {
  return sector.index({torch::arange(words.size(0), words.options()), words});
}

int64_t sector_of(double azimuth) {
  const auto turned = static_cast<int64_t>(std::lround(azimuth * kSectors / 360.0));
  return ((turned % kSectors) + kSectors) % kSectors;
}

int64_t sectors_apart(int64_t a, int64_t b) {
  const int64_t d = std::abs(a - b) % kSectors;
  return std::min(d, kSectors - d);
}

void save_judge(const fs::path& folder, const Judge& judge, const std::string& report_json) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& entry : judge->named_parameters()) tensors[entry.key()] = entry.value().detach().to(torch::kHalf);
  for (const auto& entry : judge->named_buffers()) {
    tensors[entry.key()] = entry.value().is_floating_point() ? entry.value().to(torch::kHalf) : entry.value();
  }
  make_folder(folder);
  weights::write_safetensors(folder / "judge.safetensors", tensors);
  const JudgeConfig& config = judge->config();
  const nlohmann::json json = {{"words", config.words},
                               {"colours", config.colours},
                               {"width", config.width},
                               {"report", nlohmann::json::parse(report_json)}};
  write_file(folder / "judge.json", json.dump(1) + "\n");
}

Judge load_judge(const fs::path& folder) {
  const fs::path file = folder / "judge.json";
  const nlohmann::json json = read_json_object(file);
  const auto answers = [&](const char* key) {
    const auto list = json.find(key);
    const bool fine = list != json.end() && list->is_array() && !list->empty() && list->size() <= kMaxAnswers &&
                      std::ranges::all_of(*list, [](const auto& entry) { return entry.is_string(); });
    if (!fine) throw UserError({.what_happened = "a list of words was expected", .file = file.string(), .key = key});
    return list->get<std::vector<std::string>>();
  };
  const JsonConfig numbers(file);
  Judge judge(JudgeConfig{.words = answers("words"),
                          .colours = answers("colours"),
                          .width = numbers.positive("width", JudgeConfig{}.width, kWidest)});
  weights::load_into(*judge, weights::read_safetensors(folder / "judge.safetensors"));
  return tensor::freeze(judge);
}

}  // namespace lucid::eval
