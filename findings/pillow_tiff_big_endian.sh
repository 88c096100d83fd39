#!/usr/bin/env bash
# Pillow reads a big-endian float TIFF (as ImageJ and tifffile write them) correctly if it is not compressed. If it is compressed
# losslessly, its bytes are swapped twice: values of 0 to 1 become values up to 1e38.
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
wrong = set()
for kind, values in (("float32", np.linspace(0, 1, 600, dtype=np.float32)), ("int32", np.arange(600, dtype=np.int32))):
    values = values.reshape(20, 30)
    for order in ("<", ">"):
        for compression in (None, "zlib", "lzw"):
            tifffile.imwrite("a.tif", values, byteorder=order, compression=compression, photometric="minisblack")
            with Image.open("a.tif") as image:
                read = np.asarray(image)
            assert np.array_equal(tifffile.imread("a.tif"), values)
            if not np.array_equal(read, values):
                wrong.add((kind, order, compression))
                print(f"{kind} {order} {compression}: {values[0, 5]:.4g} is read as {read[0, 5]:.4g}")
assert wrong == {(kind, ">", compression) for kind in ("float32", "int32") for compression in ("zlib", "lzw")}
PY
echo "confirmed: compressed big-endian samples of 32 bits have their bytes swapped twice"
