// SPDX-License-Identifier: Apache-2.0
// Corpus and CorpusWriter. The reader maps all shards and checks corpus.json against them once, in the constructor.
#include "lucid/corpus/shards.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/weights/state_dict.h"

namespace lucid::corpus {
namespace fs = std::filesystem;
namespace {

constexpr const char* kIndex = "corpus.json";
constexpr const char* kFormat = "lucid-corpus-1";
constexpr int64_t kShardBytes = 250'000'000;
constexpr int64_t kLargestPicture = 4096;

int64_t bytes_per_view(int64_t size) { return 4 * size * size + 8; }

std::string shard_name(size_t index) { return fmt::format("shard_{:03}.safetensors", index); }

[[noreturn]] void throw_invalid(const fs::path& file, const std::string& key, const std::string& what) {
  throw UserError({.what_happened = what,
                   .file = file.string(),
                   .key = key,
                   .hint = "the corpus is damaged; write it again with `lucid prior corpus`"});
}

/// One member of a JSON object, or a UserError that names it.
template <class T>
T member(const nlohmann::json& object, const fs::path& file, const std::string& where, const char* key) {
  const std::string name = where.empty() ? key : where + "." + key;
  if (!object.is_object() || !object.contains(key)) throw_invalid(file, name, "is missing");
  try {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!object.at(key).is_number_integer()) throw_invalid(file, name, "is not a whole number");
    }
    return object.at(key).get<T>();
  } catch (const nlohmann::json::exception&) {
    throw_invalid(file, name, "has the wrong type");
  }
}

const nlohmann::json& list(const nlohmann::json& object, const fs::path& file, const char* key) {
  if (!object.contains(key) || !object.at(key).is_array()) throw_invalid(file, key, "is not a list");
  return object.at(key);
}

Item read_item(const nlohmann::json& json, const fs::path& file, const std::string& where) {
  Item item{.object = member<std::string>(json, file, where, "object"),
            .word = member<std::string>(json, file, where, "word"),
            .colour = member<std::string>(json, file, where, "colour"),
            .captions = member<std::vector<std::string>>(json, file, where, "captions"),
            .recoloured = member<bool>(json, file, where, "recoloured"),
            .held_out = member<bool>(json, file, where, "held_out"),
            .mirrors = member<bool>(json, file, where, "mirrors"),
            .first_view = member<int64_t>(json, file, where, "first_view"),
            .view_count = member<int64_t>(json, file, where, "view_count"),
            .groups = json.contains("groups") ? member<int64_t>(json, file, where, "groups") : 0};
  if (item.captions.empty()) throw_invalid(file, where + ".captions", "is empty");
  return item;
}

struct Shard {
  torch::Tensor rgb, alpha, azimuth, elevation;  // [n,3,S,S], [n,1,S,S] u8; [n], [n] f32
  int64_t first = 0, count = 0;
};

Shard read_shard(const fs::path& file, int64_t first, int64_t count, int64_t size) {
  const weights::StateDict state = weights::read_safetensors(file);
  const auto take = [&](const char* name, torch::ScalarType type, const std::vector<int64_t>& shape) {
    const auto found = state.tensors.find(name);
    if (found == state.tensors.end()) throw_invalid(file, name, "is missing");
    if (found->second.scalar_type() != type || found->second.sizes() != torch::IntArrayRef(shape)) {
      throw_invalid(file, name,
                    fmt::format("is {} [{}]; corpus.json says {} [{}]", c10::toString(found->second.scalar_type()),
                                fmt::join(found->second.sizes(), ","), c10::toString(type), fmt::join(shape, ",")));
    }
    return found->second;
  };
  return {.rgb = take("rgb", torch::kUInt8, {count, 3, size, size}),
          .alpha = take("alpha", torch::kUInt8, {count, 1, size, size}),
          .azimuth = take("azimuth", torch::kFloat32, {count}),
          .elevation = take("elevation", torch::kFloat32, {count}),
          .first = first,
          .count = count};
}

nlohmann::json item_json(const Item& item) {
  nlohmann::json json = {{"object", item.object},         {"word", item.word},
                         {"colour", item.colour},         {"captions", item.captions},
                         {"recoloured", item.recoloured}, {"held_out", item.held_out},
                         {"mirrors", item.mirrors},       {"first_view", item.first_view},
                         {"view_count", item.view_count}};
  if (item.groups > 0) json["groups"] = item.groups;
  return json;
}

}  // namespace

