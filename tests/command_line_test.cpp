// SPDX-License-Identifier: Apache-2.0
// The command line as people meet it: help, mistakes, `lucid info`, and that none of it waits for libtorch.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "process.h"

namespace {
namespace fs = std::filesystem;
using lucid::test::expect_one_line;
using lucid::test::lucid_program;
using lucid::test::lucid_run;
using lucid::test::Outcome;
using lucid::test::Process;
using lucid::test::TemporaryFolder;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

const std::vector<std::vector<std::string>> kCommands = {{},
                                                         {"generate"},
                                                         {"edit"},
                                                         {"avatar"},
                                                         {"batch"},
                                                         {"render"},
                                                         {"export"},
                                                         {"view"},
                                                         {"info"},
                                                         {"info", "options"},
                                                         {"info", "scores"},
                                                         {"info", "words"},
                                                         {"info", "completion"},
                                                         {"info", "manual"},
                                                         {"serve"},
                                                         {"prior", "check"},
                                                         {"eval"},
                                                         {"prior"},
                                                         {"prior", "corpus"},
                                                         {"prior", "train"},
                                                         {"prior", "sample"},
                                                         {"prior", "judge"}};

TEST(CommandLine, EveryCommandExplainsItselfWithinTheTerminalsWidth) {
  const TemporaryFolder folder;
  for (const size_t width : {size_t{80}, size_t{50}}) {
    setenv("COLUMNS", std::to_string(width).c_str(), 1);
    for (std::vector<std::string> arguments : kCommands) {
      arguments.emplace_back("--help");
      const Outcome outcome = lucid_run(arguments, folder);
      EXPECT_EQ(outcome.code, 0) << outcome.err;
      EXPECT_NE(outcome.out.find("Usage: lucid"), std::string::npos) << outcome.out;
      for (const std::string& line : lines_of(outcome.out)) {
        const bool example = line.starts_with("  lucid ") || line.starts_with("`lucid ");  // are not broken
        const bool one_word = line.find(' ', line.find_first_not_of(' ')) == std::string::npos;
        EXPECT_TRUE(example || one_word || line.size() <= width) << line;
      }
    }
  }
  unsetenv("COLUMNS");
}

TEST(CommandLine, GenerateShowsTheOptionsThatPeopleUseAndAllOnRequest) {
  const TemporaryFolder folder;
  const std::string help = lucid_run({"generate", "--help"}, folder).out;
  size_t at = 0;
  for (const char* heading :
       {"\nPrompt:\n", "\nPrior:\n", "\nResult:\n", "\nTraining:\n", "\nGuidance:\n", "\nCameras:\n"}) {
    EXPECT_NE(help.find(heading, at), std::string::npos) << heading;
    at = help.find(heading, at);
  }
  EXPECT_EQ(help.find("Params"), std::string::npos) << "headings are for people";
  EXPECT_EQ(help.find("--model-key"), std::string::npos) << "one spelling each";
  EXPECT_NE(help.find("--prior PATH"), std::string::npos);
  EXPECT_EQ(help.find("--xs-eta"), std::string::npos);
  EXPECT_LT(lines_of(help).size(), 70u);

  const std::string all = lucid_run({"generate", "--help-all"}, folder).out;
  int flags = 0;
  for (const std::string& line : lines_of(lucid_run({"info", "options", "--markdown"}, folder).out)) {
    if (!line.starts_with("| `--")) continue;
    const std::string flag = line.substr(5, line.find('`', 5) - 5);
    ++flags;
    EXPECT_TRUE(all.find("--" + flag + " ") != std::string::npos || all.find("--[no-]" + flag) != std::string::npos)
        << flag;
  }
  EXPECT_GT(flags, 100);
}

TEST(CommandLine, HelpOfOneOptionSaysEverythingAboutIt) {
  const TemporaryFolder folder;
  for (const char* name : {"guidance-scale", "guidance_scale", "--guidance-scale"}) {
    const Outcome outcome = lucid_run({"generate", "--help", name}, folder);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    for (const char* part : {"Classifier-free guidance", "a number in [-1000, 1000]", "7.5",
                             "GuidanceParams: guidance_scale", "--guidance_scale"})
      EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " in:\n" << outcome.out;
  }
  EXPECT_NE(lucid_run({"generate", "--help", "controlnet_model_key"}, folder).out.find("--controlnet"),
            std::string::npos);
  EXPECT_NE(lucid_run({"render", "--help", "fovy"}, folder).out.find("0.55"), std::string::npos);
  expect_one_line(lucid_run({"generate", "--help", "guidance-scal"}, folder), {"did you mean --guidance-scale?"});
  expect_one_line(lucid_run({"generate", "--help", "elephant"}, folder), {"elephant", "--help-all"});
  expect_one_line(lucid_run({"render", "--help", "fov"}, folder), {"did you mean --fovy?"});
}

TEST(CommandLine, BothFlagsOfAnOptionAndItsYamlKeyAreTheSame) {
  const TemporaryFolder folder;
  for (const char* flag : {"--batch-size", "--C-batch-size", "--C_batch_size"})
    expect_one_line(lucid_run({"generate", flag, "65", "a mug"}, folder), {"C_batch_size", "[1, 64]"});
  expect_one_line(lucid_run({"generate", "--prompt", "a mug", "--lambda-tv", "x"}, folder), {"lambda_tv"});
}

TEST(CommandLine, InfoDescribesTheProgramAndTheMachine) {
  const TemporaryFolder folder;
  const Outcome info = lucid_run({"info"}, folder);
  EXPECT_EQ(info.code, 0) << info.err;
  for (const char* part :
       {"lucid  ", "commit  ", "instructions  ", "libtorch  ", "CUDA  ", "BLAS  ", "threads", "rasteriser"})
    EXPECT_NE(info.out.find(part), std::string::npos) << part << " in:\n" << info.out;
  setenv("LUCID_ISA", "portable", 1);
  EXPECT_NE(lucid_run({"info"}, folder).out.find("portable"), std::string::npos);
  unsetenv("LUCID_ISA");
  EXPECT_EQ(lucid_run({"--version"}, folder).out.substr(0, 6), "lucid ");
  const Outcome words = lucid_run({"info", "words"}, folder);
  EXPECT_EQ(words.code, 0) << words.err;
  for (const char* part : {"hamburger", "teddy bear", "red"})
    EXPECT_NE(words.out.find(part), std::string::npos) << part;
  expect_one_line(lucid_run({"info", "words", "--prior", folder.path.string()}, folder), {"vocabulary.json"});
}

TEST(CommandLine, TheOptionReferenceIsCurrent) {
  const TemporaryFolder folder;
  const Outcome outcome = lucid_run({"info", "options", "--markdown"}, folder);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(lucid::read_file(lucid::test::source_dir() / "docs/guide/options.md") == outcome.out)
      << "docs/guide/options.md is not what the option table says. This renews it:\n"
         "  build/release/bin/lucid info options --markdown >docs/guide/options.md";
}

TEST(CommandLine, TheScoresAreListedAndTheirPageIsCurrent) {
  const TemporaryFolder folder;
  const Outcome outcome = lucid_run({"info", "scores", "--markdown"}, folder);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(lucid::read_file(lucid::test::source_dir() / "docs/guide/scores.md") == outcome.out)
      << "docs/guide/scores.md is not what the table of scores says. This renews it:\n"
         "  build/release/bin/lucid info scores --markdown >docs/guide/scores.md";
  const Outcome plain = lucid_run({"info", "scores"}, folder);
  for (const char* part : {"tsm: trajectory score matching", "--tsm-gamma 0.3", "arXiv 2310.19415", "U-Net passes"})
    EXPECT_NE(plain.out.find(part), std::string::npos) << part;
  expect_one_line(lucid_run({"eval", "--compare", "ism,dds"}, folder), {"dds", "lucid edit"});
  expect_one_line(lucid_run({"eval", "--compare", "ism,tsm,ism"}, folder), {"ism twice"});
}

/// What a shell command prints; its exit code must be 0.
std::string printed(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  for (int c = 0; (c = fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

const fs::path kEngine = fs::path(lucid_program()).parent_path() / "lucid-engine";

TEST(Launcher, NeedsNoLibtorch) {
  EXPECT_NE(printed("ldd " + kEngine.string()).find("libtorch"), std::string::npos) << "ldd tells";
  const std::string libraries = printed("ldd " + lucid_program());
  for (const char* name : {"libtorch", "libc10", "libcudart", "blas"})
    EXPECT_EQ(libraries.find(name), std::string::npos) << libraries;
}

TEST(Launcher, HelpAndMistakesTakeAFifthOfASecondAtMost) {
  const TemporaryFolder folder;
  for (const auto& [arguments, code] :
       std::vector<std::pair<std::vector<std::string>, int>>{{{"--help"}, 0},
                                                             {{"generate", "--help"}, 0},
                                                             {{"prior", "train", "--help"}, 0},
                                                             {{"--version"}, 0},
                                                             {{"generate", "--xs-eta", "7", "a mug"}, 2}}) {
    double best = 1e9;
    for (int i = 0; i < 5; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_EQ(lucid_run(arguments, folder).code, code);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    EXPECT_LT(best, 0.2) << arguments.back();
  }
}

TEST(Launcher, BecomesTheEngineBesideIt) {
  const TemporaryFolder folder;
  const std::string copy = (folder.path / "lucid").string();
  fs::copy_file(lucid_program(), copy);
  expect_one_line(Process({"info"}, folder, copy).wait(), {"lucid-engine", "No such file", "beside lucid"});

  const fs::path engine = folder.path / "lucid-engine";
  lucid::write_file(engine, "#!/bin/sh\necho \"$$ $OMP_WAIT_POLICY\"\nfor word; do echo \"$word\"; done\nexit 7\n");
  fs::permissions(engine, fs::perms::owner_all);
  unsetenv("OMP_WAIT_POLICY");
  const Process started({"generate", "--seed", "3", "a red  car"}, folder, copy);
  const Outcome outcome = started.wait();
  EXPECT_EQ(outcome.code, 7) << outcome.err;
  EXPECT_EQ(outcome.out, std::to_string(started.id()) + " passive\ngenerate\n--seed\n3\na red  car\n")
      << "the same process, the wait policy set, the words as they were";
}

/// Exit code of `script` in a shell, where $LUCID is the program.
int shell(const std::string& shell_name, const std::string& script) {
  setenv("LUCID", lucid_program().c_str(), 1);
  return std::system(fmt::format("{} -c '{}'", shell_name, script).c_str());
}

TEST(Completion, BashKnowsCommandsFlagsAndValues) {
  const std::string begin = "source <(\"$LUCID\" info completion bash); ";
  const auto completes = [&](const std::string& words, int current, const std::string& expected) {
    return shell(
        "bash", begin + fmt::format("COMP_WORDS=({}); COMP_CWORD={}; _lucid; [ \"${{COMPREPLY[*]}}\" = \"{}\" ]", words,
                                    current, expected));
  };
  EXPECT_EQ(completes("lucid gen", 1, "generate"), 0);
  EXPECT_EQ(completes("lucid generate --preset d", 3, "draft default"), 0);
  EXPECT_EQ(completes("lucid generate --guidance-s", 2, "--guidance-scale"), 0);
  EXPECT_EQ(completes("lucid prior tr", 2, "train"), 0);
  EXPECT_NE(completes("lucid prior tr", 2, "trian"), 0);
}

TEST(Completion, OtherShellsAcceptTheirScripts) {
  for (const std::string name : {"zsh", "fish"}) {
    if (shell("sh", "command -v " + name + " >/dev/null") != 0) {
      std::cout << "skipped  completion for " << name << ": it is not installed\n";
      continue;
    }
    EXPECT_EQ(shell("bash", "\"$LUCID\" info completion " + name + " | " + name + " -n /dev/stdin"), 0) << name;
  }
}

TEST(Completion, TheManualHasEveryCommand) {
  EXPECT_EQ(shell("bash", "\"$LUCID\" info manual | head -n 1 | grep -q \"^.TH LUCID 1\""), 0);
  for (const char* command : {"generate", "batch", "export", "serve", "view", "info words", "prior train"})
    EXPECT_EQ(shell("bash", fmt::format("\"$LUCID\" info manual | grep -q \"^.SS lucid {} \"", command)), 0) << command;
}

}  // namespace
