// SPDX-License-Identifier: Apache-2.0
// The option table: every kind of value, every kind of mistake, and the round trip of its dump.
#include "lucid/config/option_table.h"

#include <gtest/gtest.h>

#include <functional>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "repeated.h"

namespace lucid::config {
namespace {

struct Values {
  bool flag = false;
  int small = 1;
  int64_t count = 10;
  double rate = 0.5;
  double low = 0, high = 1;
  std::string kind = "a", text;
};

OptionTable make_table(Values& v) {
  OptionTable table;
  table.add({.name = "flag", .field = &v.flag});
  table.add({.name = "small", .yaml_group = "Group", .range = {0, 3}, .affects_result = false, .field = &v.small});
  table.add({.name = "count", .yaml_group = "Group", .range = {0, 1e6}, .nullable = true, .field = &v.count});
  table.add({.name = "rate", .yaml_group = "Group", .range = {0, 1}, .field = &v.rate});
  table.add({.name = "range", .yaml_group = "Group", .range = {-180, 180}, .field = PairField{&v.low, &v.high}});
  table.add({.name = "kind", .yaml_group = "Other", .choices = {"a", "b"}, .field = &v.kind});
  table.add({.name = "some_text", .flag = "words", .aliases = {"txt"}, .yaml_group = "Other", .field = &v.text});
  table.add_foreign({.name = "port", .yaml_group = "", .about = "A port."});
  table.add_foreign({.name = "lora", .yaml_group = "Other", .about = "Use more.", .same = {"null"}, .refused = true});
  table.add_foreign({.name = "size", .yaml_group = "Group", .about = "A size.", .same = {"1", "off"}});
  return table;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(OptionTable, AChoiceCanHoldANumber) {
  std::string device = "cpu";
  OptionTable table;
  table.add({.name = "device", .choices = {"cpu", "cuda", "cuda:N"}, .field = &device});
  for (const char* good : {"cuda", "cuda:0", "cuda:7", "cuda:12", "cpu"}) {
    table.set("device", good, "test");
    EXPECT_EQ(device, good);
  }
  for (const char* bad : {"cuda:", "cuda:N", "cuda:1x", "cuda:-1", "cuda:01", "cuda:1000", "cpu:0", "cuda:1 "}) {
    EXPECT_NE(message_of([&] { table.set("device", bad, "test"); }).find("one of cpu, cuda, cuda:N"), std::string::npos)
        << bad;
    EXPECT_EQ(device, "cpu");
  }
}

TEST(OptionTable, SetsEveryKind) {
  Values v;
  OptionTable table = make_table(v);
  table.set("flag", "True", "t");
  table.set("small", "3", "t");
  table.set("count", "100_000", "t");
  table.set("rate", "1e-3", "t");
  table.set("range", "[-90, 45.5]", "t");
  table.set("kind", "b", "t");
  table.set("some_text", "any: text # here", "t");
  EXPECT_TRUE(v.flag);
  EXPECT_EQ(v.small, 3);
  EXPECT_EQ(v.count, 100000);
  EXPECT_DOUBLE_EQ(v.rate, 1e-3);
  EXPECT_DOUBLE_EQ(v.low, -90);
  EXPECT_DOUBLE_EQ(v.high, 45.5);
  EXPECT_EQ(v.kind, "b");
  EXPECT_EQ(v.text, "any: text # here");
  table.set("count", "null", "t");
  EXPECT_EQ(v.count, 0);
}

TEST(OptionTable, RefusesWithNameValueAndRange) {
  Values v;
  OptionTable table = make_table(v);
  for (const char* bad : {"1.5", "-1", "4", "x", "", "nan", "inf", "1e99"}) {
    const std::string message = message_of([&] { table.set("small", bad, "t"); });
    EXPECT_NE(message.find("small"), std::string::npos) << bad;
    EXPECT_NE(message.find("[0, 3]"), std::string::npos) << message;
  }
  for (const char* bad : {"nan", "NaN", ".nan", "2", "inf"})
    EXPECT_NE(message_of([&] { table.set("rate", bad, "t"); }), "") << bad;
  for (const char* bad : {"[1]", "[1, 2, 3]", "[1, nan]", "[-200, 0]"})
    EXPECT_NE(message_of([&] { table.set("range", bad, "t"); }), "") << bad;
  EXPECT_NE(message_of([&] { table.set("kind", "c", "t"); }).find("one of a, b"), std::string::npos);
  EXPECT_EQ(v.small, 1);  // a refused value changes nothing
  EXPECT_DOUBLE_EQ(v.low, 0);
}

TEST(OptionTable, AllowedValuesAreSaidShort) {
  double number = 0;
  std::string text;
  const auto said = [&](double low, double high) {
    return allowed_text({.name = "x", .range = {.low = low, .high = high}, .field = &number});
  };
  EXPECT_EQ(said(0, 0.5), "a number in [0, 0.5]");
  EXPECT_EQ(said(1, 9e15), "a number in [1, 9e15]");
  EXPECT_EQ(said(-1e9, 5e6), "a number in [-1e9, 5000000]");
  EXPECT_EQ(said(1, NumberRange{}.high), "a number of at least 1");
  EXPECT_EQ(allowed_text({.name = "x", .value_name = "FILE", .field = &text}), "a path");
}

TEST(OptionTable, UnknownNamesGetNearOnesAndOnlyThose) {
  Values v;
  OptionTable table = make_table(v);
  EXPECT_NE(message_of([&] { table.set("cuont", "1", "t"); }).find("did you mean count?"), std::string::npos);
  EXPECT_EQ(message_of([&] { table.set("elephant", "1", "t"); }).find("did you mean"), std::string::npos);
  EXPECT_EQ(table.near_flags("--wrods"), std::vector<std::string>{"--words"});
  EXPECT_EQ(table.near_flags("--some-txet"), std::vector<std::string>{"--words"}) << "the flag that help shows";
  EXPECT_TRUE(table.near_flags("--elephant").empty());
}

TEST(OptionTable, FlagsHaveOneShownSpellingAndAllWork) {
  Values v;
  OptionTable table = make_table(v);
  const Option& option = table.at("some_text");
  EXPECT_EQ(flag_of(option), "--words");
  EXPECT_EQ(spellings_of(option), (std::vector<std::string>{"--words", "--some-text", "--some_text", "--txt"}));
  for (const std::string& spelling : spellings_of(option)) EXPECT_EQ(table.find_flag(spelling), &option);
  EXPECT_EQ(table.find_flag("txt"), &option);
  EXPECT_EQ(table.find_flag("--tex"), nullptr);
  bool other = false;
  EXPECT_ANY_THROW(table.add({.name = "other", .aliases = {"words"}, .field = &other})) << "the flag is taken";
  EXPECT_ANY_THROW(table.add({.name = "unbound"}));
}

TEST(OptionTable, TheResultsOptionsAreThoseThatAffectIt) {
  Values v;
  OptionTable table = make_table(v);
  nlohmann::json all = table.dump_json();
  EXPECT_EQ(all.size(), 7u);
  all.erase("small");
  EXPECT_EQ(table.dump_result_json(), all);
}

TEST(OptionTable, YamlErrorsNameFileLineAndKey) {
  const test::TemporaryFolder folder;
  const auto message = [&](const std::string& yaml) {
    Values v;
    OptionTable table = make_table(v);
    write_file(folder.path / "c.yaml", yaml);
    return message_of([&] { table.set_from_yaml(folder.path / "c.yaml", "config"); });
  };
  EXPECT_EQ(message("port: 3\nflag: true\nGroup:\n  count: 5\nOther:\n  lora: null\n"), "");
  EXPECT_NE(
      message("flag: true\nGroup:\n  conut: 5\n").find("c.yaml:3: Group.conut: unknown key (did you mean count?)"),
      std::string::npos);
  EXPECT_NE(message("Group:\n  rate: .nan\n").find("c.yaml:2: rate"), std::string::npos);
  EXPECT_NE(message("Other:\n  count: 5\n").find("it belongs to Group"), std::string::npos);
  EXPECT_NE(message("Other:\n  lora: x.safetensors\n").find("lora: 'x.safetensors' cannot be honoured (Use more.)"),
            std::string::npos);
  EXPECT_NE(message("Group: [1, 2\n").find("not valid YAML"), std::string::npos);
  EXPECT_NE(message("just text").find("not a YAML mapping"), std::string::npos);
  EXPECT_NE(message("Group: 5\n").find("a group of options"), std::string::npos);
}

// Aliases and nesting: a value is never unfolded beyond its limit, and no depth of a file overflows the stack.
TEST(OptionTable, HostileYamlEndsInAMessage) {
  const test::TemporaryFolder folder;
  const auto message = [&](const std::string& yaml) {
    Values v;
    OptionTable table = make_table(v);
    write_file(folder.path / "c.yaml", yaml);
    return message_of([&] { table.set_from_yaml(folder.path / "c.yaml", "config"); });
  };
  std::string laughs = "a: &a0 [x]\n";  // each list holds the one before ten times
  for (int i = 1; i < 12; ++i)
    laughs += fmt::format("b{}: &a{} [{}*a{}]\n", i, i, test::repeated(fmt::format("*a{}, ", i - 1), 9), i - 1);
  EXPECT_NE(message(laughs).find("unknown key"), std::string::npos);
  EXPECT_NE(message(laughs + "flag: *a11\n").find("unknown key"), std::string::npos);
  const std::string text =
      "port: 3\nGroup:\n  count: [&t " + std::string(100'000, 'x') + test::repeated(", *t", 20'000) + "]\n";
  EXPECT_NE(message(text).find("a value that is too long"), std::string::npos);  // 2 GB, if it were unfolded
  EXPECT_NE(message("flag: &a [*a]\n").find("nested value"), std::string::npos);
  EXPECT_NE(message("port: " + std::string(100'000, '[')).find("not valid YAML"), std::string::npos);
  EXPECT_NE(message("port: " + std::string(100'000, '[') + std::string(100'000, ']')).find("not valid YAML"),
            std::string::npos);
  EXPECT_NE(message(test::repeated("? ", 100'000)), "");
  EXPECT_NE(message(test::repeated("- ", 100'000)), "");
  EXPECT_NE(message("port: " + std::string((1 << 18) + 1, '3')).find("bytes"), std::string::npos);
}

TEST(OptionTable, ForeignKeysAreNotedWhereTheirValueWouldMatter) {
  const test::TemporaryFolder folder;
  const auto ignored = [&](const std::string& yaml) {
    Values v;
    OptionTable table = make_table(v);
    write_file(folder.path / "c.yaml", yaml);
    table.set_from_yaml(folder.path / "c.yaml", "config");
    std::vector<std::string> names;
    for (const ForeignKey* key : table.ignored())
      names.push_back(fmt::format("{} {} {}", key->shown_name(), key->value, key->line));
    return names;
  };
  using Names = std::vector<std::string>;
  for (const char* same : {"1", "1.0", "+1", "Off", "off"})
    EXPECT_EQ(ignored(fmt::format("Group:\n  size: {}\n", same)), Names{}) << same;
  EXPECT_EQ(ignored("port: 7\nGroup:\n  size: 2\n"), Names{"Group.size 2 3"});
  EXPECT_EQ(ignored("Group:\n  size:\n"), Names{"Group.size null 2"});
  for (const char* same : {"null", "~", "None", "''"})
    EXPECT_EQ(ignored(fmt::format("Other:\n  lora: {}\n", same)), Names{}) << same;
}

TEST(OptionTable, ValuesKnowTheirFileAndLine) {
  Values v;
  OptionTable table = make_table(v);
  const test::TemporaryFolder folder;
  write_file(folder.path / "c.yaml", "flag: true\nGroup:\n  rate: 0.25\n  count: 3\n");
  table.set_from_yaml(folder.path / "c.yaml", "config");
  table.set("count", "4", "flag");
  EXPECT_EQ(table.at("rate").line, 3);
  EXPECT_EQ(table.at("rate").file, (folder.path / "c.yaml").string());
  EXPECT_EQ(table.at("count").line, 0);
  EXPECT_EQ(table.at("count").file, "");
}

TEST(OptionTable, TheDumpReadsBack) {
  Values v;
  OptionTable table = make_table(v);
  table.set("some_text", "a \"quoted\" text: with # signs", "flag");
  table.set("range", "[-1, 1]", "flag");
  const test::TemporaryFolder folder;
  write_file(folder.path / "dump.yaml", table.dump_yaml());
  Values w;
  OptionTable other = make_table(w);
  other.set_from_yaml(folder.path / "dump.yaml", "config");
  EXPECT_EQ(other.dump_json(), table.dump_json());
}

}  // namespace
}  // namespace lucid::config
