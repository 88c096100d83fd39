#!/usr/bin/env bash
# A pipeline is put into float16, saved, and loaded again without a dtype. Half of it comes back in float16, half in float32:
# transformers takes what the file has, diffusers float32. Asked for pickles, diffusers writes them and transformers doesn't.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 diffusers==0.42.1 transformers==5.24.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY' 2> /dev/null
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, DDIMScheduler, DiffusionPipeline, UNet2DConditionModel
from diffusers.pipelines.audioldm.pipeline_audioldm import AudioLDMPipeline
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

sizes = {"model_in_dim": 8, "upsample_initial_channel": 16, "upsample_rates": [5, 4], "upsample_kernel_sizes": [16, 8]}
blocks = {"block_out_channels": (32,), "sample_size": 8}
pipeline = AudioLDMPipeline(
    vae=AutoencoderKL(block_out_channels=(32,)),
    unet=UNet2DConditionModel(**blocks, down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",)),
    vocoder=SpeechT5HifiGan(SpeechT5HifiGanConfig(**sizes)),
    scheduler=DDIMScheduler(),
    text_encoder=None,
    tokenizer=None,
)
pipeline.to(torch.float16).save_pretrained("half")
loaded = DiffusionPipeline.from_pretrained("half", text_encoder=None, tokenizer=None)
found = {name: str(getattr(loaded, name).dtype) for name in ("vae", "unet", "vocoder")}
pipeline.save_pretrained("pickled", safe_serialization=False)
written = sorted(str(path) for path in Path("pickled").glob("*/*model.*"))
print("diffusers", diffusers.__version__, "transformers", transformers.__version__)
print("saved in float16, loaded as", found)
print("safe_serialization=False writes", ", ".join(written))
assert found == {"vae": "torch.float32", "unet": "torch.float32", "vocoder": "torch.float16"}
assert {Path(path).suffix for path in written} == {".bin", ".safetensors"}
PY
echo "holds: one folder, two precisions and two formats"
