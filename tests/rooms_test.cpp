// SPDX-License-Identifier: Apache-2.0
// The rooms of src/lucid: docs/dev/path.md has the one table of which folder links which. This test holds the CMake
// files, the includes, the use of libtorch and the folders' sizes to that table.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "goldens.h"

namespace {
namespace fs = std::filesystem;

using Names = std::set<std::string>;

/// One row of the table. A folder's target is the name that its CMakeLists.txt gives to lucid_module().
struct Room {
  Names links;    // folders whose targets it links
  Names headers;  // folders of which it includes headers without linking them
  bool torch = false;
};
using Rooms = std::map<std::string, Room>;  // by folder, relative to src/lucid

fs::path root() { return lucid::test::source_dir() / "src/lucid"; }

std::string read(const fs::path& file) {
  std::ifstream in(file);
  EXPECT_TRUE(in) << file;
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Words in `backquotes`, less a last slash.
Names quoted(const std::string& cell) {
  Names names;
  const std::regex name("`([a-z0-9_/]+?)/?`");
  for (std::sregex_iterator at(cell.begin(), cell.end(), name), end; at != end; ++at) names.insert((*at)[1]);
  return names;
}

/// | `folder/` | `links` … | `headers of` … | libtorch: yes or no | what it is |
Rooms read_table() {
  Rooms rooms;
  std::istringstream text(read(lucid::test::source_dir() / "docs/dev/path.md"));
  const std::regex row(R"(^\| `([a-z0-9_/]+)/` \|([^|]*)\|([^|]*)\| (yes|no) \|)");
  std::smatch match;
  for (std::string line; std::getline(text, line);) {
    if (!std::regex_search(line, match, row)) continue;
    EXPECT_TRUE(
        rooms
            .emplace(match[1], Room{.links = quoted(match[2]), .headers = quoted(match[3]), .torch = match[4] == "yes"})
            .second)
        << match[1] << " stands in the table twice";
  }
  return rooms;
}

/// The folder's lucid_module() call: its target, the lucid:: targets that it links, and whether it links libtorch.
struct Module {
  std::string target;
  Names links;
  bool torch = false;
};
std::map<std::string, Module> read_cmake() {
  std::map<std::string, Module> modules;
  const std::regex call(R"(lucid_module\(([^)]*)\))");
  for (const auto& entry : fs::recursive_directory_iterator(root())) {
    if (entry.path().filename() != "CMakeLists.txt") continue;
    const std::string text = read(entry.path());
    std::smatch match;
    if (!std::regex_search(text, match, call)) continue;
    Module module;
    std::istringstream words(match[1]);
    words >> module.target;
    std::string section;
    for (std::string word; words >> word;) {
      if (word == "TORCH") module.torch = true;
      if (word == "PUBLIC" || word == "PRIVATE" || word == "TEST" || word == "NESTED") section = word;
      if (section != "TEST" && word.starts_with("lucid::")) module.links.insert(word.substr(7));
    }
    modules.emplace(fs::relative(entry.path().parent_path(), root()).string(), module);
  }
  return modules;
}

/// The room of a file or include, relative to src/lucid: the longest folder of the table that it lies in.
std::string room_of(const Rooms& rooms, const std::string& file) {
  std::string found;
  for (const auto& [folder, room] : rooms) {
    if (file.starts_with(folder + "/") && folder.size() > found.size()) found = folder;
  }
  return found;
}

/// Every room that `folder` links, directly or not.
Names linked_by(const Rooms& rooms, const std::string& folder) {
  Names all;
  const std::function<void(const std::string&)> visit = [&](const std::string& from) {
    if (!rooms.contains(from)) return;
    for (const std::string& to : rooms.at(from).links) {
      if (all.insert(to).second) visit(to);
    }
  };
  visit(folder);
  return all;
}

bool is_source(const fs::path& file) {
  return file.extension() == ".h" || file.extension() == ".cpp" || file.extension() == ".cu";
}
bool is_test(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.find("_test.") != std::string::npos || file.string().find("/nn/emulated/") != std::string::npos;
}

/// body(file relative to src/lucid, a line of it) for every source but tests. Returns the number of files.
int for_each_line(const std::function<void(const std::string& file, const std::string& line)>& body) {
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root())) {
    if (!entry.is_regular_file() || !is_source(entry.path()) || is_test(entry.path())) continue;
    ++files;
    const std::string file = fs::relative(entry.path(), root()).string();
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) body(file, line);
  }
  return files;
}

