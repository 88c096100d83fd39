#!/usr/bin/env bash
# The scale-invariant signal-to-distortion ratio of a pair is measured, and again with both sounds made softer. An absolute constant
# of 1.2e-7 prevents 0/0, so the ratio of soft sounds is too low: by 18 dB for a distortion of -60 dB in a sound at -66 dBFS, as in
# fade-outs. scale_invariant_signal_noise_ratio and signal_noise_ratio do the same; in float64 the constant is 2.2e-16.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 torchmetrics==1.9.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
import torchmetrics
from torchmetrics.functional.audio import (
    scale_invariant_signal_distortion_ratio, scale_invariant_signal_noise_ratio, signal_noise_ratio,
)

sound = 0.5 * torch.sin(torch.arange(16000) / 20)  # 1 s at 16 kHz, peak -6 dBFS
noise = torch.randn(16000, generator=torch.Generator().manual_seed(0)) * sound.std()
print("torchmetrics", torchmetrics.__version__, "torch", torch.__version__)
found = {}
for measure in (scale_invariant_signal_distortion_ratio, scale_invariant_signal_noise_ratio, signal_noise_ratio):
    for down in (0, 40, 60):
        gain = 10 ** (-down / 20)
        found[measure.__name__, down] = [
            round(float(measure(gain * (sound + noise * 10 ** (-ratio / 20)), gain * sound)), 1) for ratio in (20, 40, 60)
        ]
        print(f"{measure.__name__}, both {down} dB down: {found[measure.__name__, down]} for distortions of 20, 40 and 60 dB")
exact = float(scale_invariant_signal_distortion_ratio(1e-3 * (sound + noise * 1e-3).double(), 1e-3 * sound.double()))
print(f"the last of the first in float64: {exact:.1f}")
for (_, down), (coarse, fine, finest) in found.items():
    assert abs(coarse - 20) < 0.3
    assert (abs(finest - 60) < 0.3) == (down == 0)
    assert (finest < 45) == (down == 60)
assert abs(exact - 60) < 0.3
PY
echo "confirmed: a scale-invariant ratio of soft sounds decreases with their level"
