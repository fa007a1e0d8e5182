// SPDX-License-Identifier: Apache-2.0
// Weight rows over the table of prompts.
#include "lucid/text_to_image/view_prompts.h"

#include <utility>

#include "lucid/base/error.h"

namespace lucid::text_to_image {

ViewPrompts::ViewPrompts(ViewAnchors anchors, const torch::Tensor& embeddings, const torch::Tensor& negative,
                         const torch::Tensor& inverse)
    : anchors_(std::move(anchors)),
      table_(torch::cat({embeddings, negative, inverse})),
      count_(static_cast<int64_t>(anchors_.anchors().size())) {
  LUCID_CHECK(table_.dim() == 3 && table_.size(0) == count_ + 2, "{} prompts for {} anchors", table_.size(0), count_);
}

void ViewPrompts::set_vectors(const torch::Tensor& vectors) {
  LUCID_CHECK(vectors.dim() == 2 && vectors.size(0) == table_.size(0), "{} vectors for {} prompts", vectors.size(0),
              table_.size(0));
  vectors_ = vectors.cpu();
}

void ViewPrompts::share_table(ViewPrompts& a, ViewPrompts& b) {
  LUCID_CHECK(a.table_.sizes().slice(1) == b.table_.sizes().slice(1), "embeddings of two networks");
  const int64_t first = a.table_.size(0);
  a.table_ = b.table_ = torch::cat({a.table_, b.table_});
  if (a.vectors_.defined()) a.vectors_ = b.vectors_ = torch::cat({a.vectors_, b.vectors_});
  b.first_ += first;
}

torch::Tensor ViewPrompts::one_hot(int64_t row) const {
  torch::Tensor weights = torch::zeros({1, table_.size(0)});
  weights[0][first_ + row] = 1;
  return weights;
}

torch::Tensor ViewPrompts::view_weights(const std::vector<Direction>& views) const {
  std::vector<double> azimuths, elevations;
  for (const Direction& view : views) {
    azimuths.push_back(view.azimuth);
    elevations.push_back(view.elevation);
  }
  return torch::constant_pad_nd(anchors_.weights(azimuths, elevations), {first_, table_.size(0) - first_ - count_});
}

torch::Tensor ViewPrompts::anchor_weights(const std::vector<size_t>& anchors) const {
  std::vector<torch::Tensor> rows;
  for (const size_t anchor : anchors) rows.push_back(one_hot(static_cast<int64_t>(anchor)));
  return torch::cat(rows);
}

torch::Tensor view_embeddings(const ViewPrompts& prompts, const std::vector<Direction>& views) {
  return prompts.mix(prompts.view_weights(views)).embeddings();
}

}  // namespace lucid::text_to_image
