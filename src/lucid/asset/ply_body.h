// SPDX-License-Identifier: Apache-2.0
// Walks the rows of a PLY's elements, in any of its three encodings, never past the file's end.
#pragma once

#include <functional>

#include "lucid/asset/ply_header.h"

namespace lucid::asset::ply {

class Body {
 public:
  /// row and property count from 0.
  using Sink = std::function<void(int64_t row, size_t property, double value)>;

  Body(const std::filesystem::path& file, std::string_view bytes, const Header& header)
      : file_(file), bytes_(bytes), at_(header.body), format_(header.format) {}

  /// Throws UserError when the rest of the file cannot hold the element's rows: before anything is allocated for them.
  void require_room(const Element& element) const;
  void skip(const Element& element);
  /// Every plain value goes to `sink`; lists are passed over.
  void read(const Element& element, const Sink& sink);

 private:
  [[noreturn]] void fail(const Element& element, int64_t row, const std::string& what,
                         const std::string& key = "") const;
  void read_binary_row(const Element& element, int64_t row, const Sink* sink);
  void read_ascii_row(const Element& element, int64_t row, const Sink* sink);
  double take(Scalar type);  // the caller has checked that there is room
  size_t left() const { return bytes_.size() - at_; }

  const std::filesystem::path& file_;
  std::string_view bytes_;
  size_t at_;
  Format format_;
};

}  // namespace lucid::asset::ply
