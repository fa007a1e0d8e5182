// SPDX-License-Identifier: Apache-2.0
// The encoder in shares and in bfloat16 against the VAE under plain autograd.
#include "lucid/diffusion/picture_encoder.h"

#include <gtest/gtest.h>

#include "lucid/diffusion/golden_test.h"

namespace lucid::diffusion {
namespace {

struct EncoderCase {
  Vae vae = nullptr;
  torch::Tensor picture = {}, d_moments = {}, moments = {}, d_picture = {};
};

EncoderCase make_encoder_case() {
  EncoderCase c;
  c.vae = load_vae(test::sd_folder() / test::pipelines().front() / "vae");
  for (torch::Tensor& parameter : c.vae->parameters()) parameter.set_requires_grad(false);
  torch::manual_seed(6);
  c.picture = torch::rand({5, 3, 32, 24});
  const torch::Tensor leaf = c.picture.clone().requires_grad_();
  const torch::Tensor moments = c.vae->encode_moments(leaf * 2 - 1);
  c.d_moments = torch::randn_like(moments);
  moments.backward(c.d_moments);
  c.moments = moments.detach();
  c.d_picture = leaf.grad();
  return c;
}

TEST(PictureEncoder, SharesAreTheWholeBatch) {
  const EncoderCase c = make_encoder_case();
  for (const int64_t workers : {1, 2, 5, 6}) {
    PictureEncoder encoder(c.vae, {.workers = workers});
    for (int again = 0; again < 2; ++again) {
      const torch::Tensor moments = encoder.encode(c.picture);
      EXPECT_FALSE(moments.requires_grad());
      EXPECT_LT(tensor::relative_max_error(moments, c.moments), 1e-5) << workers;
      EXPECT_LT(tensor::relative_max_error(encoder.backward(c.d_moments), c.d_picture), 1e-5) << workers;
    }
  }
}

TEST(PictureEncoder, LittleMemoryIsTheSame) {
  const EncoderCase c = make_encoder_case();
  for (const int64_t workers : {1, 2, 6}) {
    PictureEncoder encoder(c.vae, {.workers = workers, .low_memory = true});
    EXPECT_LT(tensor::relative_max_error(encoder.encode(c.picture), c.moments), 1e-5) << workers;
    EXPECT_LT(tensor::relative_max_error(encoder.backward(c.d_moments), c.d_picture), 1e-5) << workers;
  }
}

TEST(PictureEncoder, WorksWhereTheCallerWantsNoGradients) {
  const EncoderCase c = make_encoder_case();
  const torch::NoGradGuard no_grad;
  PictureEncoder encoder(c.vae, {.workers = 2});
  encoder.encode(c.picture);
  EXPECT_LT(tensor::relative_max_error(encoder.backward(c.d_moments), c.d_picture), 1e-5);
}

TEST(PictureEncoder, Bfloat16IsCloseToFloat) {
  const EncoderCase c = make_encoder_case();
  PictureEncoder encoder(c.vae, {.dtype = torch::kBFloat16, .workers = 2});
  const torch::Tensor moments = encoder.encode(c.picture), d_picture = encoder.backward(c.d_moments);
  EXPECT_EQ(moments.scalar_type(), torch::kFloat);
  EXPECT_EQ(d_picture.scalar_type(), torch::kFloat);
  const double off = ((moments - c.moments).norm() / c.moments.norm()).item<double>();
  const double gradient_off = ((d_picture - c.d_picture).norm() / c.d_picture.norm()).item<double>();
  std::printf("  bfloat16: moments off by %.2e of their norm, gradient by %.2e\n", off, gradient_off);
  EXPECT_LT(off, 0.03);
  EXPECT_LT(gradient_off, 0.05);
  EXPECT_GT(off, 0);
}

}  // namespace
}  // namespace lucid::diffusion
