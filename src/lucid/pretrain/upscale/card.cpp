// SPDX-License-Identifier: Apache-2.0
// Text of the upscaler's card.
#include "lucid/pretrain/upscale/card.h"

#include <fmt/format.h>

#include "lucid/base/atomic_file.h"
#include "lucid/pretrain/measured.h"

namespace lucid::pretrain {
void write_upscale_card(const UpscaleRequest& request) {
  write_file(
      request.out / "README.md",
      fmt::format("# An upscaler for the embedded prior\n\n"
                  "From a picture of the prior to one of {0} x {0} times its pixels, as the corpus' models look: "
                  "the last rounds of refining fit to these (`refine_fine`). Trained by\n\n    {1}\n\n"
                  "Files: upscale.json (sizes), upscale.safetensors (float16), progress/log.jsonl (every loss "
                  "and measurement).\n\n"
                  "## Numbers\n\n| what | value |\n|---|---|\n{2}\n"
                  "Authors and licences of the models: those of the embedded prior.\n",
                  request.factor, request.command,
                  measured_rows(request.out, "psnr",
                                {{"step", "steps"},
                                 {"seconds", "seconds since the run began or was resumed"},
                                 {"psnr", "PSNR of enlarged pictures of held-out items, dB"},
                                 {"bicubic_psnr", "the same by bicubic interpolation, dB"}})));
}

}  // namespace lucid::pretrain
