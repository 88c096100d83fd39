#!/usr/bin/env bash
# The function passed to map returns each picture unchanged. If the table contains the file's bytes (as Parquet does), a JPEG is
# encoded again at Pillow's default quality of 75: an eighth of the bytes, other pixels, no profile. If the table contains a path,
# nothing changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pyarrow==26.0.1 pillow==13.0.0 numpy==2.4.6
cd "$folder"
export HF_HUB_OFFLINE=1 HF_HOME="$folder/home" HF_DATASETS_DISABLE_PROGRESS_BARS=1
"$folder/venv/bin/python" -W error::UserWarning - <<'PY'
from pathlib import Path

import datasets
import numpy as np
import PIL
from PIL import Image, ImageCms

print("datasets", datasets.__version__, "Pillow", PIL.__version__)
rows, columns = np.mgrid[:256, :256]
grain = np.random.default_rng(0).integers(-20, 21, (256, 256, 3))
canvas = np.clip(np.stack([rows, columns, 255 - rows], -1) + grain, 0, 255).astype(np.uint8)
profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
Image.fromarray(canvas).save("a.jpg", quality=97, subsampling=0, icc_profile=profile)
content = Path("a.jpg").read_bytes()
pictures = datasets.Features({"image": datasets.Image()})

found = {}
for held, value in (("bytes", {"bytes": content, "path": None}), ("path", "a.jpg")):
    table = datasets.Dataset.from_dict({"image": [value]}, features=pictures)
    mapped = table.map(lambda row: {"image": row["image"]})
    before, after = table[0]["image"], mapped[0]["image"]
    stored = mapped.cast_column("image", datasets.Image(decode=False))[0]["image"]["bytes"] or content
    off = float(np.abs(np.asarray(before).astype(int) - np.asarray(after)).mean())
    found[held] = off, "icc_profile" in after.info
    sizes = f"{len(content)} bytes, after map {len(stored)}"
    print(f"{held}: {sizes}; pixels off by {off:.2f} on average; profile kept: {found[held][1]}")
assert found["path"] == (0, True)
assert found["bytes"][0] > 1
assert not found["bytes"][1]
PY
echo "confirmed: map encodes a picture again even if the function returns it unchanged"
