// SPDX-License-Identifier: Apache-2.0
// View words as data: a table of anchors (azimuth, elevation, words) that a prior's folder may carry as views.json, and
// how a view's prompt is mixed from its neighbours among them.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lucid::text_to_image {

struct ViewAnchor {
  double azimuth = 0;    // degrees, 0 = front
  double elevation = 0;  // degrees above the horizon
  std::string words;     // ", front view": appended to the prompt as it is
};

/// Anchors stand in rings of equal elevation. Between the anchors of a ring the mix is linear in azimuth, between two
/// rings linear in elevation; below the lowest and above the highest ring that ring's own mix holds.
class ViewAnchors {
 public:
  /// Throws UserError (without a file): none or too many, equal directions, angles that are none.
  explicit ViewAnchors(std::vector<ViewAnchor> anchors);

  /// Stable Diffusion's and the reference's: front at 0, side at -90 and 90, back at 180, one ring.
  static ViewAnchors reference();
  /// views.json: {"anchors": [{"azimuth": 0, "elevation": 0, "words": ", front view"}, …]}. Throws UserError.
  static ViewAnchors read(const std::filesystem::path& views_json);
  /// `folder`/views.json where it exists, else reference().
  static ViewAnchors of_prior(const std::filesystem::path& folder);

  /// K of them, ring by ring from below, azimuth ascending in (-180,180].
  const std::vector<ViewAnchor>& anchors() const { return anchors_; }

  /// The anchors with a weight above 0 and their weights, which add up to 1; four at most.
  std::vector<std::pair<size_t, double>> mix(double azimuth, double elevation) const;
  /// Weights [B,K] float of B views.
  torch::Tensor weights(const std::vector<double>& azimuths, const std::vector<double>& elevations) const;

  /// Two neighbours of the ring nearest the horizon: `from` <= azimuth < `to`, going around; `fraction` of the way.
  struct Segment {
    size_t from = 0, to = 0;
    double fraction = 0;
  };
  Segment segment(double azimuth) const { return segment_of(rings_[level_ring_], azimuth); }
  size_t front() const { return front_; }  // of that ring, the anchor nearest azimuth 0

 private:
  struct Ring {
    size_t begin = 0, end = 0;
  };
  Segment segment_of(const Ring& ring, double azimuth) const;

  std::vector<ViewAnchor> anchors_;
  std::vector<Ring> rings_;
  size_t level_ring_ = 0, front_ = 0;
};

}  // namespace lucid::text_to_image