struct Corpus::State {
  fs::path folder;
  int64_t size = 0, views = 0;
  std::vector<Item> items;
  std::vector<Shard> shards;
};

Corpus::Corpus(const fs::path& folder) {
  const fs::path file = folder / kIndex;
  if (!fs::exists(file)) {
    throw UserError({.what_happened = "no corpus here",
                     .file = file.string(),
                     .hint = "`lucid prior corpus --out FOLDER` writes one; it is not there until that has ended"});
  }
  const nlohmann::json json = read_json_object(file);
  if (member<std::string>(json, file, "", "format") != kFormat) {
    throw_invalid(file, "format", fmt::format("is not \"{}\"", kFormat));
  }
  auto state = std::make_shared<State>();
  state->folder = folder;
  state->size = member<int64_t>(json, file, "", "picture_size");
  if (state->size < 1 || state->size > kLargestPicture) {
    throw_invalid(file, "picture_size", fmt::format("is {}, outside 1 to {}", state->size, kLargestPicture));
  }
  size_t number = 0;
  for (const auto& shard : list(json, file, "shards")) {
    const std::string where = fmt::format("shards[{}]", number);
    const auto count = member<int64_t>(shard, file, where, "views");
    if (count < 1 || count > int64_t{1} << 40) throw_invalid(file, where + ".views", fmt::format("is {}", count));
    // File names follow from the number, so that a damaged index cannot name a file outside the folder.
    state->shards.push_back(read_shard(folder / shard_name(number++), state->views, count, state->size));
    state->views += count;
  }
  int64_t next = 0;
  for (const auto& entry : list(json, file, "items")) {
    const std::string where = fmt::format("items[{}]", state->items.size());
    Item item = read_item(entry, file, where);
    if (item.first_view != next) {
      throw_invalid(file, where + ".first_view", fmt::format("is {}, not {}", item.first_view, next));
    }
    if (item.view_count < 1 || item.view_count > state->views - next) {
      throw_invalid(
          file, where + ".view_count",
          fmt::format("is {}, but {} of {} views are left", item.view_count, state->views - next, state->views));
    }
    if (item.groups < 0 || item.groups > item.view_count / kGroupViews) {
      throw_invalid(file, where + ".groups", fmt::format("is {}, of {} views", item.groups, item.view_count));
    }
    next += item.view_count;
    state->items.push_back(std::move(item));
  }
  if (next != state->views)
    throw_invalid(file, "items", fmt::format("hold {} of the shards' {} views", next, state->views));
  state_ = std::move(state);
}

int64_t Corpus::picture_size() const { return state_->size; }
const std::vector<Item>& Corpus::items() const { return state_->items; }
int64_t Corpus::view_count() const { return state_->views; }

Views Corpus::views(const std::vector<int64_t>& indices) const {
  const auto n = static_cast<int64_t>(indices.size());
  torch::Tensor rgb = torch::empty({n, 3, state_->size, state_->size}, torch::kUInt8);
  torch::Tensor alpha = torch::empty({n, 1, state_->size, state_->size}, torch::kUInt8);
  torch::Tensor azimuth = torch::empty({n}), elevation = torch::empty({n});
  const int64_t pixels = state_->size * state_->size;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t index = indices[static_cast<size_t>(i)];
    LUCID_CHECK(index >= 0 && index < state_->views, "view {} of {}", index, state_->views);
    const Shard& shard = *std::prev(std::ranges::upper_bound(state_->shards, index, {}, &Shard::first));
    const int64_t row = index - shard.first;
    std::copy_n(shard.rgb.data_ptr<uint8_t>() + row * 3 * pixels, 3 * pixels, rgb.data_ptr<uint8_t>() + i * 3 * pixels);
    std::copy_n(shard.alpha.data_ptr<uint8_t>() + row * pixels, pixels, alpha.data_ptr<uint8_t>() + i * pixels);
    azimuth.data_ptr<float>()[i] = shard.azimuth.data_ptr<float>()[row];
    elevation.data_ptr<float>()[i] = shard.elevation.data_ptr<float>()[row];
  }
  return {.rgb = rgb.to(torch::kFloat32).div_(255),
          .alpha = alpha.to(torch::kFloat32).div_(255),
          .azimuth = azimuth,
          .elevation = elevation};
}

