// SPDX-License-Identifier: Apache-2.0
// Documents are true: each path, command, flag, make target, option and link that they name exists, error messages are
// the program's own, tables have short cells. Each rule is also tried on a document that breaks it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "goldens.h"

namespace {
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

constexpr size_t kReadmeLines = 80, kCellWords = 30;

/// What a path begins with that is a user's own, or that a run or a build writes; everything else must be in the tree.
const std::set<std::string> kNotInTheTree = {
    "output",         "videos",         "build", "bin",  // places of results and programs
    "point_cloud",    "test_six_views", "runs",  "process_videos",
    "process_frames",                 // inside a run's folder
    "train_process",  "checkpoints",  //
    "tokenizer",      "text_encoder",   "unet",  "vae",
    "scheduler",      "presets",  // inside a prior's folder
};
const std::set<std::string> kTopFolders = {"src",     "apps", "tests",    "tools",  "bench", "cmake",
                                           "configs", "docs", "examples", "models", ".ci"};
/// Programs of others, whose flags are theirs.
const std::set<std::string> kForeignPrograms = {"cmake", "ctest", "nvcc", "npx", "compute-sanitizer", "/usr/bin/time"};

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Strings lines_of(const std::string& text) {
  Strings lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Strings matches(const std::string& text, const std::regex& pattern, size_t group = 0) {
  Strings found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) found.push_back((*it)[group]);
  return found;
}

/// Words of a command line; double quotes hold several together, # begins a comment.
Strings words_of_command(const std::string& line) {
  Strings words;
  std::string word;
  bool quoted = false, any = false;
  for (const char c : line + " ") {
    if (c == '"' || c == '\'') {
      quoted = !quoted;
      any = true;
    } else if (c == ' ' && !quoted) {
      if (any) words.push_back(word);
      word.clear();
      any = false;
    } else {
      if (c == '#' && !any) break;
      word += c;
      any = true;
    }
  }
  return words;
}

/// A document as its parts: text with its code spans, lines of code blocks by their language.
struct Document {
  fs::path file;  // relative to the source tree
  Strings lines = {};
  std::string prose = {};                                            // all but code blocks
  std::vector<std::pair<std::string, std::string>> code_lines = {};  // language, line
  Strings spans = {};
  Strings headings = {};

  Document(fs::path path, const std::string& text) : file(std::move(path)), lines(lines_of(text)) {
    std::optional<std::string> fence;
    bool blank_before = true, indented = false;
    for (const std::string& line : lines) {
      if (line.starts_with("```")) {
        fence = fence ? std::nullopt : std::optional(line.substr(3));
        continue;
      }
      indented = !fence && line.starts_with("    ") && (blank_before || indented);
      blank_before = line.find_first_not_of(' ') == std::string::npos;
      if (fence || indented) {
        code_lines.emplace_back(fence.value_or(""), line);
        continue;
      }
      prose += line + "\n";
      if (line.starts_with("#")) headings.push_back(line.substr(line.find_first_not_of("# ")));
      for (const std::string& span : matches(line, std::regex("`([^`]+)`"), 1)) spans.push_back(span);
    }
  }
};

/// As GitHub makes a heading's anchor.
std::string anchor_of(const std::string& heading) {
  std::string anchor;
  for (const char c : heading) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_') {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (c == ' ') {
      anchor += '-';
    } else if (static_cast<unsigned char>(c) >= 128) {
      anchor += c;
    }
  }
  return anchor;
}

/// a{b,c}d -> abd, acd.
Strings expanded(const std::string& path) {
  const size_t open = path.find('{'), close = path.find('}', open == std::string::npos ? 0 : open);
  if (open == std::string::npos || close == std::string::npos) return {path};
  Strings all;
  std::istringstream in(path.substr(open + 1, close - open - 1));
  for (std::string part; std::getline(in, part, ',');) {
    for (const std::string& tail : expanded(path.substr(close + 1))) all.push_back(path.substr(0, open) + part + tail);
  }
  return all;
}

