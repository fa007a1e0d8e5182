// SPDX-License-Identifier: Apache-2.0
// What a prompt is about: the first name in it that a list knows, and its colour. No libtorch.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lucid::shape {

struct Subject {
  std::string name;    // "teddy bear"
  std::string colour;  // "" = none was given
  /// "red teddy bear": what the text encoder reads.
  std::string caption() const { return colour.empty() ? name : colour + " " + name; }
};

/// The leftmost name in the prompt, the longest of those that begin there ("a desk lamp" is no desk). Its colour is the
/// last colour word before it, else the first one after it. Case and punctuation do not matter.
std::optional<Subject> find_subject(const std::string& prompt, const std::vector<std::string>& names,
                                    const std::vector<std::string>& colours);

}  // namespace lucid::shape
