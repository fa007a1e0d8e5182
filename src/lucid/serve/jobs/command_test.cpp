// SPDX-License-Identifier: Apache-2.0
// Command lines and arguments of runs.
#include "lucid/serve/jobs/command.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "lucid/app/run_options/run_options.h"
#include "lucid/serve/http/problem.h"

namespace lucid::serve::test {
namespace {

/// What a shell makes of a line: its words, each with a newline behind.
std::string words_in_shell(const std::string& line) {
  const std::string command = "printf '%s\\n' " + line;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "popen failed";
  std::string text;
  std::array<char, 4096> buffer{};
  while (const size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), n);
  pclose(pipe);
  return text;
}

TEST(StudioCommand, AShellReadsTheWordsBack) {
  const std::vector<std::string> words = {"plain", "",      "two words", "it's", "$HOME",        "a\\b",
                                          "`id`",  "\"x\"", "*",         "!",    "ä;&|<>(){}~#", "-n"};
  std::string expected;
  for (const std::string& word : words) expected += word + "\n";
  EXPECT_EQ(words_in_shell(shell_line(words)), expected);
  EXPECT_EQ(shell_line({"lucid", "--size=2x3", "a b"}), "lucid --size=2x3 'a b'");
}

TEST(StudioCommand, TheLineHasTheOptionsAsGiven) {
  EXPECT_EQ(plan_run("a red car", {}, true).command, "lucid generate 'a red car'");
  const GivenOptions given = {{"seed", "3"},         {"preset", "draft"},     {"perpneg", "false"},
                              {"save_video", "yes"}, {"phi_range", "-90 90"}, {"negative", ""}};
  EXPECT_EQ(
      plan_run("-car", given, true).command,
      "lucid generate --preset draft --seed 3 --save-video --negative '' --no-perpneg '--phi-range=-90 90' -- -car");
}

TEST(StudioCommand, AnEditIsALineToPaste) {
  const EditPlan edit = {.from = "a red car", .asset = "output/a_red_car"};
  EXPECT_EQ(plan_run("a blue car", {}, true, &edit).command, "lucid edit output/a_red_car --to 'a blue car'");
  EXPECT_EQ(plan_run("a blue car", {{"keep", "0.3"}, {"mask_word", "red"}, {"change", "shape"}}, true, &edit).command,
            "lucid edit output/a_red_car --change shape --keep 0.3 --mask-word red --to 'a blue car'");
  // An instruction is no prompt of the asset.
  EXPECT_EQ(plan_run("make it blue", {{"score", "ip2p"}, {"model_key", "/m"}}, true, &edit).preset, "edit_ip2p");
}

TEST(StudioCommand, EachArgumentHoldsItsValue) {
  EXPECT_EQ(
      option_arguments(
          {{"seed", "3"}, {"perpneg", "0"}, {"phi_range", "[-90, 90]"}, {"negative", ""}, {"inverse_text", "-x"}}),
      (std::vector<std::string>{"--seed=3", "--negative", "", "--inverse-text=-x", "--no-perpneg",
                                "--phi-range=[-90, 90]"}));
}

TEST(StudioCommand, StepsSeedAndDeviceComeFromPresetAndOptions) {
  const RunPlan draft = plan_run("a car", {{"preset", "draft"}}, true),
                fine = plan_run("a car", {{"preset", "fine"}}, true);
  EXPECT_EQ(draft.preset, "draft");
  EXPECT_GT(draft.steps, 0);
  EXPECT_GT(fine.steps, draft.steps);
  EXPECT_EQ(draft.seed, 0);
  EXPECT_EQ(draft.device, "cpu");
  EXPECT_EQ(plan_run("a car", {{"preset", "draft"}, {"iterations", "17"}, {"seed", "9"}}, true).steps, 17);
  EXPECT_THROW(plan_run("a car", {{"preset", "none"}}, true), http::ProblemError);
}

TEST(StudioCommand, OptionsThatNameFilesAreKnown) {
  app::RunOptions options;
  const config::OptionTable table = app::make_table(options);
  for (const char* name : {"output", "live", "model_key", "prior_config", "LoRA_path", "textual_inversion_path",
                           "init_file", "controlnet_model_key", "controlnet_mesh", "pretrained_model_path"}) {
    EXPECT_TRUE(names_a_file(table.at(name))) << name;
  }
  int others = 0;
  for (const config::Option& option : table.options()) {
    const bool is_named =
        option.name.ends_with("_path") || option.name.ends_with("_file") || option.name.ends_with("_dir");
    EXPECT_TRUE(names_a_file(option) || !is_named) << option.name;
    others += names_a_file(option) ? 0 : 1;
  }
  EXPECT_GT(others, 50);
  for (const char* name :
       {"output", "workspace", "live", "progress", "resume", "finish", "overwrite", "export", "text"}) {
    EXPECT_TRUE(is_set_by_server(name)) << name;
    EXPECT_TRUE(table.has(name)) << name;
  }
  EXPECT_FALSE(is_set_by_server("threads"));
}

}  // namespace
}  // namespace lucid::serve::test