/// Whether there is such a file or folder; * in its last name stands for anything.
bool path_exists(const fs::path& path) {
  const std::string name = path.filename().string();
  if (name.find('*') == std::string::npos) return fs::exists(path);
  if (!fs::is_directory(path.parent_path())) return false;
  std::string pattern = std::regex_replace(name, std::regex(R"([.+?()\[\]])"), R"(\$&)");
  pattern = std::regex_replace(pattern, std::regex("\\*"), ".*");
  const std::regex wanted(pattern);
  return std::ranges::any_of(fs::directory_iterator(path.parent_path()), [&](const fs::directory_entry& entry) {
    return std::regex_match(entry.path().filename().string(), wanted);
  });
}

/// What documents are held to: the tree's files and words, and the program's own help.
class Truth {
 public:
  Truth() {
    for (const char* folder : {"src", "apps", "bench", "tests", "tools", "cmake", "examples", ".ci"}) {
      for (const auto& entry : fs::recursive_directory_iterator(root_ / folder)) {
        const fs::path& file = entry.path();
        if (!entry.is_regular_file() || file.filename() == "docs_test.cpp" || !is_text(file)) continue;
        const std::string text = text_of(file), top = folder;
        add(text);
        if (top == "bench" || top == "tools" || top == "cmake") tools_ += text;
      }
    }
    for (const char* file : {"CMakeLists.txt", "Makefile", "CMakePresets.json"}) add(text_of(root_ / file));
    // C++ glues the pieces of a long text together.
    glued_ = glued(code_);
    for (size_t begin = 0, end = 0; begin < code_.size(); begin = end + 1) {
      for (end = begin; end < code_.size() && is_of_word(code_[end]);) ++end;
      if (end > begin) words_.insert(code_.substr(begin, end - begin));
    }
    read_help({});
  }

  const fs::path& root() const { return root_; }
  const std::string& code() const { return code_; }
  bool has_word(const std::string& word) const { return words_.contains(word); }
  bool has_text(const std::string& text) const { return glued_.find(text) != std::string::npos; }
  /// Benchmarks, tools and the build, whose sources spell out their flags.
  bool tools_have(const std::string& flag) const { return tools_.find(flag) != std::string::npos; }
  bool has_make_target(const std::string& name) const {
    return std::regex_search(text_of(root_ / "Makefile"), std::regex("(^|\n)" + name + ":"));
  }
  bool has_program(const std::string& name) const {
    return name == "lucid" || std::regex_search(code_, std::regex("add_executable\\(" + name + "[ )]")) ||
           (name.starts_with("lucid_") && name.ends_with("_test") &&
            fs::exists(root_ / "src/lucid" / name.substr(6, name.size() - 11)));
  }
  const std::map<Strings, std::string>& help() const { return help_; }
  static bool has_flag(const std::string& help, const std::string& flag) {
    const std::string quoted = std::regex_replace(flag, std::regex("[.+*?()]"), R"(\$&)");
    return std::regex_search(help, std::regex("(^|[\\s,!\\[(/])" + quoted + "([\\s,={\\]).;:/]|$)"));
  }
  bool some_flag(const std::string& flag) const {
    return std::ranges::any_of(help_, [&](const auto& each) { return has_flag(each.second, flag); });
  }

 private:
  static bool is_text(const fs::path& file) {
    static const std::set<std::string> kinds = {".cpp", ".h",  ".cu",   ".txt", ".cmake",
                                                ".py",  ".sh", ".yaml", ".in",  ""};
    return kinds.contains(file.extension().string());
  }
  void add(const std::string& text) { code_ += text + "\n"; }

  static bool is_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