struct CorpusWriter::State {
  fs::path folder;
  int64_t size = 0, views = 0, pending = 0;
  std::vector<torch::Tensor> rgb, alpha, azimuth, elevation;  // content of the shard being filled
  nlohmann::json items = nlohmann::json::array(), shards = nlohmann::json::array();

  void flush() {
    if (pending == 0) return;
    const std::string name = shard_name(shards.size());
    weights::write_safetensors(folder / name, {{"rgb", torch::cat(rgb)},
                                               {"alpha", torch::cat(alpha)},
                                               {"azimuth", torch::cat(azimuth)},
                                               {"elevation", torch::cat(elevation)}});
    shards.push_back({{"views", pending}});
    for (auto* tensors : {&rgb, &alpha, &azimuth, &elevation}) tensors->clear();
    pending = 0;
  }
};

CorpusWriter::CorpusWriter(const fs::path& folder, int64_t picture_size) : state_(std::make_unique<State>()) {
  LUCID_CHECK(picture_size >= 1 && picture_size <= kLargestPicture, "pictures of {} pixels", picture_size);
  state_->folder = folder;
  state_->size = picture_size;
  make_folder(folder);
  // Remove an older corpus first, because its index would not match the new shards. Open readers keep their mappings.
  std::error_code ignored;
  fs::remove(folder / kIndex, ignored);
  for (size_t i = 0; fs::remove(folder / shard_name(i), ignored); ++i) continue;
}

CorpusWriter::~CorpusWriter() = default;

void CorpusWriter::add(Item item, const torch::Tensor& rgb, const torch::Tensor& alpha, const torch::Tensor& azimuth,
                       const torch::Tensor& elevation) {
  const int64_t n = rgb.size(0), size = state_->size;
  LUCID_CHECK(n > 0 && rgb.sizes() == torch::IntArrayRef({n, 3, size, size}) && rgb.scalar_type() == torch::kUInt8,
              "rgb [{}]", fmt::join(rgb.sizes(), ","));
  LUCID_CHECK(alpha.sizes() == torch::IntArrayRef({n, 1, size, size}) && alpha.scalar_type() == torch::kUInt8,
              "alpha [{}]", fmt::join(alpha.sizes(), ","));
  LUCID_CHECK(azimuth.sizes() == torch::IntArrayRef({n}) && elevation.sizes() == torch::IntArrayRef({n}),
              "azimuth [{}], elevation [{}]", fmt::join(azimuth.sizes(), ","), fmt::join(elevation.sizes(), ","));
  LUCID_CHECK(!item.captions.empty(), "\"{}\" has no caption", item.word);
  LUCID_CHECK(item.groups >= 0 && item.groups <= n / kGroupViews, "{} groups in {} views", item.groups, n);
  item.first_view = state_->views;
  item.view_count = n;
  state_->items.push_back(item_json(item));
  state_->views += n;
  const int64_t per_shard = std::max<int64_t>(1, kShardBytes / bytes_per_view(size));
  for (int64_t begin = 0; begin < n;) {
    const int64_t end = std::min(n, begin + per_shard - state_->pending);
    state_->rgb.push_back(rgb.slice(0, begin, end).clone());
    state_->alpha.push_back(alpha.slice(0, begin, end).clone());
    state_->azimuth.push_back(azimuth.slice(0, begin, end).to(torch::kFloat32).clone());
    state_->elevation.push_back(elevation.slice(0, begin, end).to(torch::kFloat32).clone());
    state_->pending += end - begin;
    begin = end;
    if (state_->pending == per_shard) state_->flush();
  }
}

void CorpusWriter::finish() {
  state_->flush();
  const nlohmann::json json = {{"format", kFormat},
                               {"picture_size", state_->size},
                               {"shards", std::move(state_->shards)},
                               {"items", std::move(state_->items)}};
  write_file(state_->folder / kIndex, json.dump(1) + "\n");
}

}  // namespace lucid::corpus
