#!/usr/bin/env bash
# One grey scan, a ramp from black to white, is written by tifffile with 8, 12 and 16 bits, as a positive and as a negative
# (marked by the tag MinIsWhite), and read by Pillow. Only 8 bits are inverted; 12 bits are not scaled up, so they use only the
# lowest sixteenth of the range; and in RGB everything above 255 becomes white.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import PIL
import tifffile
from PIL import Image

print("Pillow", PIL.__version__, "tifffile", tifffile.__version__)
found = {}
for bits in (8, 12, 16):
    ramp = np.rint(np.linspace(0, 2**bits - 1, 5)).astype(np.uint8 if bits == 8 else np.uint16)
    ramp = np.repeat(ramp[None], 4, 0)
    for photometric in ("minisblack", "miniswhite"):
        stored = ramp if photometric == "minisblack" else (2**bits - 1 - ramp).astype(ramp.dtype)
        tifffile.imwrite("a.tif", stored, photometric=photometric, bitspersample=bits)
        try:
            with Image.open("a.tif") as image:
                samples, colours = np.asarray(image)[0].tolist(), np.asarray(image.convert("RGB"))[0, :, 0].tolist()
        except Image.UnidentifiedImageError as error:
            samples, colours = "refused", "refused"
        found[bits, photometric] = samples, colours
        print(f"black to white, {bits} bits, {photometric}: read as {samples}, in RGB {colours}")
assert found[8, "minisblack"][0] == found[8, "miniswhite"][0] == [0, 64, 128, 191, 255]
assert found[12, "minisblack"][0] == [0, 1024, 2048, 3071, 4095]
assert found[16, "miniswhite"][0] == [65535, 49151, 32767, 16384, 0], "16 bits are inverted"
assert found[16, "minisblack"][1] == [0, 255, 255, 255, 255]
PY
echo "confirmed: 8 bits are read correctly, 16 as a negative, 12 nearly black, and both become white in RGB"
