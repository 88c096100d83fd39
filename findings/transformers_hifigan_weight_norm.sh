#!/usr/bin/env bash
# SpeechT5HifiGan has apply_weight_norm and remove_weight_norm. The second cannot undo the first, and a vocoder saved between them
# loads without an error, with newly initialised convolutions.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==5.24.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY' 2> /dev/null
import torch
import transformers
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

torch.manual_seed(0)
sizes = {"model_in_dim": 8, "upsample_initial_channel": 32, "upsample_rates": [5, 4], "upsample_kernel_sizes": [16, 8]}
vocoder = SpeechT5HifiGan(SpeechT5HifiGanConfig(**sizes)).eval()
before = vocoder.conv_pre.weight.detach().clone()
vocoder.apply_weight_norm()
same = torch.allclose(vocoder.conv_pre.weight, before, atol=1e-6)
vocoder.save_pretrained("saved")
try:
    vocoder.remove_weight_norm()
    undone = "undone"
except ValueError as error:
    undone = f"ValueError: {str(error)[:40]}..."
loaded = SpeechT5HifiGan.from_pretrained("saved")
off = float((loaded.conv_pre.weight - before).norm() / before.norm())
print("transformers", transformers.__version__)
print(f"weights unchanged by apply_weight_norm: {same}; remove_weight_norm: {undone}; loaded again, off by {off:.2f}")
assert same
assert undone != "undone", "remove_weight_norm works again"
assert off > 0.5, "the saved weights are read again"
PY
echo "confirmed: a vocoder saved under weight norm loads with other weights, without an error"
