# SPDX-License-Identifier: Apache-2.0
"""Makes this folder's model and golden.safetensors with transformers (written with 5.24, torch 2.13).

python tests/data/clip/make.py       from the repository's root
"""
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

HERE = pathlib.Path(__file__).parent
TOKENIZER = HERE.parent.parent / "goldens/sd/tiny-sd1/tokenizer"
PROMPTS = ["a teapot", "a blue teapot", "", "a photograph of a red car, back view"]

torch.manual_seed(0)
tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
config = CLIPConfig(
    projection_dim=24,
    text_config=dict(
        vocab_size=len(json.load(open(TOKENIZER / "vocab.json"))), hidden_size=32, intermediate_size=48,
        num_hidden_layers=2, num_attention_heads=4, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id),
    vision_config=dict(hidden_size=40, intermediate_size=56, num_hidden_layers=2, num_attention_heads=5,
                       image_size=32, patch_size=8),
)
model = CLIPModel(config).eval()
with torch.no_grad():  # biases and norms that are not their initial 0 and 1, so that a forgotten one shows
    for parameter in model.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
model.save_pretrained(HERE)
(HERE / "generation_config.json").unlink(missing_ok=True)
for name in ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"):
    shutil.copy(TOKENIZER / name, HERE / name)

pictures = torch.rand(3, 3, 32, 32)
mean = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(3, 1, 1)  # as CLIPImageProcessor has them
std = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(3, 1, 1)
ids = tokenizer(PROMPTS, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
with torch.no_grad():
    out = model(input_ids=ids, pixel_values=(pictures - mean) / std)
save_file({"pictures": pictures, "picture_features": out.image_embeds, "text_features": out.text_embeds},
          HERE / "golden.safetensors", metadata={"prompts": json.dumps(PROMPTS)})