  /// Without the quotes, and the spaces between them, that end one piece of a text and begin the next.
  static std::string glued(const std::string& code) {
    std::string text;
    for (size_t i = 0; i < code.size(); ++i) {
      const size_t next = code[i] == '"' ? code.find_first_not_of(" \n", i + 1) : std::string::npos;
      if (next != std::string::npos && next > i + 1 && code[next] == '"') {
        i = next;
      } else if (code[i] != '\\' || i + 1 == code.size() || code[i + 1] != '"') {  // \" is "
        text += code[i];
      }
    }
    return text;
  }

  static std::pair<int, std::string> run(const std::string& arguments) {
    std::string out;
    FILE* pipe = popen((lucid::test::lucid_program() + " " + arguments + " 2>/dev/null").c_str(), "r");
    if (pipe == nullptr) return {-1, out};
    char buffer[4096];
    for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) out.append(buffer, got);
    return {pclose(pipe), out};
  }

  /// The help of a subcommand and of those below it.
  void read_help(const Strings& command) {
    std::string arguments;
    for (const std::string& word : command) arguments += word + " ";
    auto [code, out] = run(arguments + "--help-all");
    if (code != 0) std::tie(code, out) = run(arguments + "--help");
    EXPECT_EQ(code, 0) << "lucid " << arguments << "--help";
    // --[no-]resume stands for two flags.
    help_[command] = std::regex_replace(out, std::regex(R"(--\[no-\]([\w-]+))"), "--$1, --no-$1");
    if (command.size() == 2 || out.find("ommands:") == std::string::npos) return;
    bool below = false;
    for (const std::string& line : lines_of(run(arguments + "--help").second)) {
      std::smatch match;
      if (!line.starts_with(" ")) {
        below = line.find("ommands:") != std::string::npos;
      } else if (below && std::regex_search(line, match, std::regex("^  ([a-z]+)  "))) {
        Strings longer = command;
        longer.push_back(match[1]);
        read_help(longer);
      }
    }
  }

  fs::path root_ = lucid::test::source_dir();
  std::string code_, glued_, tools_;
  std::set<std::string> words_;
  std::map<Strings, std::string> help_;  // by subcommand
};

const Truth& truth() {
  static const Truth one;
  return one;
}

/// What is wrong with a document, one line a fault.
class Faults {
 public:
  explicit Faults(const Document& document) : document_(document) {
    for (const std::string& line : document.lines) look_for_tree_paths(line);
    for (const std::string& span : document.spans) look_at_span(span);
    for (const auto& [language, line] : document.code_lines) {
      language == "yaml" ? look_at_yaml(line) : look_at_command(line);
    }
    look_at_links();
    look_at_tables();
    if (document.file == "README.md" && document.lines.size() > kReadmeLines) {
      add("has {} lines", std::to_string(document.lines.size()));
    }
  }
  const Strings& all() const { return faults_; }

 private:
  void add(std::string what, const std::string& about) {
    faults_.push_back(document_.file.string() + ": " + what.replace(what.find("{}"), 2, about));
  }

  bool is_there(const std::string& path) const {
    const fs::path& root = truth().root();
    return std::ranges::all_of(expanded(path), [&](const std::string& each) {
      return path_exists(root / each) || path_exists(root / "src/lucid" / each) ||
             path_exists(root / document_.file.parent_path() / each);
    });
  }

  /// Paths below a folder of the tree, wherever they stand, and programs of the build.
  void look_for_tree_paths(const std::string& line) {
    static const std::regex path(R"((\.?[A-Za-z]+)/[A-Za-z0-9_./*{},-]*)");
    for (std::sregex_iterator it(line.begin(), line.end(), path), end; it != end; ++it) {
      const auto at = static_cast<size_t>(it->position());
      if (at > 0 && std::string("/.-_<>").find(line[at - 1]) != std::string::npos) continue;  // in a longer path
      if (at > 0 && std::isalnum(static_cast<unsigned char>(line[at - 1])) != 0) continue;
      std::string found = it->str();
      while (!found.empty() && std::string(".,{").find(found.back()) != std::string::npos) found.pop_back();
      if (kTopFolders.contains((*it)[1]) && !is_there(found)) add("{} does not exist", found);
      std::smatch program;
      if (std::regex_match(found, program, std::regex("(build/release/)?bin/([a-z_]+)")) &&
          !truth().has_program(program[2])) {
        add("{} is no program of the build", found);
      }
    }
  }

