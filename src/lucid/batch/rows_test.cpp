// SPDX-License-Identifier: Apache-2.0
// Rows of each format, and what is wrong with them.
#include "lucid/batch/rows.h"

#include <gtest/gtest.h>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/batch/plan.h"

namespace lucid::batch {
namespace {
using Options = std::vector<std::pair<std::string, std::string>>;

struct Files {
  test::TemporaryFolder folder;
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    write_file(folder.path / name, text);
    return folder.path / name;
  }
  TextRows read(const std::string& name, const std::string& text) const { return read_rows(write(name, text)); }
  /// The mistakes of a batch, each on a line, without the folder's name.
  std::string mistakes(const std::string& name, const std::string& text, const Defaults& defaults = {}) const {
    std::vector<UserMistake> found;
    try {
      const std::filesystem::path file = write(name, text);
      plan_batch(file, read_rows(file), defaults, found);
    } catch (const UserError& error) {
      found.push_back(error.mistake());
    }
    std::string all;
    for (UserMistake& mistake : found) {
      mistake.file = std::filesystem::path(mistake.file).filename();
      all += one_line(mistake) + "\n";
    }
    return all;
  }
};

TEST(BatchRows, TextIsAPromptALine) {
  const TextRows read = Files().read("a.txt", "\xEF\xBB\xBF# all\r\n\r\na red car\r\n  a mug  \n\n# no\nthe last one");
  ASSERT_EQ(read.rows.size(), 3u);
  EXPECT_EQ(read.rows[0].prompt, "a red car");
  EXPECT_EQ(read.rows[0].line, 3);
  EXPECT_EQ(read.rows[1].prompt, "a mug");
  EXPECT_EQ(read.rows[2].prompt, "the last one");
  EXPECT_EQ(read.rows[2].line, 7);
  EXPECT_TRUE(read.mistakes.empty());
}

TEST(BatchRows, CsvHasQuotedFields) {
  const TextRows read = Files().read("a.CSV",
                                     "seed,prompt, negative\n"
                                     "3,\"a car, red\",\n"
                                     "\n"
                                     ",\"the \"\"best\"\"\nmug\" ,\"dark, ugly\"\r\n"
                                     "5,chair,x");
  ASSERT_EQ(read.rows.size(), 3u);
  EXPECT_EQ(read.rows[0].prompt, "a car, red");
  EXPECT_EQ(read.rows[0].options, (Options{{"seed", "3"}}));
  EXPECT_EQ(read.rows[1].prompt, "the \"best\"\nmug");
  EXPECT_EQ(read.rows[1].options, (Options{{"negative", "dark, ugly"}}));
  EXPECT_EQ(read.rows[1].line, 4);
  EXPECT_EQ(read.rows[2].line, 6);
  EXPECT_EQ(read.rows[2].options, (Options{{"seed", "5"}, {"negative", "x"}}));
}

TEST(BatchRows, JsonLinesHaveOptionsBesideOrBelow) {
  const TextRows read = Files().read(
      "a.jsonl", R"({"prompt": "a car", "seed": 3, "save-video": false, "negative": null})"
                 "\n\n"
                 R"({"text": "a mug", "options": {"t_range": [0.02, 0.5], "preset": "draft", "lambda_tv": 0.5}})");
  ASSERT_EQ(read.rows.size(), 2u);
  EXPECT_EQ(read.rows[0].options, (Options{{"save-video", "false"}, {"seed", "3"}}));
  EXPECT_EQ(read.rows[1].prompt, "a mug");
  EXPECT_EQ(read.rows[1].line, 3);
  EXPECT_EQ(read.rows[1].options, (Options{{"lambda_tv", "0.5"}, {"preset", "draft"}, {"t_range", "0.02 0.5"}}));
}

TEST(BatchRows, MistakesNameFileLineKeyAndAHint) {
  const Files files;
  EXPECT_EQ(files.mistakes("a.txt", "a car\n# x\n"), "");
  EXPECT_EQ(files.mistakes("a.txt", "# nothing\n"), "a.txt: holds no prompt\n");
  EXPECT_EQ(files.mistakes("a.md", "x"),
            "a.md: is neither .txt, .csv nor .jsonl (a .txt file has one prompt a line)\n");
  EXPECT_EQ(files.mistakes("a.csv", "seed\n3\n"),
            "a.csv:1: the first line names no column 'prompt' (for example: prompt,seed)\n");
  EXPECT_EQ(files.mistakes("a.csv", "prompt,seed\na car,3\na mug,x\n,4\na, b, c\n"),
            "a.csv:3: seed: 'x' is not allowed; a whole number in [0, 9e15] was expected\n"
            "a.csv:4: text: there is no prompt (lucid generate \"a hamburger\")\n"
            "a.csv:5: has 3 fields; the first line names 2 (a prompt with a comma stands in double quotes)\n");
  EXPECT_EQ(files.mistakes("a.csv", "prompt\n\"a car\n"), "a.csv:2: a quotation mark is not closed\n");
  EXPECT_EQ(files.mistakes("a.csv", "prompt,sed\na car,3\n"), "a.csv:2: sed: unknown option (did you mean seed?)\n");
  EXPECT_EQ(files.mistakes("a.jsonl", "{\"prompt\": \"a car\"}\nnot json\n{\"prompt\": 3}\n"),
            "a.jsonl:2: is not a JSON object on one line (for example {\"prompt\": \"a hamburger\", \"seed\": 3})\n"
            "a.jsonl:3: prompt: is not a text\n");
  EXPECT_EQ(files.mistakes("a.jsonl", "{\"prompt\": \"a car\", \"output\": \"x\"}"),
            "a.jsonl:1: output: is set by `lucid batch` (leave it out)\n");
  EXPECT_EQ(files.mistakes("a.jsonl", "{\"prompt\": \"a car\", \"seed\": {}}"),
            "a.jsonl:1: seed: is neither text, a number, true, false nor a list of numbers\n");
  EXPECT_EQ(files.mistakes("a.txt", "a car\n\xff\xfe\n"), "a.txt:2: prompt: is not UTF-8 (save the file as UTF-8)\n");
  EXPECT_NE(files.mistakes("a.txt", "a car\nqwertzuiop\n").find("a.txt:2: "), std::string::npos)
      << "no word of the prompt is known to the embedded prior";
}

TEST(BatchRows, ARowsOwnOptionsWin) {
  const Files files;
  std::vector<UserMistake> mistakes;
  const auto plan = [&](const std::string& text, const GivenOptions& given) {
    const auto file = files.write("a.jsonl", text);
    return plan_batch(file, read_rows(file), {.options = given}, mistakes).rows;
  };
  const auto rows = plan("{\"prompt\": \"a red car\"}\n{\"prompt\": \"a mug\", \"seed\": 5, \"C-batch-size\": 2}",
                         {{"seed", "1"}, {"iterations", "7"}});
  ASSERT_TRUE(mistakes.empty()) << one_line(mistakes.front());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].options, (GivenOptions{{"seed", "1"}, {"iterations", "7"}}));
  EXPECT_EQ(rows[1].options, (GivenOptions{{"seed", "5"}, {"iterations", "7"}, {"C_batch_size", "2"}}));
  EXPECT_EQ(rows[0].name, "0001_a_red_car");
  EXPECT_EQ(rows[1].name, "0002_a_mug");
  EXPECT_EQ(rows[1].steps, 7 + 8) << "and eight rounds of refining";

  // The key: what affects the result, however it is spelt.
  const auto key = [&](const std::string& text, const GivenOptions& given) { return plan(text, given).front().key; };
  const std::string seed1 = key(R"({"prompt": "a mug", "seed": 1})", {});
  EXPECT_EQ(key(R"({"prompt": "a mug"})", {{"seed", "1"}}), seed1);
  EXPECT_EQ(key(R"({"prompt": "a mug", "seed": "+1", "threads": 2, "save_video": false})", {}), seed1);
  EXPECT_NE(key(R"({"prompt": "a mug", "seed": 2})", {}), seed1);
  EXPECT_NE(key(R"({"prompt": "a cup", "seed": 1})", {}), seed1);
  EXPECT_NE(key(R"({"prompt": "a mug", "seed": 1, "preset": "draft"})", {}), seed1);
}

TEST(BatchRows, AnAssetMakesTheRowAnEdit) {
  const Files files;
  std::vector<UserMistake> mistakes;
  const std::string asset = files.write("car.ply", "").string();
  const auto plan = [&](const std::string& change) {
    const auto file = files.write(
        "a.jsonl", fmt::format(R"({{"prompt": "a blue car", "from": "a red car", "asset": "{}", "change": "{}"}})",
                               asset, change));
    return plan_batch(file, read_rows(file), {}, mistakes).rows;
  };
  const auto colour = plan("colour"), shape = plan("shape");
  ASSERT_TRUE(mistakes.empty()) << one_line(mistakes.front());
  EXPECT_EQ(colour.front().steps, 420) << "of the preset edit";
  EXPECT_EQ(shape.front().steps, 240 + 6) << "of edit_shape";
  EXPECT_NE(colour.front().key, shape.front().key);
  const std::string missing = files.mistakes("b.jsonl", R"({"prompt": "a blue car", "asset": "nowhere.ply"})");
  EXPECT_EQ(missing, "b.jsonl:1: asset: nowhere.ply does not exist\n");
}

}  // namespace
}  // namespace lucid::batch
