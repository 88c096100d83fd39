#!/usr/bin/env bash
# A picture with transparency (RGBA) is processed by CLIP's preprocessing. transformers 4.57 drops the alpha channel and uses the
# colours stored under transparent areas; 5.24 puts the picture on white. The same file therefore has two embeddings.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 4.57.3 5.24.0; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet "transformers==$version" numpy==2.4.6 pillow==12.0.0
  "$folder/$version/bin/python" -W ignore - 2> /dev/null <<'PY' | tee "$folder/$version.txt"
import numpy as np
import transformers
from PIL import Image

try:
    from transformers import CLIPImageProcessorPil as Processor
except ImportError:
    from transformers import CLIPImageProcessor as Processor

pixels = np.zeros((32, 32, 4), np.uint8)
pixels[..., 0] = 200
pixels[8:24, 8:24, 3] = 255  # red, with only a square in the middle opaque
processor = Processor(do_normalize=False, size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
read = processor(Image.fromarray(pixels, "RGBA"), return_tensors="np")["pixel_values"][0]
print("transformers", transformers.__version__, "reads the transparent corner as", (read[:, 0, 0] * 255).round().astype(int).tolist())
PY
done
grep -q '\[200, 0, 0\]' "$folder/4.57.3.txt"
grep -q '\[255, 255, 255\]' "$folder/5.24.0.txt"
echo "confirmed: one version uses the colour under transparent areas, the other white"