  void look_at_span(const std::string& span) {
    for (const std::string& variable : matches(span, std::regex("LUCID_[A-Z0-9_]+"))) {
      if (!truth().has_word(variable)) add("nothing reads {}", variable);
    }
    std::smatch match;
    if (span.starts_with("--")) {
      const std::string flag = span.substr(0, span.find_first_of(" ="));
      if (flag == "--no-X") return;  // any switch's
      if (!truth().some_flag(flag) && !truth().tools_have(flag)) add("no program has the flag {}", flag);
    } else if (std::regex_match(span, match, std::regex(R"(([A-Z]\w+)\.([\w*]+)(/\w+)?)"))) {
      if (!truth().has_word(match[1]) || (match[2] != "*" && !truth().has_word(match[2]))) add("no test {}", span);
    } else if (std::regex_match(span, match, std::regex(R"(([\w.-]+)(/[\w.*{},-]+)+/?)"))) {
      if (!kNotInTheTree.contains(match[1]) && !is_there(span) && !truth().has_text(span)) {
        add("{} does not exist", span);
      }
    } else if (std::regex_match(span, match, std::regex(R"(([a-z]\w*): [-\w., \[\]]+)"))) {
      look_at_option(match[1]);
    } else if (std::regex_match(span, std::regex(R"([A-Za-z_][\w:]*(\(.*\))?)"))) {
      look_at_name(span.substr(0, span.find('(')));
    } else {
      look_at_command(span);
    }
  }

  /// A name of code or an option: the tree has each of its parts.
  void look_at_name(const std::string& name) {
    const bool research = document_.file.string().starts_with("docs/research");
    const bool of_code = name.find("::") != std::string::npos || name.find('_') != std::string::npos ||
                         std::regex_search(name, std::regex("[a-z][A-Z]"));
    if (research || !of_code || name.find("NAME") != std::string::npos) return;
    for (const std::string& part : matches(name, std::regex("[A-Za-z0-9_]+"))) {
      if (!truth().has_word(part)) add("no code has the name {}", name);
    }
  }

  void look_at_option(const std::string& key) {
    if (!truth().has_text("\"" + key + "\"")) add("no option {}", key);
  }

