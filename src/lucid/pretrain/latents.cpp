// SPDX-License-Identifier: Apache-2.0
// Encodes a corpus with the VAE, in parallel chunks, and caches the result.
#include "lucid/pretrain/latents.h"

#include <fmt/format.h>

#include <chrono>
#include <numeric>

#include "lucid/base/sha256.h"
#include "lucid/nn/layout.h"
#include "lucid/pretrain/low_precision.h"
#include "lucid/pretrain/multi_view/cameras.h"
#include "lucid/tensor/device.h"
#include "lucid/tensor/workers.h"
#include "lucid/weights/state_dict.h"

namespace lucid::pretrain {
namespace {

using Clock = std::chrono::steady_clock;

/// Hash of all that the latents depend on: VAE weights, scaling factor, precision, corpus.
std::string cache_key(const diffusion::Vae& vae, const RunOptions& options) {
  std::string bytes = fmt::format("{} {} {}", options.corpus_key, options.low_precision, vae->config().scaling_factor);
  for (const torch::Tensor& parameter : vae->parameters()) {
    const torch::Tensor flat = parameter.detach().to(torch::kCPU).contiguous();
    bytes.append(static_cast<const char*>(flat.data_ptr()), flat.nbytes());
  }
  return sha256_of_bytes(bytes);
}

/// Latents of a corpus's first `done` views.
struct Encoded {
  LatentSet set;
  int64_t done = 0;

  void save(const std::filesystem::path& file, const std::string& key) const {
    weights::write_safetensors(file,
                               {{"plain", set.plain},
                                {"mirrored", set.mirrored},
                                {"mirrored_row", set.mirrored_row},
                                {"azimuth", set.azimuth},
                                {"elevation", set.elevation}},
                               {{"key", key}, {"views", std::to_string(done)}});
  }
};

std::optional<Encoded> read_cache(const std::filesystem::path& file, const std::string& key) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const weights::StateDict state = weights::read_safetensors(file);
  const auto says = [&](const char* name) {
    const auto found = state.metadata.find(name);
    return found == state.metadata.end() ? std::string() : found->second;
  };
  if (says("key") != key || says("views").empty()) return std::nullopt;
  const auto take = [&](const char* name) { return state.tensors.at(name).clone(); };
  return Encoded{.set = {.plain = take("plain"),
                         .mirrored = take("mirrored"),
                         .mirrored_row = take("mirrored_row"),
                         .azimuth = take("azimuth"),
                         .elevation = take("elevation")},
                 .done = std::stoll(says("views"))};
}

/// Room for the latents of all views; none is encoded yet.
Encoded nothing_encoded(const corpus::Corpus& corpus, const diffusion::VaeConfig& vae) {
  const int64_t views = corpus.view_count(), side = corpus.picture_size() / vae.downscale();
  LatentSet set{.plain = torch::zeros({views, vae.latent_channels, side, side}, torch::kHalf),
                .mirrored_row = torch::full({views}, -1, torch::kLong),
                .azimuth = torch::zeros({views}),
                .elevation = torch::zeros({views})};
  int64_t mirrors = 0;
  for (const corpus::Item& item : corpus.items()) {
    for (int64_t i = 0; item.mirrors && !item.held_out && i < item.view_count; ++i) {
      set.mirrored_row[item.first_view + i] = mirrors++;
    }
  }
  set.mirrored = torch::zeros({mirrors, vae.latent_channels, side, side}, torch::kHalf);
  return {.set = std::move(set)};
}

}  // namespace

torch::Tensor LatentSet::of(const std::vector<Row>& rows) const {
  const int64_t* mirror = mirrored_row.data_ptr<int64_t>();
  std::vector<int64_t> views, at, mirrors;
  for (size_t i = 0; i < rows.size(); ++i) {
    views.push_back(rows[i].view);
    if (!rows[i].mirrored || mirror[rows[i].view] < 0) continue;
    at.push_back(static_cast<int64_t>(i));
    mirrors.push_back(mirror[rows[i].view]);
  }
  const torch::Device device = plain.device();
  torch::Tensor latents = plain.index_select(0, tensor::to_device(views, device)).to(torch::kFloat);
  if (!at.empty()) {
    latents.index_copy_(0, tensor::to_device(at, device),
                        mirrored.index_select(0, tensor::to_device(mirrors, device)).to(torch::kFloat));
  }
  return latents;
}

