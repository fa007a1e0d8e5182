// SPDX-License-Identifier: Apache-2.0
// What the loaders of a prior share: freezing its networks, and whether they belong together.
#pragma once

#include <filesystem>

#include "lucid/text_to_image/prior.h"

namespace lucid::text_to_image {

template <class Module>
Module frozen(Module module) {
  module->eval();
  for (torch::Tensor& parameter : module->parameters()) parameter.set_requires_grad(false);
  return module;
}

/// Throws UserError, with `file`, where the widths of text encoder, U-Net and VAE do not fit one another.
void check_compatible(const Prior& prior, const std::filesystem::path& file);

/// sample_size of a U-Net's config.json, in latent pixels: a number, or two equal ones. Throws UserError.
int64_t sample_size(const std::filesystem::path& file);

}  // namespace lucid::text_to_image
