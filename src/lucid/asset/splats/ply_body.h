// SPDX-License-Identifier: Apache-2.0
// Reader of the rows of a PLY file's elements, in all three encodings. It never reads beyond the end of the file.
#pragma once

#include <functional>

#include "lucid/asset/splats/ply_header.h"

namespace lucid::asset::ply {

class Body {
 public:
  /// Receives each value; rows and properties are numbered from 0.
  using Sink = std::function<void(int64_t row, size_t property, double value)>;

  Body(const std::filesystem::path& file, std::string_view bytes, const Header& header)
      : file_(file), bytes_(bytes), at_(header.body), format_(header.format) {}

  /// Throws UserError if the rest of the file is too short for the element's rows. To be called before memory for them
  /// is allocated.
  void require_room(const Element& element) const;
  void skip(const Element& element);
  /// Passes every value that is not in a list to `sink`, and the items of lists, in order, to `items` if there is one.
  void read(const Element& element, const Sink& sink, const Sink& items = nullptr);

 private:
  [[noreturn]] void fail(const Element& element, int64_t row, const std::string& what,
                         const std::string& key = "") const;
  void read_binary_row(const Element& element, int64_t row, const Sink& sink, const Sink& items);
  void read_ascii_row(const Element& element, int64_t row, const Sink& sink, const Sink& items);
  double take(Scalar type);  // reads one binary value; the caller has checked that it fits
  size_t left() const { return bytes_.size() - at_; }

  const std::filesystem::path& file_;
  std::string_view bytes_;
  size_t at_;
  Format format_;
};

}  // namespace lucid::asset::ply
