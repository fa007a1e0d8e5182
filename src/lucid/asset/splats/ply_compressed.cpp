// SPDX-License-Identifier: Apache-2.0
// Reader of compressed PLY files.
#include "lucid/asset/splats/ply_compressed.h"

#include <array>
#include <cmath>

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/ply_body.h"
#include "lucid/base/error.h"
#include "lucid/math/sh.h"

namespace lucid::asset::ply {
namespace {

constexpr int64_t kChunkRows = 256;
constexpr std::array<const char*, 4> kPacked = {"packed_position", "packed_rotation", "packed_scale", "packed_color"};
enum Word { kPosition, kRotation, kScale, kColor };
/// The bounds of a chunk, by quantity and axis: min_x, …, min_scale_x, …, min_r, …, then the same with max_.
enum Quantity { kMeans, kScales, kColours };
constexpr int kQuantities = 3, kBounds = 2 * kQuantities * 3;
constexpr std::array<const char*, kQuantities* 3> kBoundNames = {"x",       "y", "z", "scale_x", "scale_y",
                                                                 "scale_z", "r", "g", "b"};

/// `bits` bits of a word from bit `low` on, as a fraction of the largest number.
double fraction(uint32_t word, int low, int bits) {
  const uint32_t most = (uint32_t{1} << bits) - 1;
  return static_cast<double>(word >> low & most) / most;
}
/// Three fractions of 11, 10 and 11 bits.
std::array<double, 3> fractions_of(uint32_t word) {
  return {fraction(word, 21, 11), fraction(word, 11, 10), fraction(word, 0, 11)};
}

struct Tables {
  std::vector<std::array<float, kBounds>> chunks;
  std::vector<std::array<uint32_t, kPacked.size()>> vertices;
  std::vector<uint8_t> sh;  // [N,3,K], channel-major
  int64_t sh_rows = 0, sh_columns = 0;
  bool has_colour_bounds = false;
};

class CompressedReader {
 public:
  CompressedReader(const std::filesystem::path& file, std::string_view bytes, const Header& header)
      : file_(file), header_(header), body_(file, bytes, header) {}

  gaussians::Cloud read() {
    for (const Element& element : header_.elements) {
      body_.require_room(element);
      if (element.name == "chunk") {
        read_chunks(element);
      } else if (element.name == "vertex") {
        read_vertices(element);
      } else if (element.name == "sh") {
        read_sh(element);
      } else {
        body_.skip(element);
      }
    }
    const auto count = static_cast<int64_t>(tables_.vertices.size());
    if (count == 0) refuse("holds no Gaussians");
    if (static_cast<int64_t>(tables_.chunks.size()) != (count + kChunkRows - 1) / kChunkRows) {
      refuse(fmt::format("has {} chunks for {} Gaussians", tables_.chunks.size(), count));
    }
    if (tables_.sh_columns != 0 && tables_.sh_rows != count) {
      refuse(fmt::format("has SH coefficients of {} Gaussians, but {} Gaussians", tables_.sh_rows, count));
    }
    gaussians::Cloud cloud = new_cloud(count, tables_.sh_columns / 3);
    for (int64_t n = 0; n < count; ++n) unpack(arrays_of(cloud), n);
    return cloud;
  }

 private:
  [[noreturn]] void refuse(const std::string& what, const std::string& key = "") const {
    throw UserError(
        {.what_happened = what, .file = file_.string(), .key = key, .hint = "is it a compressed PLY of PlayCanvas?"});
  }

  /// For each property, its position in `names`, or -1.
  template <size_t N>
  static std::vector<int> columns_of(const Element& element, const std::array<std::string, N>& names) {
    std::vector<int> columns;
    for (const Property& p : element.properties) {
      const auto* found = p.is_list ? names.end() : std::find(names.begin(), names.end(), p.name);
      columns.push_back(found == names.end() ? -1 : static_cast<int>(found - names.begin()));
    }
    return columns;
  }
  template <size_t N>
  void require(const std::vector<int>& columns, const std::array<std::string, N>& names, int column) const {
    if (std::find(columns.begin(), columns.end(), column) == columns.end())
      refuse("lacks the property " + names[column]);
  }

  void read_chunks(const Element& element) {
    std::array<std::string, kBounds> names;
    for (int i = 0; i < kBounds / 2; ++i) {
      names[i] = std::string("min_") + kBoundNames[i];
      names[kBounds / 2 + i] = std::string("max_") + kBoundNames[i];
    }
    const auto columns = columns_of(element, names);
    for (int i = 0; i < 3 * kColours; ++i) {
      require(columns, names, i);
      require(columns, names, kBounds / 2 + i);
    }
    // Old files have no bounds of colours.
    tables_.has_colour_bounds = std::find(columns.begin(), columns.end(), 3 * kColours) != columns.end();
    for (int i = 3 * kColours; tables_.has_colour_bounds && i < kBounds / 2; ++i) {
      require(columns, names, i);
      require(columns, names, kBounds / 2 + i);
    }
    tables_.chunks.resize(element.count);
    body_.read(element, [&](int64_t row, size_t property, double value) {
      if (columns[property] < 0) return;
      if (!std::isfinite(static_cast<float>(value))) {
        refuse(fmt::format("chunk {} (from 0) is {}; every number must be finite", row, value),
               names[columns[property]]);
      }
      tables_.chunks[row][columns[property]] = static_cast<float>(value);
    });
  }

