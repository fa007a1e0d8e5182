// SPDX-License-Identifier: Apache-2.0
// The U-Net that a training begins with: of random weights, or a prior's.
#pragma once

#include "lucid/diffusion/unet.h"

namespace lucid::pretrain {

/// Makes a U-Net multi-view: it reads cameras, and draws diffusion::kJointViews views at once.
void make_multi_view(diffusion::UNetConfig& config);

/// Random weights, with which it predicts 0. Cameras change nothing: the last layer of their embedding is 0.
diffusion::UNet new_unet(const diffusion::UNetConfig& config);

/// A copy of a U-Net, to be trained further. If `multi_view`, it reads cameras, which change nothing at first if the
/// prior's did not.
diffusion::UNet further_unet(const diffusion::UNet& prior, bool multi_view);

}  // namespace lucid::pretrain