  void look_at_yaml(const std::string& line) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex(R"(^\s*(\w+):)"))) look_at_option(match[1]);
  }

  void look_at_command(const std::string& line) {
    static const std::regex between(R"(\s(&&|\|)\s)");
    for (std::sregex_token_iterator it(line.begin(), line.end(), between, -1), end; it != end; ++it) {
      look_at_call(words_of_command(*it));
    }
  }

  void look_at_call(Strings words) {
    while (!words.empty() && (words[0] == "$" || std::regex_match(words[0], std::regex("[A-Z_]+=.*")))) {
      words.erase(words.begin());
    }
    if (words.empty()) return;
    if (words[0] == "python3" && words.size() > 1) words.erase(words.begin());
    const std::string program = words[0], name = fs::path(program).filename().string();
    if (program == "/usr/bin/time" && words.size() > 2) return look_at_call({words.begin() + 2, words.end()});
    if (program == "lucid" || program.ends_with("bin/lucid")) return look_at_lucid(words);
    if (program == "make") return look_at_make(words);
    if (program == "cmake" || program == "ctest") return look_at_presets(words);
    if (kForeignPrograms.contains(program)) return;
    if (program.find("bin/") != std::string::npos) {
      look_at_flags(words, text_of(truth().root() / "bench" / (name + ".cpp")) + "\"--gtest_filter\"");
    } else if (program.starts_with("tools/") || program.starts_with("tests/")) {
      look_at_flags(words, text_of(truth().root() / program));
    }
  }

  void look_at_make(const Strings& words) {
    for (size_t i = 1; i < words.size(); ++i) {
      if (std::regex_match(words[i], std::regex("[a-z-]+")) && !truth().has_make_target(words[i])) {
        add("the Makefile has no target {}", words[i]);
      }
    }
  }

  void look_at_presets(const Strings& words) {
    const std::string presets = text_of(truth().root() / "CMakePresets.json");
    for (size_t i = 1; i + 1 < words.size(); ++i) {
      if (words[i] == "--preset" && presets.find("\"name\": \"" + words[i + 1] + "\"") == std::string::npos) {
        add("CMakePresets.json has no {}", words[i + 1]);
      }
    }
  }

  /// Flags of a program whose source spells them out.
  void look_at_flags(const Strings& words, const std::string& source) {
    for (const std::string& word : words) {
      const std::string flag = word.substr(0, word.find('='));
      if (flag.starts_with("--") && source.find("\"" + flag + "\"") == std::string::npos) {
        add("{} is no flag", words[0] + " " + flag);
      }
    }
  }

  void look_at_lucid(const Strings& words) {
    Strings command;
    size_t at = 1;
    for (Strings longer = command; at < words.size(); ++at) {
      longer.push_back(words[at]);
      if (!truth().help().contains(longer)) break;
      command = longer;
    }
    if (at < words.size() && words[at] == "COMMAND") return;  // as help says
    const bool complete = at == words.size() || words[at].starts_with("-") || !command.empty();
    if (!complete) return add("lucid has no subcommand {}", words[at]);
    if (command == Strings{"prior"} && at < words.size() && std::regex_match(words[at], std::regex("[a-z]+"))) {
      return add("lucid prior has no subcommand {}", words[at]);
    }
    for (; at < words.size(); ++at) {
      const std::string flag = words[at].substr(0, words[at].find('='));
      const bool is_flag = std::regex_match(flag, std::regex("--[a-zA-Z][\\w-]*|-[a-zA-Z]"));
      if (!is_flag || flag == "--help-all") continue;
      if (!Truth::has_flag(truth().help().at(command), flag)) add("lucid has no flag {} there", flag);
    }
  }

  void look_at_links() {
    for (const std::string& link : matches(document_.prose, std::regex(R"(\]\(([^)\s]+)\))"), 1)) {
      if (link.starts_with("http")) continue;
      const size_t hash = link.find('#');
      const fs::path file = hash == 0 ? document_.file : document_.file.parent_path() / link.substr(0, hash);
      if (hash != 0 && !fs::exists(truth().root() / file)) {
        add("the link {} leads nowhere", link);
      } else if (hash != std::string::npos && file.extension() == ".md") {
        const Document target(file, text_of(truth().root() / file));
        const Document& there = hash == 0 ? document_ : target;
        const bool found = std::ranges::any_of(
            there.headings, [&](const std::string& heading) { return anchor_of(heading) == link.substr(hash + 1); });
        if (!found) add("the link {} names no heading", link);
      }
    }
  }

  void look_at_tables() {
    if (document_.file.string().starts_with("docs/research")) return;
    for (const std::string& line : lines_of(document_.prose)) {
      if (!line.starts_with("|")) continue;
      std::istringstream in(std::regex_replace(line, std::regex("`[^`]*`"), "code"));
      for (std::string cell; std::getline(in, cell, '|');) {
        const size_t words = matches(cell, std::regex("[^\\s]*[A-Za-z0-9][^\\s]*")).size();
        if (words > kCellWords) add("a table cell of " + std::to_string(words) + " words: {}", cell);
      }
    }
  }

  const Document& document_;
  Strings faults_;
};

