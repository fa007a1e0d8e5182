// SPDX-License-Identifier: Apache-2.0
// Finds a known name and its colour among a prompt's words.
#include "lucid/shape/subject.h"

#include <algorithm>
#include <cctype>

namespace lucid::shape {
namespace {

/// Lower-case words of letters and digits; an apostrophe falls out ("rubik's" -> "rubiks").
std::vector<std::string> plain_words(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'') continue;
    if (byte >= 0x80 || std::isalnum(byte) != 0) {
      words.back() += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

std::optional<Subject> find_subject(const std::string& prompt, const std::vector<std::string>& names,
                                    const std::vector<std::string>& colours) {
  const std::vector<std::string> words = plain_words(prompt);
  const auto is_colour = [&](const std::string& word) { return std::ranges::find(colours, word) != colours.end(); };
  for (auto begin = words.begin(); begin != words.end(); ++begin) {
    std::ptrdiff_t longest = 0;
    Subject subject;
    for (const std::string& name : names) {
      const std::vector<std::string> parts = plain_words(name);
      const auto length = std::ssize(parts);
      if (length <= longest || length > words.end() - begin || !std::equal(parts.begin(), parts.end(), begin)) continue;
      longest = length;
      subject.name = name;
    }
    if (longest == 0) continue;
    const auto before = std::find_if(std::make_reverse_iterator(begin), words.rend(), is_colour);
    const auto after = std::find_if(begin + longest, words.end(), is_colour);
    if (before != words.rend()) {
      subject.colour = *before;
    } else if (after != words.end()) {
      subject.colour = *after;
    }
    return subject;
  }
  return std::nullopt;
}

}  // namespace lucid::shape