TEST(Rooms, TheTableIsWhatCmakeLinks) {
  const Rooms rooms = read_table();
  const std::map<std::string, Module> modules = read_cmake();
  ASSERT_GT(rooms.size(), 15U);
  std::map<std::string, std::string> target;  // of a folder
  for (const auto& [folder, module] : modules) {
    EXPECT_TRUE(rooms.contains(folder)) << "src/lucid/" << folder << " has no row in docs/dev/path.md";
    target[folder] = module.target;
  }
  for (const auto& [folder, room] : rooms) {
    ASSERT_TRUE(modules.contains(folder)) << "docs/dev/path.md names src/lucid/" << folder << ", which is no module";
    Names links;
    for (const std::string& link : room.links) links.insert(target[link]);
    EXPECT_EQ(modules.at(folder).links, links) << "what src/lucid/" << folder << "/CMakeLists.txt links";
    EXPECT_EQ(modules.at(folder).torch, room.torch) << folder;
  }
}

TEST(Rooms, LinksHaveNoCycle) {
  const Rooms rooms = read_table();
  for (const auto& [folder, room] : rooms) EXPECT_FALSE(linked_by(rooms, folder).contains(folder)) << folder;
}

TEST(Rooms, IncludesFollowTheTable) {
  const Rooms rooms = read_table();
  std::map<std::string, Names> allowed;
  for (const auto& [folder, room] : rooms) {
    allowed[folder] = linked_by(rooms, folder);
    allowed[folder].insert(room.headers.begin(), room.headers.end());
    allowed[folder].insert(folder);
  }
  const std::regex ours("^\\s*#include \"lucid/([^\"]+)\""), torch("^\\s*#include <(torch|ATen|c10)/");
  const int files = for_each_line([&](const std::string& file, const std::string& line) {
    const std::string room = room_of(rooms, file);
    ASSERT_NE(room, "") << file << " lies in no room of the table";
    std::smatch match;
    if (std::regex_search(line, match, ours)) {
      EXPECT_TRUE(allowed.at(room).contains(room_of(rooms, match[1]))) << file << " includes " << match[1];
    }
    if (!rooms.at(room).torch) {
      EXPECT_FALSE(std::regex_search(line, torch)) << file << ": " << line;
    }
  });
  EXPECT_GT(files, 200);
}

/// X.h and X.cpp are one unit. No two units of the tensor code and the networks include each other, however indirectly.
TEST(Rooms, NoUnitsOfTheNetworksIncludeEachOther) {
  std::map<std::string, Names> includes;
  const auto unit = [](const std::string& file) { return fs::path(file).replace_extension("").string(); };
  const std::regex ours("^\\s*#include \"lucid/([^\"]+)\"");
  for_each_line([&](const std::string& file, const std::string& line) {
    std::smatch match;
    const bool checked = file.starts_with("tensor/") || file.starts_with("nn/") || file.starts_with("diffusion/");
    if (checked && std::regex_search(line, match, ours) && unit(match[1]) != unit(file)) {
      includes[unit(file)].insert(unit(match[1]));
    }
  });
  std::map<std::string, int> state;  // 1: being visited, 2: done
  const std::function<void(const std::string&, const std::string&)> visit = [&](const std::string& at,
                                                                                const std::string& path) {
    if (state[at] == 2) return;
    EXPECT_NE(state[at], 1) << path << " -> " << at;
    if (state[at] == 1) return;
    state[at] = 1;
    for (const std::string& to : includes[at]) visit(to, path + " -> " + at);
    state[at] = 2;
  };
  Names units;
  for (const auto& [from, to] : includes) units.insert(from);
  ASSERT_GT(units.size(), 30U);
  for (const std::string& from : units) visit(from, "");
}

TEST(Rooms, RenderAndDiffusionNeverMeet) {
  const Rooms rooms = read_table();
  EXPECT_FALSE(linked_by(rooms, "render").contains("diffusion"));
  EXPECT_FALSE(linked_by(rooms, "diffusion").contains("render"));
  EXPECT_FALSE(linked_by(rooms, "distill").contains("gaussians"));
}

TEST(Rooms, NoFolderHoldsMoreThanFortyFiles) {
  constexpr int kMost = 40;
  std::map<fs::path, int> files;
  for (const auto& entry : fs::recursive_directory_iterator(root())) {
    if (entry.is_regular_file()) ++files[entry.path().parent_path()];
  }
  ASSERT_GT(files.size(), 15U);
  for (const auto& [folder, count] : files) EXPECT_LE(count, kMost) << folder;
}

}  // namespace
