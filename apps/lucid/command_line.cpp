// SPDX-License-Identifier: Apache-2.0
// Parsing, help lookup, and the messages for mistakes, with near spellings of what was typed.
#include "command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <new>

#include "lucid/base/error.h"
#include "lucid/base/spelling.h"

namespace lucid::cli {
namespace {

bool asks_for_help(const std::string& argument) {
  return argument == "--help" || argument == "-h" || argument == "--help-all" || argument.starts_with("--help=");
}

/// The subcommand that the first words name, and how many words that took.
std::pair<const CLI::App*, size_t> subcommand_of(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* at = &app;
  size_t used = 0;
  for (; used < arguments.size(); ++used) {
    const auto below = at->get_subcommands({});
    const auto next = std::ranges::find(below, arguments[used], [](const CLI::App* a) { return a->get_name(); });
    if (next == below.end()) break;
    at = *next;
  }
  return {at, used};
}

std::vector<std::string> names_below(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : path_of(*app.get_parent()) + " " + app.get_name();
}

/// The long flags of CLI11's options that are near `flag`.
std::vector<std::string> near_of(const CLI::App& app, std::string flag) {
  flag = flag.substr(std::min(flag.size(), flag.find_first_not_of('-')));
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  }
  std::vector<std::string> near;
  for (const std::string& name : near_words(flag, names)) near.push_back("--" + name);
  return near;
}

/// Newer versions of CLI11 refuse a positional argument that is named as a flag of its command.
void check_positionals(const CLI::App& command) {
  for (const CLI::Option* positional : command.get_options([](const CLI::Option* o) { return o->get_positional(); })) {
    const std::string name = positional->get_name(/*positional=*/true);
    for (const CLI::Option* option : command.get_options())
      LUCID_CHECK(!option->check_lname(name), "{} takes {} and --{}", command.get_name(), name, name);
  }
}

std::string did_you_mean(const std::vector<std::string>& near, const std::string& otherwise) {
  return near.empty() ? otherwise : fmt::format("did you mean {}?", fmt::join(near, " or "));
}

}  // namespace

int complain(int code, const std::string& text) {
  fmt::print(stderr, "lucid: {}\n", text);
  return code;
}

int guarded(const std::function<int()>& body) {
  try {
    return body();
  } catch (const UserError& error) {
    return complain(kUserMistake, error.what());
  } catch (const std::bad_alloc&) {
    return complain(kUserMistake, "out of memory (fewer Gaussians, a smaller picture or batch need less)");
  } catch (const std::exception& error) {
    return complain(kOurMistake, fmt::format("internal error, please report it: {}", error.what()));
  }
}

CommandLine::CommandLine() {
  app_.name("lucid");
  app_.set_help_flag();  // help() reads the words itself
  app_.set_version_flag("--version", "lucid " LUCID_VERSION, "Print the version.");
  app_.require_subcommand(1);
  commands_.push_back(define_generate(app_, requests.generate));
  commands_.push_back(define_edit(app_, requests.edit));
  commands_.push_back(define_avatar(app_, requests.avatar));
  commands_.push_back(define_batch(app_, requests.batch));
  commands_.push_back(define_render(app_, requests.render));
  commands_.push_back(define_export(app_, requests.export_));
  commands_.push_back(define_view(app_, requests.view));
  commands_.push_back(define_points(app_, requests.points));
  commands_.push_back(define_personalise(app_, requests.personalise));
  commands_.push_back(define_serve(app_, requests.serve));
  for (Command& command : define_config(app_, requests.explain)) commands_.push_back(std::move(command));
  for (Command& command : define_info(app_, requests.info)) commands_.push_back(std::move(command));
  commands_.push_back(define_eval(app_, requests.eval));
  commands_.push_back(define_verify(app_, requests.verify));
  commands_.push_back(define_reproduce(app_, requests.reproduce));
  for (Command& command : define_prior(app_, requests)) commands_.push_back(std::move(command));
  for (const Command& command : commands_) {
    command.app->set_help_flag();
    check_positionals(*command.app);
  }
  app_.footer(
      "Example:\n"
      "  lucid generate \"a hamburger\"\n"
      "\n"
      "`lucid COMMAND --help` explains a command.\n"
      "`lucid generate --help-all` lists every option.");
}

std::vector<HelpPage> CommandLine::pages() const {
  std::vector<HelpPage> pages;
  for (const Command& command : commands_) pages.push_back(command.page ? command.page(true) : page_of(*command.app));
  return pages;
}

const Command* CommandLine::find(const CLI::App* app) const {
  const auto at = std::ranges::find(commands_, app, &Command::app);
  return at == commands_.end() ? nullptr : &*at;
}

