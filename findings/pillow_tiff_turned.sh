#!/usr/bin/env bash
# Pillow saves an uncompressed grey picture with the orientation tag of a scan that lies on its side, and opens it again. If it is
# opened by name, width and height are swapped after loading and the rows are split in the wrong places; from a file object,
# compressed, or in RGB it is correct.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import io
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

random = np.random.default_rng(0)
ORIENTATION, LIES_ON_ITS_SIDE = 274, 6
print("Pillow", PIL.__version__)


def read(place, wanted):
    with Image.open(place) as image:
        image.load()
        pixels = np.asarray(image)
    return "right" if pixels.shape == wanted.shape and (pixels == wanted).all() else f"wrong, shape {pixels.shape[:2]}"


seen = {}
for mode, kind, channels in (("L", np.uint8, ()), ("I;16", np.uint16, ()), ("RGBA", np.uint8, (4,)), ("RGB", np.uint8, (3,))):
    pixels = random.integers(0, 256, (20, 30, *channels)).astype(kind)
    turned = np.rot90(pixels, -1)
    for compression in ("raw", "tiff_adobe_deflate"):
        Image.fromarray(pixels).save("scan.tif", tiffinfo={ORIENTATION: LIES_ON_ITS_SIDE}, compression=compression)
        found = read("scan.tif", turned), read(io.BytesIO(Path("scan.tif").read_bytes()), turned)
        seen[mode, compression] = found
        print(f"{mode}, {compression}, wanted {turned.shape[:2]}: by name {found[0]}; from a file object {found[1]}")
wrong = {key for key, found in seen.items() if found[0] != "right"}
assert wrong == {(mode, "raw") for mode in ("L", "I;16", "RGBA")}
assert all(found[1] == "right" for found in seen.values())
PY
echo "confirmed: an uncompressed rotated TIFF that is opened by name has its rows split in the wrong places"