text_to_image::Direction LatentSet::direction_of(const Row& row) const {
  const double from = azimuth.data_ptr<float>()[row.view];
  return {.azimuth = row.mirrored ? -from : from, .elevation = elevation.data_ptr<float>()[row.view]};
}

torch::Tensor LatentSet::cameras_of(const std::vector<Row>& rows) const {
  std::vector<text_to_image::Direction> directions;
  for (const Row& row : rows) directions.push_back(direction_of(row));
  return cameras_at(directions, plain.device());
}

void LatentSet::to(torch::Device device) {
  plain = plain.to(device);
  mirrored = mirrored.to(device);
}

std::optional<LatentSet> encode_corpus(const diffusion::Vae& vae, const corpus::Corpus& corpus,
                                       const RunOptions& options) {
  const int64_t at_once = options.device.is_cpu() ? 16 : 128;
  const std::filesystem::path file = options.folder / "cache" / "latents.safetensors";
  const std::string key = cache_key(vae, options);
  const int64_t views = corpus.view_count();
  auto cached = read_cache(file, key);
  Encoded encoded = cached ? std::move(*cached) : nothing_encoded(corpus, vae->config());
  LatentSet& set = encoded.set;

  const tensor::Workers workers = options.workers();
  Progress progress(options.progress, "latents", views, encoded.done);
  const int64_t chunk = at_once * workers.count();
  auto last_save = Clock::now();
  while (encoded.done < views) {
    const int64_t begin = encoded.done;
    workers.run([&](int64_t worker) {
      const torch::NoGradGuard no_grad;
      const int64_t from = std::min(views, begin + worker * at_once), to = std::min(views, from + at_once);
      if (from == to) return;
      std::vector<int64_t> indices(static_cast<size_t>(to - from));
      std::iota(indices.begin(), indices.end(), from);
      const corpus::Views pictures = corpus.views(indices);
      const torch::Tensor pixels = tensor::to_device(pictures.rgb, options.device);
      diffusion::Vae network = vae;
      const auto encode = [&](const torch::Tensor& rgb) {
        const LowPrecision low(options.low_precision, options.device.type());
        return network->encode_moments(rgb * 2 - 1).chunk(2, 1)[0].to(torch::kFloat) * vae->config().scaling_factor;
      };
      set.plain.slice(0, from, to).copy_(encode(pixels));
      set.azimuth.slice(0, from, to).copy_(pictures.azimuth);
      set.elevation.slice(0, from, to).copy_(pictures.elevation);
      const torch::Tensor rows = set.mirrored_row.slice(0, from, to);
      const torch::Tensor which = torch::nonzero(rows >= 0).squeeze(1);
      if (which.numel() == 0) return;
      const torch::Tensor latents = encode(pixels.index_select(0, tensor::to_device(which, options.device)).flip(3))
                                        .to(torch::kHalf)
                                        .to(torch::kCPU);
      for (int64_t i = 0; i < which.numel(); ++i) {
        set.mirrored[rows[which[i].item<int64_t>()].item<int64_t>()].copy_(latents[i]);
      }
    });
    encoded.done = std::min(views, begin + chunk);
    progress.update(encoded.done, "views", static_cast<double>(encoded.done));
    const bool last = encoded.done == views, stopped = options.stop != nullptr && options.stop->load();
    const double seconds = std::chrono::duration<double>(Clock::now() - last_save).count();
    if (last || stopped || seconds > options.save_seconds) {
      encoded.save(file, key);
      last_save = Clock::now();
    }
    if (stopped && !last) return std::nullopt;
  }
  return set;
}

}  // namespace lucid::pretrain