Strings faults_of(const Document& document) { return Faults(document).all(); }

std::vector<Document> documents() {
  std::vector<fs::path> files = {"README.md",
                                 "CONTRIBUTING.md",
                                 "THIRD_PARTY.md",
                                 "models/mini/README.md",
                                 "models/judge/README.md",
                                 "models/shape/README.md"};
  const fs::path root = lucid::test::source_dir();
  for (const auto& entry : fs::recursive_directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md") files.push_back(fs::relative(entry.path(), root));
  }
  std::vector<Document> all;
  for (const fs::path& file : files) all.emplace_back(file, text_of(root / file));
  return all;
}

size_t faults_in(const std::string& text, const fs::path& file = "docs/guide/x.md") {
  return faults_of(Document(file, text)).size();
}

TEST(Documents, NameOnlyWhatExists) {
  const std::vector<Document> all = documents();
  EXPECT_GT(all.size(), 20u);
  for (const Document& document : all) {
    for (const std::string& fault : faults_of(document)) ADD_FAILURE() << fault;
  }
}

/// Documents that a text names and that are not there.
Strings lost_documents(const std::string& text) {
  Strings lost;
  for (const std::string& file : matches(text, std::regex(R"(docs/[\w/.-]+\.md)"))) {
    if (!fs::exists(truth().root() / file)) lost.push_back(file);
  }
  return lost;
}

TEST(Documents, SourcesNameOnlyDocumentsThatExist) {
  for (const std::string& file : lost_documents(truth().code())) ADD_FAILURE() << "no " << file;
  EXPECT_EQ(lost_documents("// See docs/no_such_page.md and docs/dev/path.md.").size(), 1u);
}

TEST(Documents, HelpNamesOnlyFilesThatExist) {
  EXPECT_TRUE(truth().help().contains({"generate"}));
  EXPECT_TRUE(truth().help().contains({"prior", "train"}));
  for (const auto& [command, help] : truth().help()) {
    const Document document("help of " + (command.empty() ? "lucid" : command.back()), help);
    for (const std::string& fault : faults_of(document)) ADD_FAILURE() << fault;
  }
}

/// The quoted messages of docs/guide/troubleshooting.md: the program's sources have each of their fixed parts.
Strings messages_nobody_says(const Document& document) {
  Strings unknown;
  for (const std::string& line : document.lines) {
    std::smatch match;
    if (!std::regex_search(line, match, std::regex("^\\| `([^`]+)`"))) continue;
    const std::string message = match[1];
    // … stands for anything, and so do numbers and single capitals.
    const std::regex varying("…|\\b[0-9]+\\b|\\b[A-Z]\\b");
    for (std::sregex_token_iterator it(message.begin(), message.end(), varying, -1), end; it != end; ++it) {
      std::string part = *it;
      for (const char* edge : {": ", "'", "\"", " ", ")", "("}) {  // what surrounds a varying part
        if (part.starts_with(edge)) part = part.substr(std::string(edge).size());
        if (part.ends_with(edge)) part = part.substr(0, part.size() - std::string(edge).size());
      }
      const size_t file = part.find("json: ");
      if (file != std::string::npos) part = part.substr(file + 6);
      if (part.find(' ') != std::string::npos && !truth().has_text(part)) unknown.push_back(part);
    }
  }
  return unknown;
}

TEST(Documents, TroubleshootingQuotesTheProgramsMessages) {
  const fs::path file = "docs/guide/troubleshooting.md";
  const Document document(file, text_of(truth().root() / file));
  EXPECT_GT(std::ranges::count_if(document.lines, [](const std::string& l) { return l.starts_with("| `"); }), 30);
  for (const std::string& part : messages_nobody_says(document)) ADD_FAILURE() << "nobody says: " << part;
  EXPECT_EQ(messages_nobody_says({file, "| `holds a finished ruin` | why | what |"}).size(), 1u);
}

