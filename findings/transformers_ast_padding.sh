#!/usr/bin/env bash
# The Audio Spectrogram Transformer's input is 10.24 s long. A shorter clip is padded with 0 after the logarithm, which does not
# mean silence but sound in every band, louder than noise at -20 dB. If the same clip is padded with zero samples before, its
# features differ.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==5.24.0
"$folder/venv/bin/python" -W ignore - 2> /dev/null <<'PY'
import numpy as np
import transformers
from transformers import ASTFeatureExtractor

RATE = 16000
noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
extractor = ASTFeatureExtractor()


def features(sound):
    return extractor(sound, sampling_rate=RATE, return_tensors="np")["input_values"][0]


print("transformers", transformers.__version__)
filled, by_hand = features(0.1 * noise), features(np.pad(0.1 * noise, (0, 10 * RATE)))
padding, silence = float(filled[-1].mean()), float(by_hand[500].mean())
print(f"after a clip of 1 s: features {padding:.2f}; in digital silence {silence:.2f}")
levels = {level: float(features(10 ** (level / 20) * noise)[:90].mean()) for level in (-60, -40, -30, -20, 0)}
print("in noise of a level in dB:", {level: round(value, 2) for level, value in levels.items()})
assert padding > silence + 1
assert padding > levels[-20]
assert np.abs(filled[:90] - by_hand[:90]).max() < 1e-4
PY
echo "confirmed: the padding of a short clip is far from silent"