  void read_vertices(const Element& element) {
    std::array<std::string, kPacked.size()> names;
    std::copy(kPacked.begin(), kPacked.end(), names.begin());
    const auto columns = columns_of(element, names);
    for (size_t i = 0; i < element.properties.size(); ++i) {
      if (columns[i] >= 0 && element.properties[i].type != Scalar::kUint32)
        refuse("is not of type uint", names[columns[i]]);
    }
    for (int i = 0; i < static_cast<int>(names.size()); ++i) require(columns, names, i);
    tables_.vertices.resize(element.count);
    body_.read(element, [&](int64_t row, size_t property, double value) {
      if (columns[property] < 0) return;
      if (!(value >= 0 && value <= UINT32_MAX)) refuse(fmt::format("row {} (from 0) is {}", row, value), "vertex");
      tables_.vertices[row][columns[property]] = static_cast<uint32_t>(value);
    });
  }

  void read_sh(const Element& element) {
    std::array<std::string, 3 * (kMaxShCount - 1)> names;
    for (size_t i = 0; i < names.size(); ++i) names[i] = fmt::format("f_rest_{}", i);
    const auto columns = columns_of(element, names);
    const auto count = static_cast<int>(columns.size() - std::count(columns.begin(), columns.end(), -1));
    if (count != 9 && count != 24 && count != 45) {
      refuse(fmt::format("has {} properties f_rest_*; SH degrees 1 to 3 have 9, 24 or 45", count));
    }
    for (int i = 0; i < count; ++i) require(columns, names, i);
    tables_.sh_rows = static_cast<int64_t>(element.count);
    tables_.sh_columns = count;
    tables_.sh.resize(element.count * count);
    body_.read(element, [&](int64_t row, size_t property, double value) {
      if (columns[property] < 0) return;
      if (!(value >= 0 && value <= 255)) refuse(fmt::format("row {} (from 0) is {}", row, value), "sh");
      tables_.sh[row * count + columns[property]] = static_cast<uint8_t>(value);
    });
  }

  void unpack(const CloudArrays& to, int64_t n) const {
    const auto& bounds = tables_.chunks[n / kChunkRows];
    const auto between = [&](Quantity quantity, int axis, double t) {
      const int i = 3 * quantity + axis;
      return bounds[i] * (1 - t) + bounds[kBounds / 2 + i] * t;
    };
    const auto& words = tables_.vertices[n];
    const auto position = fractions_of(words[kPosition]), scale = fractions_of(words[kScale]);
    for (int i = 0; i < 3; ++i) {
      to.means[3 * n + i] = static_cast<float>(between(kMeans, i, position[i]));
      to.log_scales[3 * n + i] = static_cast<float>(between(kScales, i, scale[i]));
      const double byte = fraction(words[kColor], 24 - 8 * i, 8);
      const double colour = tables_.has_colour_bounds ? between(kColours, i, byte) : byte;
      to.dc[3 * n + i] = static_cast<float>((colour - 0.5) / kSh0);
      if (!std::isfinite(to.dc[3 * n + i])) refuse(fmt::format("vertex {} (from 0) has the colour {}", n, colour));
    }
    to.logits[n] = logit_of(fraction(words[kColor], 0, 8));
    unpack_quat(words[kRotation], to.quats + 4 * n);
    const int64_t rest = tables_.sh_columns / 3;
    for (int64_t k = 0; k < rest; ++k) {
      for (int c = 0; c < 3; ++c) {
        const uint8_t byte = tables_.sh[n * tables_.sh_columns + c * rest + k];
        const double t = byte == 0 ? 0 : byte == 255 ? 1 : (byte + 0.5) / 256;
        to.sh_rest[3 * (n * rest + k) + c] = static_cast<float>((t - 0.5) * 8);  // -4 to 4
      }
    }
  }

  /// Bits 31-30 are the index (w, x, y, z) of the largest component, which is positive and left out; the others follow
  /// in order with 10 bits each, from -sqrt(1/2) to sqrt(1/2).
  static void unpack_quat(uint32_t word, float* quat) {
    const uint32_t largest = word >> 30;
    double squared = 0;
    int low = 20;
    for (uint32_t i = 0; i < 4; ++i) {
      if (i == largest) continue;
      const double q = (fraction(word, low, 10) - 0.5) * M_SQRT2;
      squared += q * q;
      quat[i] = static_cast<float>(q);
      low -= 10;
    }
    quat[largest] = static_cast<float>(std::sqrt(std::max(0.0, 1 - squared)));
  }

  const std::filesystem::path& file_;
  const Header& header_;
  Body body_;
  Tables tables_;
};

}  // namespace

bool is_compressed(const Header& header) {
  for (const Element& element : header.elements) {
    if (element.name != "vertex") continue;
    for (const Property& p : element.properties) {
      if (p.name == kPacked[kPosition]) return true;
    }
  }
  return false;
}

gaussians::Cloud decode_compressed(const std::filesystem::path& file, std::string_view bytes, const Header& header) {
  return CompressedReader(file, bytes, header).read();
}

}  // namespace lucid::asset::ply