TEST(DocumentRules, APathMustExist) {
  EXPECT_EQ(faults_in("See src/lucid/train/step.cpp and `distill/ism.cpp`, `render/cpu/blend_*.cpp`."), 0u);
  EXPECT_EQ(faults_in("See src/lucid/train/no_such_step.cpp."), 1u);
  EXPECT_EQ(faults_in("`distill/no_such_score.cpp`"), 1u);
  EXPECT_EQ(faults_in("`render/cpu/no_such_*.h`"), 1u);
  EXPECT_EQ(faults_in("`math/vec.{h,no}`"), 1u);
  EXPECT_EQ(faults_in("`my/own/file.txt`"), 1u);
  EXPECT_EQ(faults_in("`/models/sd-2-1-base`, `output/a_hamburger/manifest.json`, `videos/turntable.mp4`"), 0u);
}

TEST(DocumentRules, ACommandAndItsFlagsMustExist) {
  EXPECT_EQ(faults_in("    lucid generate --preset draft --seed 3 \"a cup --not-a-flag\"  # --nor-this"), 0u);
  EXPECT_EQ(faults_in("    lucid generate --no-such-flag \"a cup\""), 1u);
  EXPECT_EQ(faults_in("    lucid generate --turntable"), 1u) << "a flag of another subcommand";
  EXPECT_EQ(faults_in("```\nlucid conjure\n```"), 1u);
  EXPECT_EQ(faults_in("`lucid prior guess`"), 1u);
  EXPECT_EQ(faults_in("`--no-such-flag`"), 1u);
  EXPECT_EQ(faults_in("`build/release/bin/bench_step --steps 1`"), 0u);
  EXPECT_EQ(faults_in("`build/release/bin/bench_step --no-such-flag`"), 1u);
  EXPECT_EQ(faults_in("`build/release/bin/bench_nothing`"), 1u);
  EXPECT_EQ(faults_in("`python3 tools/bench_gsplat.py --no-such-flag`"), 1u);
  EXPECT_EQ(faults_in("`make demo` `make nothing`"), 1u);
  EXPECT_EQ(faults_in("    cmake --preset release && ctest --preset nothing"), 1u);
}

TEST(DocumentRules, AnOptionAVariableAndANameOfCodeMustExist) {
  EXPECT_EQ(faults_in("`apg_eta: 0` `LUCID_ISA` `ViewRenderer::forward` `score_names()`"), 0u);
  EXPECT_EQ(faults_in("`no_such_option: 0`"), 1u);
  EXPECT_EQ(faults_in("```yaml\nGuidanceParams:\n  no_such_option: 0\n```"), 1u);
  EXPECT_EQ(faults_in("`LUCID_NOTHING=1`"), 1u);
  EXPECT_EQ(faults_in("`ViewRenderer::no_such_function`"), 1u);
  EXPECT_EQ(faults_in("`NoSuchSuite.Test` `NoSuchType`"), 2u);
}

TEST(DocumentRules, ALinkMustLeadSomewhere) {
  EXPECT_EQ(faults_in("[a](../../README.md) [b](../../README.md#limits) [c](#here)\n\n# Here\n"), 0u);
  EXPECT_EQ(faults_in("[a](no_such_page.md)"), 1u);
  EXPECT_EQ(faults_in("[a](../../README.md#no-such-heading)"), 1u);
}

TEST(DocumentRules, CellsAndTheReadmeMustBeShort) {
  std::string cell;
  for (int i = 0; i < 31; ++i) cell += "word ";
  EXPECT_EQ(faults_in("| short | " + cell + "|"), 1u);
  EXPECT_EQ(faults_in("| short | " + cell + "|", "docs/research/x.md"), 0u);
  std::string text;
  for (int i = 0; i < 81; ++i) text += "line\n";
  EXPECT_EQ(faults_in(text, "README.md"), 1u);
}

}  // namespace
