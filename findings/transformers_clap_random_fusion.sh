#!/usr/bin/env bash
# CLAP's feature extractor marks clips that are longer than 10 s, for its feature fusion. In a batch of short clips none is
# longer, but by default one of them, chosen at random at each call, is marked nevertheless and processed differently by CLAP.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 transformers==5.24.0
"$folder/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import transformers
from transformers import ClapFeatureExtractor

extractor = ClapFeatureExtractor()
clips = [np.sin(np.arange(48000) / (20 + clip)).astype(np.float32) for clip in range(4)]
np.random.seed(0)
marked = [extractor(clips, sampling_rate=48000, return_tensors="np")["is_longer"].ravel().tolist() for _ in range(20)]
alone = extractor(clips[:1], sampling_rate=48000, return_tensors="np")["is_longer"].ravel().tolist()
places = sorted({row.index(True) for row in marked})
print("transformers", transformers.__version__, "truncation", extractor.truncation)
print("20 calls with the same four clips of 1 s: one is marked as longer each time, at index", places, "; a clip alone:", alone)
assert all(sum(row) == 1 for row in marked)
assert len(places) > 1
assert alone == [True]
PY
echo "confirmed: a short clip, another one each time, is marked as longer than 10 s"
