// SPDX-License-Identifier: Apache-2.0
// The explanation of a configuration: every source, foreign keys, columns that line up.
#include "lucid/config/explain.h"

#include <gtest/gtest.h>

#include <sstream>

#include "goldens.h"
#include "lucid/base/atomic_file.h"

namespace lucid::config {
namespace {

struct Settings {
  int64_t steps = 10;
  double rate = 0.5;
  bool quick = false;
  std::string text;
};

OptionTable table_of(Settings& s) {
  OptionTable table;
  table.add({.name = "quick", .help = "Be quick.", .field = &s.quick});
  table.add({.name = "steps", .yaml_group = "Group", .help = "Steps to take.", .field = &s.steps});
  table.add({.name = "rate", .yaml_group = "Group", .help = "A rate.", .field = &s.rate});
  table.add({.name = "text", .yaml_group = "Group", .help = "A text.", .field = &s.text});
  table.add_foreign({.name = "port", .yaml_group = "", .about = "A port."});
  table.add_foreign({.name = "unset", .yaml_group = "Group", .about = "Not in the file."});
  table.add_foreign({.name = "debug", .yaml_group = "Pipeline", .about = "Use more.", .same = {"false"}});
  return table;
}

TEST(Explain, EachKeyHasItsValueDefaultSourceAndMeaning) {
  const test::TemporaryFolder folder;
  write_file(folder.path / "c.yaml",
             "port: 6\nGroup:\n  steps: 20\n  text: 'a text that is longer than thirty-two letters, é'\n"
             "Pipeline:\n  debug: true\n");
  Settings set, unset;
  OptionTable table = table_of(set);
  const OptionTable defaults = table_of(unset);
  table.set("quick", "true", "preset draft");
  table.set_from_yaml(folder.path / "c.yaml", "config");
  table.set("rate", "0.25", "flag");
  std::istringstream lines(explain(table, defaults));
  const std::vector<std::string> wanted = {
      "  key    value                             default  source        what it does",
      "",
      "top level",
      "  quick  true                              false    preset draft  Be quick.",
      "  port   6                                 any      c.yaml:1      No effect: A port.",
      "",
      "Group",
      "  steps  20                                10       c.yaml:3      Steps to take.",
      "  rate   0.25                              0.5      command line  A rate.",
      "  text   a text that is longer than th...  -        c.yaml:4      A text.",
      "",
      "Pipeline",
      "  debug  true                              false    c.yaml:6      Ignored: Use more."};
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) found.push_back(line);
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace lucid::config
