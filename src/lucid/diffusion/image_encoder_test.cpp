// SPDX-License-Identifier: Apache-2.0
// ImageEncoder, with several workers, low memory and bfloat16, against the VAE under autograd.
#include "lucid/diffusion/image_encoder.h"

#include <gtest/gtest.h>

#include "lucid/diffusion/golden_test.h"
#include "lucid/tensor/freeze.h"

namespace lucid::diffusion {
namespace {

struct EncoderCase {
  Vae vae = nullptr;
  torch::Tensor image = {}, d_moments = {}, moments = {}, d_image = {};
};

EncoderCase make_encoder_case() {
  EncoderCase c;
  c.vae = load_vae(test::sd_folder() / test::pipelines().front() / "vae");
  tensor::freeze(c.vae);
  torch::manual_seed(6);
  c.image = torch::rand({5, 3, 32, 24});
  const torch::Tensor leaf = c.image.clone().requires_grad_();
  const torch::Tensor moments = c.vae->encode_moments(leaf * 2 - 1);
  c.d_moments = torch::randn_like(moments);
  moments.backward(c.d_moments);
  c.moments = moments.detach();
  c.d_image = leaf.grad();
  return c;
}

TEST(ImageEncoder, WorkersGiveTheWholeBatch) {
  const EncoderCase c = make_encoder_case();
  for (const int64_t workers : {1, 2, 5, 6}) {
    ImageEncoder encoder(c.vae, {.workers = workers});
    for (int again = 0; again < 2; ++again) {
      const torch::Tensor moments = encoder.encode(c.image);
      EXPECT_FALSE(moments.requires_grad());
      EXPECT_LT(tensor::relative_max_error(moments, c.moments), 1e-5) << workers;
      EXPECT_LT(tensor::relative_max_error(encoder.backward(c.d_moments), c.d_image), 1e-5) << workers;
    }
  }
}

TEST(ImageEncoder, LowMemoryGivesTheSame) {
  const EncoderCase c = make_encoder_case();
  for (const int64_t workers : {1, 2, 6}) {
    ImageEncoder encoder(c.vae, {.workers = workers, .low_memory = true});
    EXPECT_LT(tensor::relative_max_error(encoder.encode(c.image), c.moments), 1e-5) << workers;
    EXPECT_LT(tensor::relative_max_error(encoder.backward(c.d_moments), c.d_image), 1e-5) << workers;
  }
}

TEST(ImageEncoder, LargePicturesArePartByPartAndTheSame) {
  const Vae vae = load_vae(test::sd_folder() / test::pipelines().front() / "vae");
  tensor::freeze(vae);
  torch::manual_seed(6);
  const torch::Tensor image = torch::rand({2, 3, 520, 512});
  ImageEncoder usual(vae, {}), sparing(vae, {.workers = 2, .low_memory = true});
  const torch::Tensor moments = usual.encode(image);
  const torch::Tensor d_moments = torch::randn_like(moments);
  EXPECT_LT(tensor::relative_max_error(sparing.encode(image), moments), 1e-5);
  EXPECT_LT(tensor::relative_max_error(sparing.backward(d_moments), usual.backward(d_moments)), 1e-5);
}

TEST(ImageEncoder, WorksUnderNoGradGuard) {
  const EncoderCase c = make_encoder_case();
  const torch::NoGradGuard no_grad;
  ImageEncoder encoder(c.vae, {.workers = 2});
  encoder.encode(c.image);
  EXPECT_LT(tensor::relative_max_error(encoder.backward(c.d_moments), c.d_image), 1e-5);
}

TEST(ImageEncoder, Bfloat16IsCloseToFloat) {
  const EncoderCase c = make_encoder_case();
  ImageEncoder encoder(c.vae, {.dtype = torch::kBFloat16, .workers = 2});
  const torch::Tensor moments = encoder.encode(c.image), d_image = encoder.backward(c.d_moments);
  EXPECT_EQ(moments.scalar_type(), torch::kFloat);
  EXPECT_EQ(d_image.scalar_type(), torch::kFloat);
  const double error = ((moments - c.moments).norm() / c.moments.norm()).item<double>();
  const double gradient_error = ((d_image - c.d_image).norm() / c.d_image.norm()).item<double>();
  std::printf("  bfloat16: relative error of moments %.2e, of gradient %.2e\n", error, gradient_error);
  EXPECT_LT(error, 0.03);
  EXPECT_LT(gradient_error, 0.05);
  EXPECT_GT(error, 0);
}

}  // namespace
}  // namespace lucid::diffusion