int CommandLine::show_help(const CLI::App& app, const std::string& name, bool all) const {
  const size_t width = help_width();
  const Command* command = find(&app);
  if (name.empty()) {
    HelpPage page = command != nullptr && command->page ? command->page(all) : page_of(app);
    auto last = std::ranges::find(page.sections, "Options", &HelpSection::heading);
    if (last == page.sections.end()) last = page.sections.insert(last, {.heading = "Options", .rows = {}});
    last->rows.push_back({"-h, --help [NAME]", "Print this help, or that of one option."});
    if (command != nullptr && command->page && command->hides_options)
      last->rows.push_back({"--help-all", "Print every option."});
    fmt::print("{}", format(page, width));
    return 0;
  }
  for (const CLI::App* below : app.get_subcommands({})) {
    if (below->get_name() == name) return show_help(*below, "", all);
  }
  if (command != nullptr && command->describe) {
    if (const auto text = command->describe(name, width)) {
      fmt::print("{}", *text);
      return 0;
    }
  }
  const std::string bare = name.substr(std::min(name.size(), name.find_first_not_of('-')));
  for (const CLI::Option* option : app.get_options()) {
    if (!option->check_name("--" + bare) && !option->check_name("-" + bare) && option->get_name() != bare) continue;
    fmt::print("{}",
               format({.usage = "", .about = "", .sections = {{"Option", {row_of(*option)}}}, .footer = ""}, width));
    return 0;
  }
  std::vector<std::string> near =
      command != nullptr && command->near_flags ? command->near_flags(name) : near_of(app, name);
  for (const std::string& below : near_words(bare, names_below(app))) near.push_back(below);
  throw UserError({.what_happened = fmt::format("{} has no option '{}'", path_of(app), name),
                   .hint = did_you_mean(near, fmt::format("{} --help-all lists them all", path_of(app)))});
}

/// Prints help where it is asked for. The words are read before CLI11 does, since a required argument may be missing.
std::optional<int> CommandLine::help(const std::vector<std::string>& arguments) const {
  const auto end = std::ranges::find(arguments, "--");
  const auto at = std::find_if(arguments.begin(), end, asks_for_help);
  if (at == end) return std::nullopt;
  const CLI::App* app = subcommand_of(app_, arguments).first;
  std::string name = at->starts_with("--help=") ? at->substr(std::string("--help=").size()) : "";
  if (name.empty() && at + 1 != end && !asks_for_help(*(at + 1))) name = *(at + 1);
  return show_help(*app, name, *at == "--help-all");
}

/// CLI11's own errors in plain words; a misspelt word gets the near ones.
std::string CommandLine::explain(const std::vector<std::string>& arguments, const CLI::ParseError& error) const {
  const auto [app, used] = subcommand_of(app_, arguments);
  const std::string next = used < arguments.size() ? arguments[used] : "";
  if (app->get_require_subcommand_min() > 0 && !next.starts_with('-')) {
    const std::string all = fmt::format("one of {}; see {} --help", fmt::join(names_below(*app), ", "), path_of(*app));
    if (next.empty()) return one_line({.what_happened = path_of(*app) + " needs a command", .hint = all});
    return one_line({.what_happened = fmt::format("{} has no command '{}'", path_of(*app), next),
                     .hint = did_you_mean(near_words(next, names_below(*app)), all)});
  }
  const std::vector<std::string> left = app->remaining();
  if (left.empty())
    return one_line({.what_happened = error.what(), .hint = fmt::format("see {} --help", path_of(*app))});
  const Command* command = find(app);
  const std::string flag = left.front().substr(0, left.front().find('='));
  if (!flag.starts_with('-')) {
    return one_line({.what_happened = fmt::format("unexpected argument '{}'", flag),
                     .hint = fmt::format("see {} --help", path_of(*app))});
  }
  const auto near = command != nullptr && command->near_flags ? command->near_flags(flag) : near_of(*app, flag);
  return one_line({.what_happened = "unknown option " + flag,
                   .hint = did_you_mean(near, fmt::format("see {} --help", path_of(*app)))});
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  std::optional<int> done;
  const int code = guarded([&] {
    done = help(arguments);
    if (done) return *done;
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      done = error.get_exit_code() == 0 ? app_.exit(error) : complain(kUserMistake, explain(arguments, error));
      return *done;
    }
    const CLI::App* app = &app_;
    while (!app->get_subcommands().empty()) {
      app = app->get_subcommands().front();
      chosen_ += (chosen_.empty() ? "" : " ") + app->get_name();
    }
    if (const Command* command = find(app); command != nullptr && command->check) command->check();
    return 0;
  });
  if (code != 0) return code;
  return done;
}

}  // namespace lucid::cli
