// SPDX-License-Identifier: Apache-2.0
// SHA-256 of published checkpoints. Source: the table `model_map` in helpers/model_load.py of
// github.com/deforum-art/deforum-stable-diffusion, commit 00faa21b235f3c9c2e9dfbd8c36cfa4965b21e2d; the six of 1.x
// beside sd-v1-4-full-ema also stand in src/deforum_video/model_map.py of github.com/lmmx/deforum-stable-diffusion.
#include <array>

#include "lucid/text_to_image/weights_description.h"

namespace lucid::text_to_image {
namespace {

struct PublishedFile {
  const char *sha256, *name;
};

constexpr std::array kPublished = {PublishedFile{"ad2a33c361c1f593c4a1fb32ea81afce2b5bb7d1983c6b94793a26a3b54b08a0",
                                                 "v2-1_768-ema-pruned.ckpt, Stable Diffusion 2.1 (v-prediction)"},
                                   PublishedFile{"88ecb782561455673c4b78d05093494b9c539fc6bfc08f3a9a4a0dd7b0b10f36",
                                                 "v2-1_512-ema-pruned.ckpt, Stable Diffusion 2.1 base (epsilon)"},
                                   PublishedFile{"bfcaf0755797b0c30eb00a3787e8b423eb1f5decd8de76c4d824ac2dd27e139f",
                                                 "768-v-ema.ckpt, Stable Diffusion 2.0 (v-prediction)"},
                                   PublishedFile{"d635794c1fedfdfa261e065370bea59c651fc9bfa65dc6d67ad29e11869a1824",
                                                 "512-base-ema.ckpt, Stable Diffusion 2.0 base (epsilon)"},
                                   PublishedFile{"e1441589a6f3c5a53f5f54d0975a18a7feb7cdf0b0dee276dfc3331ae376a053",
                                                 "v1-5-pruned.ckpt, Stable Diffusion 1.5"},
                                   PublishedFile{"cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516",
                                                 "v1-5-pruned-emaonly.ckpt, Stable Diffusion 1.5"},
                                   PublishedFile{"14749efc0ae8ef0329391ad4436feb781b402f4fece4883c7ad8d10556d8a36a",
                                                 "sd-v1-4-full-ema.ckpt, Stable Diffusion 1.4"},
                                   PublishedFile{"fe4efff1e174c627256e44ec2991ba279b3816e364b49f9be2abc0b3ff3f8556",
                                                 "sd-v1-4.ckpt, Stable Diffusion 1.4"},
                                   PublishedFile{"54632c6e8a36eecae65e36cb0595fab314e1a1545a65209f24fde221a8d4b2ca",
                                                 "sd-v1-3-full-ema.ckpt, Stable Diffusion 1.3"},
                                   PublishedFile{"2cff93af4dcc07c3e03110205988ff98481e86539c51a8098d4f2236e41f7f2f",
                                                 "sd-v1-3.ckpt, Stable Diffusion 1.3"},
                                   PublishedFile{"bc5086a904d7b9d13d2a7bccf38f089824755be7261c7399d92e555e1e9ac69a",
                                                 "sd-v1-2-full-ema.ckpt, Stable Diffusion 1.2"},
                                   PublishedFile{"3b87d30facd5bafca1cbed71cfb86648aad75d1c264663c0cc78c7aea8daec0d",
                                                 "sd-v1-2.ckpt, Stable Diffusion 1.2"},
                                   PublishedFile{"efdeb5dc418a025d9a8cc0a8617e106c69044bc2925abecc8a254b2910d69829",
                                                 "sd-v1-1-full-ema.ckpt, Stable Diffusion 1.1"},
                                   PublishedFile{"86cd1d3ccb044d7ba8db743d717c9bac603c4043508ad2571383f954390f3cea",
                                                 "sd-v1-1.ckpt, Stable Diffusion 1.1"}};

}  // namespace

std::string published_name(const std::string& sha256) {
  for (const auto& [hash, name] : kPublished) {
    if (sha256 == hash) return name;
  }
  return "";
}

}  // namespace lucid::text_to_image
