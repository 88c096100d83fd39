#!/usr/bin/env bash
# A grey scan with 16 bits (a PNG, as scanners and cameras save it) is processed by CLIP's preprocessing: all but its darkest
# tones become white. As float (mode F, 0 to 1) it becomes black. There is no error and no warning.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.24.0 numpy==2.4.6 pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" -W error::UserWarning - 2> warnings.txt <<'PY'
import numpy as np
import PIL
import transformers
from PIL import Image
from transformers import CLIPImageProcessorPil

print("transformers", transformers.__version__, "Pillow", PIL.__version__)
ramp = np.repeat(np.linspace(0, 1, 224)[None], 224, 0)
Image.fromarray(np.rint(ramp * 255).astype(np.uint8)).save("8.png")
Image.fromarray(np.rint(ramp * 65535).astype(np.uint16)).save("16.png")
Image.fromarray(ramp.astype(np.float32)).save("float.tif")
processor = CLIPImageProcessorPil(do_normalize=False)
means = {}
for name in ("8.png", "16.png", "float.tif"):
    with Image.open(name) as image:
        means[name] = float(processor(image, return_tensors="np")["pixel_values"].mean())
        print(f"{name}, mode {image.mode}: mean of CLIP's input pixels {means[name]:.3f}")
assert abs(means["8.png"] - 0.5) < 0.01
assert means["16.png"] > 0.98
assert means["float.tif"] < 0.01
PY
echo "confirmed: a ramp is correct with 8 bits, white with 16 and black as floats"
