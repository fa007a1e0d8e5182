// SPDX-License-Identifier: Apache-2.0
// View anchors: a table of view directions (azimuth, elevation) and the words that describe them in a prompt, and the
// interpolation weights of any direction between anchors. A prior's folder may hold its own table, views.json.
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

/// Anchors lie on rings of equal elevation. Weights are linear in azimuth between the anchors of a ring, and linear in
/// elevation between two rings. Below the lowest ring and above the highest one that ring alone is used.
class ViewAnchors {
 public:
  /// Throws UserError without a file name: no anchor, more than 64, two equal directions, an invalid angle.
  explicit ViewAnchors(std::vector<ViewAnchor> anchors);

  /// The anchors of the reference system, for Stable Diffusion: one ring, front at 0, side at -90 and 90, back at 180.
  static ViewAnchors reference();
  /// views.json: {"anchors": [{"azimuth": 0, "elevation": 0, "words": ", front view"}, …]}. Throws UserError.
  static ViewAnchors read(const std::filesystem::path& views_json);
  /// `folder`/views.json where it exists, else reference().
  static ViewAnchors of_prior(const std::filesystem::path& folder);

  /// The K anchors, sorted by elevation, then by azimuth in (-180,180].
  const std::vector<ViewAnchor>& anchors() const { return anchors_; }

  /// Indices and weights of the anchors around a direction (degrees): at most four, weights above 0 that sum to 1.
  std::vector<std::pair<size_t, double>> mix(double azimuth, double elevation) const;
  /// mix() of B directions as a matrix [B,K], float, on the CPU.
  torch::Tensor weights(const std::vector<double>& azimuths, const std::vector<double>& elevations) const;

  /// Two neighbouring anchors on a ring with `from` <= azimuth < `to` (cyclic), and the azimuth's `fraction` of the way
  /// between them. segment() is of the ring nearest the horizon.
  struct Segment {
    size_t from = 0, to = 0;
    double fraction = 0;
  };
  Segment segment(double azimuth) const { return segment_of(rings_[level_ring_], azimuth); }
  size_t front() const { return front_; }  // on that ring, the anchor nearest azimuth 0

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
