// SPDX-License-Identifier: Apache-2.0
// Reads views.json, sorts anchors into rings, and computes interpolation weights.
#include "lucid/text_to_image/view_anchors.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"

namespace lucid::text_to_image {
namespace {

constexpr size_t kMaxAnchors = 64;  // a run holds an embedding of each

// Degrees, wrapped to (-180, 180].
double wrapped_azimuth(double azimuth) {
  const double turned = std::remainder(azimuth, 360.0);
  return turned == -180 ? 180 : turned;
}

}  // namespace

ViewAnchors::ViewAnchors(std::vector<ViewAnchor> anchors) : anchors_(std::move(anchors)) {
  const auto refuse = [](const std::string& what) { throw UserError({.what_happened = what, .key = "anchors"}); };
  if (anchors_.empty() || anchors_.size() > kMaxAnchors) refuse(fmt::format("1 to {} are possible", kMaxAnchors));
  for (ViewAnchor& anchor : anchors_) {
    if (!std::isfinite(anchor.azimuth) || !(std::abs(anchor.elevation) <= 90)) refuse("an angle is out of range");
    anchor.azimuth = wrapped_azimuth(anchor.azimuth);
  }
  std::ranges::sort(anchors_, {}, [](const ViewAnchor& a) { return std::pair(a.elevation, a.azimuth); });
  for (size_t i = 0; i < anchors_.size(); ++i) {
    const bool same_ring = i > 0 && anchors_[i].elevation == anchors_[i - 1].elevation;
    if (same_ring && anchors_[i].azimuth == anchors_[i - 1].azimuth) {
      refuse(fmt::format("two stand at azimuth {}, elevation {}", anchors_[i].azimuth, anchors_[i].elevation));
    }
    if (!same_ring) rings_.push_back({.begin = i, .end = i});
    ++rings_.back().end;
  }
  const auto height = [&](const Ring& ring) { return std::abs(anchors_[ring.begin].elevation); };
  level_ring_ = static_cast<size_t>(std::ranges::min_element(rings_, {}, height) - rings_.begin());
  const auto level = rings_[level_ring_];
  front_ = level.begin;
  for (size_t i = level.begin; i < level.end; ++i) {
    if (std::abs(anchors_[i].azimuth) < std::abs(anchors_[front_].azimuth)) front_ = i;
  }
}

ViewAnchors ViewAnchors::reference() {
  return ViewAnchors(
      {{-90, 0, ", side view"}, {0, 0, ", front view"}, {90, 0, ", side view"}, {180, 0, ", back view"}});
}

ViewAnchors ViewAnchors::read(const std::filesystem::path& views_json) {
  const nlohmann::json json = read_json_object(views_json);
  const auto refuse = [&](const std::string& what) {
    throw UserError({.what_happened = what,
                     .file = views_json.string(),
                     .key = "anchors",
                     .hint = R"({"anchors": [{"azimuth": 0, "elevation": 0, "words": ", front view"}, ...]})"});
  };
  const auto list = json.find("anchors");
  if (list == json.end() || !list->is_array()) refuse("a list was expected");
  std::vector<ViewAnchor> anchors;
  for (const auto& entry : *list) {
    if (!entry.is_object() || !entry.contains("azimuth") || !entry["azimuth"].is_number() ||
        !entry.contains("elevation") || !entry["elevation"].is_number() || !entry.contains("words") ||
        !entry["words"].is_string()) {
      refuse("an anchor has two angles in degrees and words");
    }
    anchors.push_back({.azimuth = entry["azimuth"], .elevation = entry["elevation"], .words = entry["words"]});
  }
  try {
    return ViewAnchors(std::move(anchors));
  } catch (const UserError& error) {
    refuse(error.mistake().what_happened);
    throw;  // not reached
  }
}

ViewAnchors ViewAnchors::of_prior(const std::filesystem::path& folder) {
  std::error_code none;
  return std::filesystem::exists(folder / "views.json", none) ? read(folder / "views.json") : reference();
}

ViewAnchors::Segment ViewAnchors::segment_of(const Ring& ring, double azimuth) const {
  azimuth = wrapped_azimuth(azimuth);
  // The last anchor at or before the azimuth; if there is none, the ring's last one (cyclic).
  size_t from = ring.end - 1;
  for (size_t i = ring.begin; i < ring.end && anchors_[i].azimuth <= azimuth; ++i) from = i;
  const size_t to = from + 1 == ring.end ? ring.begin : from + 1;
  if (from == to) return {.from = from, .to = to, .fraction = 0};
  const auto ahead = [](double of, double before) { return std::fmod(of - before + 720, 360.0); };
  return {.from = from,
          .to = to,
          .fraction = ahead(azimuth, anchors_[from].azimuth) / ahead(anchors_[to].azimuth, anchors_[from].azimuth)};
}

std::vector<std::pair<size_t, double>> ViewAnchors::mix(double azimuth, double elevation) const {
  const auto height = [&](size_t ring) { return anchors_[rings_[ring].begin].elevation; };
  size_t below = 0;
  while (below + 1 < rings_.size() && height(below + 1) <= elevation) ++below;
  const size_t above = std::min(below + 1, rings_.size() - 1);
  const double share_above =
      above == below ? 0 : std::clamp((elevation - height(below)) / (height(above) - height(below)), 0.0, 1.0);
  std::vector<std::pair<size_t, double>> result;
  for (const auto& [ring, share] : {std::pair{below, 1 - share_above}, {above, share_above}}) {
    const Segment part = segment_of(rings_[ring], azimuth);
    if (share * (1 - part.fraction) > 0) result.emplace_back(part.from, share * (1 - part.fraction));
    if (share * part.fraction > 0) result.emplace_back(part.to, share * part.fraction);
  }
  return result;
}

torch::Tensor ViewAnchors::weights(const std::vector<double>& azimuths, const std::vector<double>& elevations) const {
  LUCID_CHECK(azimuths.size() == elevations.size(), "{} azimuths, {} elevations", azimuths.size(), elevations.size());
  const auto columns = static_cast<int64_t>(anchors_.size());
  const torch::Tensor result = torch::zeros({static_cast<int64_t>(azimuths.size()), columns});
  float* row = result.data_ptr<float>();
  for (size_t view = 0; view < azimuths.size(); ++view, row += columns) {
    for (const auto& [anchor, weight] : mix(azimuths[view], elevations[view]))
      row[anchor] += static_cast<float>(weight);
  }
  return result;
}

}  // namespace lucid::text_to_image
