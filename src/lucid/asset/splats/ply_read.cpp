// SPDX-License-Identifier: Apache-2.0
// Reader of 3DGS PLY files. It allocates memory only after the header's counts were checked against the file's size.
#include <cmath>
#include <optional>

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/asset/splats/ply_body.h"
#include "lucid/asset/splats/ply_compressed.h"
#include "lucid/asset/splats/ply_layout.h"
#include "lucid/base/error.h"
#include "lucid/base/mapped_file.h"

namespace lucid::asset {
namespace fs = std::filesystem;
namespace {

constexpr const char* kHint = "is it a Gaussian PLY?";

/// The destination of one vertex property: row i goes to data[i * stride]. Null data means that it is skipped.
struct Column {
  float* data = nullptr;
  int64_t stride = 0;
};

/// "f_rest_12" and "f_rest_" -> 12, without signs or leading zeros.
std::optional<int64_t> number_after(const std::string& name, std::string_view prefix) {
  constexpr size_t kDigits = 4;
  if (name.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  const std::string digits = name.substr(prefix.size());
  if (digits.empty() || digits.size() > kDigits || digits.find_first_not_of("0123456789") != std::string::npos ||
      (digits.size() > 1 && digits[0] == '0')) {
    return std::nullopt;
  }
  return std::stoll(digits);
}

class GaussianReader {
 public:
  GaussianReader(const fs::path& file, std::string_view bytes, const ply::Header& header)
      : file_(file), bytes_(bytes), header_(header) {}

  gaussians::Cloud read() {
    ply::Body body(file_, bytes_, header_);
    for (const ply::Element& element : header_.elements) {
      body.require_room(element);
      if (element.name != "vertex") {
        body.skip(element);
        continue;
      }
      const int64_t rest = checked_rest_count(element);
      cloud_ = new_cloud(static_cast<int64_t>(element.count), rest / 3);
      fill(body, element);
      return std::move(cloud_);  // elements after the vertices are not read
    }
    fail("has no element \"vertex\"");
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& key = "") const {
    throw UserError({.what_happened = what, .file = file_.string(), .key = key, .hint = kHint});
  }

  static bool has(const ply::Element& vertex, std::string_view name) {
    for (const ply::Property& p : vertex.properties) {
      if (!p.is_list && p.name == name) return true;
    }
    return false;
  }

  /// Checks that all properties of a Gaussian are present. Returns the number of f_rest_* properties.
  int64_t checked_rest_count(const ply::Element& vertex) const {
    std::string missing;
    const auto need = [&](const std::string& name) {
      if (!has(vertex, name)) missing += (missing.empty() ? "" : ", ") + name;
    };
    for (const std::string& name : ply::vertex_properties(/*rest_count=*/0)) {
      if (!ply::is_normal(name)) need(name);
    }
    int64_t rest = 0;
    for (const ply::Property& p : vertex.properties) rest += !p.is_list && number_after(p.name, "f_rest_") ? 1 : 0;
    if (rest != 0 && rest != 9 && rest != 24 && rest != 45) {
      fail(fmt::format("has {} properties f_rest_*; SH degrees 0 to 3 have 0, 9, 24 or 45", rest));
    }
    for (int64_t i = 0; i < rest; ++i) need(fmt::format("f_rest_{}", i));
    if (!missing.empty()) fail("lacks the vertex properties " + missing);
    if (vertex.count == 0) fail("holds no Gaussians");
    return rest;
  }

  Column column(const ply::Property& property) {
    const std::string& name = property.name;
    const auto at = [](torch::Tensor& x, int64_t offset) {
      return Column{x.data_ptr<float>() + offset, x.numel() / x.size(0)};
    };
    if (property.is_list) return {};
    if (name == "x" || name == "y" || name == "z") return at(cloud_.means, name[0] - 'x');
    if (name == "opacity") return at(cloud_.opacity_logits, 0);
    if (const auto i = number_after(name, "f_dc_"); i && *i < 3) return at(cloud_.sh_dc, *i);
    if (const auto i = number_after(name, "scale_"); i && *i < 3) return at(cloud_.log_scales, *i);
    if (const auto i = number_after(name, "rot_"); i && *i < 4) return at(cloud_.quats, *i);
    if (const auto i = number_after(name, "f_rest_")) {
      const int64_t coefficients = cloud_.sh_rest.size(1);  // the file is channel-major, sh_rest has channels last
      return at(cloud_.sh_rest, (*i % coefficients) * 3 + *i / coefficients);
    }
    return {};
  }

  void fill(ply::Body& body, const ply::Element& vertex) {
    std::vector<Column> columns;
    for (const ply::Property& property : vertex.properties) columns.push_back(column(property));
    body.read(vertex, [&](int64_t row, size_t property, double value) {
      const Column& to = columns[property];
      if (to.data == nullptr) return;
      const auto x = static_cast<float>(value);
      if (!std::isfinite(x)) {
        fail(fmt::format("vertex {} (from 0) is {}; every number must be finite", row, x),
             vertex.properties[property].name);
      }
      to.data[row * to.stride] = x;
    });
  }

  const fs::path& file_;
  std::string_view bytes_;
  const ply::Header& header_;
  gaussians::Cloud cloud_;
};

}  // namespace

gaussians::Cloud ply::decode(const fs::path& file, std::string_view bytes) {
  const Header header = parse_header(file, bytes);
  gaussians::Cloud cloud =
      is_compressed(header) ? decode_compressed(file, bytes, header) : GaussianReader(file, bytes, header).read();
  if (header.mip_filter) cloud.screen_filter = render::Filter::kMip;
  return cloud;
}

gaussians::Cloud read_ply(const fs::path& file) {
  const torch::NoGradGuard no_grad;
  const auto mapped = MappedFile::open(file, kExpectedGaussians);
  return ply::decode(file, mapped->bytes());
}

}  // namespace lucid::asset
