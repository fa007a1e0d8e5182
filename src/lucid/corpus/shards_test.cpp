// SPDX-License-Identifier: Apache-2.0
// Tests of shards.h: round trip, splitting into shards, and rejection of inconsistent indices and truncated shards.
#include "lucid/corpus/shards.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/json/json_config.h"
#include "mistakes.h"

namespace lucid::corpus {
namespace {
namespace fs = std::filesystem;

constexpr int64_t kPictureSize = 8;

Item item_of(const std::string& word) {
  return {.object = "source/" + word, .word = word, .colour = "red", .captions = {"a " + word, "a red " + word}};
}

// View i of the corpus has red i, alpha 255 - i, azimuth 10 i and elevation i / 2.
void write_corpus(const fs::path& folder) {
  CorpusWriter writer(folder, kPictureSize);
  int64_t next = 0;
  for (const int64_t n : {3, 2}) {
    torch::Tensor rgb = torch::zeros({n, 3, kPictureSize, kPictureSize}, torch::kUInt8);
    torch::Tensor alpha = torch::zeros({n, 1, kPictureSize, kPictureSize}, torch::kUInt8);
    const torch::Tensor index = torch::arange(next, next + n, torch::kFloat32);
    for (int64_t i = 0; i < n; ++i) {
      rgb[i][0].fill_(next + i);
      alpha[i].fill_(255 - next - i);
    }
    Item item = item_of(next == 0 ? "teapot" : "bean bag");
    item.mirrors = next == 0;
    item.held_out = item.recoloured = next != 0;
    writer.add(item, rgb, alpha, index * 10, index / 2);
    next += n;
  }
  EXPECT_FALSE(fs::exists(folder / "corpus.json"));
  writer.finish();
}

void change_index(const fs::path& folder, const std::function<void(nlohmann::json&)>& change) {
  nlohmann::json json = read_json_object(folder / "corpus.json");
  change(json);
  write_file(folder / "corpus.json", json.dump());
}

TEST(Shards, RoundTrip) {
  const lucid::test::TemporaryFolder folder;
  write_corpus(folder.path);
  const Corpus corpus(folder.path);
  EXPECT_EQ(corpus.picture_size(), kPictureSize);
  EXPECT_EQ(corpus.view_count(), 5);
  ASSERT_EQ(corpus.items().size(), 2u);
  const Item& last = corpus.items()[1];
  EXPECT_EQ(last.object, "source/bean bag");
  EXPECT_EQ(last.word, "bean bag");
  EXPECT_EQ(last.colour, "red");
  EXPECT_EQ(last.captions, (std::vector<std::string>{"a bean bag", "a red bean bag"}));
  EXPECT_TRUE(last.recoloured && last.held_out && !last.mirrors && corpus.items()[0].mirrors);
  EXPECT_EQ(last.first_view, 3);
  EXPECT_EQ(last.view_count, 2);

  const Views views = corpus.views({4, 0, 2});
  EXPECT_EQ(views.rgb.sizes(), (std::vector<int64_t>{3, 3, kPictureSize, kPictureSize}));
  EXPECT_FLOAT_EQ(views.rgb[0][0][3][5].item<float>(), 4 / 255.0f);
  EXPECT_FLOAT_EQ(views.rgb[2][1].abs().max().item<float>(), 0);
  EXPECT_FLOAT_EQ(views.alpha[1][0][0][0].item<float>(), 1);
  EXPECT_FLOAT_EQ(views.azimuth[2].item<float>(), 20);
  EXPECT_FLOAT_EQ(views.elevation[0].item<float>(), 2);
  EXPECT_THROW(corpus.views({5}), std::logic_error);
}

TEST(Shards, GroupsAreTheLastViewsAndAnOldCorpusHasNone) {
  const lucid::test::TemporaryFolder folder;
  write_corpus(folder.path);
  EXPECT_EQ(read_file(folder.path / "corpus.json").find("groups"), std::string::npos);
  EXPECT_EQ(Corpus(folder.path).items()[0].groups, 0);
  {
    CorpusWriter writer(folder.path, kPictureSize);
    Item item = item_of("vase");
    item.groups = 2;
    writer.add(item, torch::zeros({11, 3, kPictureSize, kPictureSize}, torch::kUInt8),
               torch::zeros({11, 1, kPictureSize, kPictureSize}, torch::kUInt8), torch::zeros({11}),
               torch::zeros({11}));
    EXPECT_THROW(writer.add(item, torch::zeros({7, 3, kPictureSize, kPictureSize}, torch::kUInt8),
                            torch::zeros({7, 1, kPictureSize, kPictureSize}, torch::kUInt8), torch::zeros({7}),
                            torch::zeros({7})),
                 std::logic_error);
    writer.finish();
  }
  const Corpus corpus(folder.path);
  EXPECT_EQ(corpus.items()[0].groups, 2);
  EXPECT_EQ(corpus.items()[0].first_grouped_view(), 3);
}

TEST(Shards, SplitBeforeTheyGrowTooLarge) {
  const lucid::test::TemporaryFolder folder;
  constexpr int64_t kLarge = 2048, kViews = 16;  // 16.8 MB a view
  {
    CorpusWriter writer(folder.path, kLarge);
    writer.add(item_of("vase"), torch::zeros({kViews, 3, kLarge, kLarge}, torch::kUInt8),
               torch::zeros({kViews, 1, kLarge, kLarge}, torch::kUInt8), torch::arange(kViews, torch::kFloat32),
               torch::zeros({kViews}));
    writer.finish();
  }
  for (const char* name : {"shard_000.safetensors", "shard_001.safetensors"}) {
    EXPECT_LT(fs::file_size(folder.path / name), 256'000'000u);
  }
  const Corpus corpus(folder.path);
  for (const int64_t view : {0, 13, 14, 15}) {
    EXPECT_FLOAT_EQ(corpus.views({view}).azimuth[0].item<float>(), static_cast<float>(view));
  }
}

TEST(Shards, AreNotThereUntilTheRunHasEnded) {
  const lucid::test::TemporaryFolder folder;
  write_corpus(folder.path);
  { const CorpusWriter broken_off(folder.path, kPictureSize); }
  const UserMistake mistake = lucid::test::mistake_of([&] { Corpus corpus(folder.path); });
  EXPECT_EQ(mistake.file, (folder.path / "corpus.json").string());
}

TEST(Shards, EveryInconsistencyOfTheIndexIsNamed) {
  const std::vector<std::pair<std::string, std::function<void(nlohmann::json&)>>> lies = {
      {"format", [](auto& json) { json["format"] = "other"; }},
      {"picture_size", [](auto& json) { json["picture_size"] = -1; }},
      {"picture_size", [](auto& json) { json["picture_size"] = "8"; }},
      {"rgb", [](auto& json) { json["picture_size"] = 9; }},
      {"rgb", [](auto& json) { json["shards"][0]["views"] = 4; }},
      {"shards[0].views", [](auto& json) { json["shards"][0]["views"] = 0; }},
      {"shards", [](auto& json) { json["shards"] = 1; }},
      {"items", [](auto& json) { json["items"].erase(1); }},
      {"items[1].first_view", [](auto& json) { json["items"][1]["first_view"] = 2; }},
      {"items[1].view_count", [](auto& json) { json["items"][1]["view_count"] = int64_t{1} << 62; }},
      {"items[1].view_count", [](auto& json) { json["items"][1]["view_count"] = -1; }},
      {"items[0].groups", [](auto& json) { json["items"][0]["groups"] = 1; }},  // of three views
      {"items[0].groups", [](auto& json) { json["items"][0]["groups"] = -1; }},
      {"items[0].captions", [](auto& json) { json["items"][0]["captions"] = nlohmann::json::array(); }},
      {"items[0].captions", [](auto& json) { json["items"][0]["captions"] = 3; }},
      {"items[0].word", [](auto& json) { json["items"][0].erase("word"); }},
      {"items[0].mirrors", [](auto& json) { json["items"][0]["mirrors"] = "yes"; }},
  };
  for (const auto& [key, lie] : lies) {
    const lucid::test::TemporaryFolder folder;
    write_corpus(folder.path);
    change_index(folder.path, lie);
    EXPECT_EQ(lucid::test::mistake_of([&] { Corpus corpus(folder.path); }).key, key);
  }
}

TEST(Shards, ACutShardIsOneMistakeThatNamesTheFile) {
  const lucid::test::TemporaryFolder folder;
  write_corpus(folder.path);
  const fs::path shard = folder.path / "shard_000.safetensors";
  fs::resize_file(shard, fs::file_size(shard) - 1);
  EXPECT_EQ(lucid::test::mistake_of([&] { Corpus corpus(folder.path); }).file, shard.string());
  fs::remove(shard);
  EXPECT_EQ(lucid::test::mistake_of([&] { Corpus corpus(folder.path); }).file, shard.string());
}

}  // namespace
}  // namespace lucid::corpus
