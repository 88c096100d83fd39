#!/usr/bin/env bash
# A picture with a colour profile is opened and saved again in its own format. PNG, TIFF and AVIF keep the profile; JPEG and WebP
# lose it, so that a wide-gamut picture looks dull. If a PNG describes its colours by code points (cICP, third edition of the
# standard), Pillow does not report them; PyAV does.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 av==18.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import io
import struct
import zlib
from pathlib import Path

import av
import PIL
from PIL import Image, ImageCms

print("Pillow", PIL.__version__, "PyAV", av.__version__)
profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
kept = {}
for kind in ("PNG", "TIFF", "AVIF", "JPEG", "WEBP"):
    first, second = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (16, 16), (200, 100, 50)).save(first, kind, icc_profile=profile)
    opened = Image.open(first)
    assert opened.info["icc_profile"] == profile
    opened.save(second, kind)
    kept[kind] = Image.open(second).info.get("icc_profile") == profile
print("the profile after opening and saving:", {kind: "kept" if is_kept else "gone" for kind, is_kept in kept.items()})

Image.new("RGB", (16, 16), (200, 100, 50)).save("plain.png")
plain, body = Path("plain.png").read_bytes(), b"cICP" + bytes([12, 13, 0, 1])  # Display P3, sRGB's curve, RGB, full range
after_header = 33
chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
Path("p3.png").write_bytes(plain[:after_header] + chunk + plain[after_header:])
with Image.open("p3.png") as image:
    image.load()
    reported = dict(image.info)
with av.open("p3.png") as file:
    frame = next(file.decode(video=0))
points = int(frame.color_primaries), int(frame.color_trc)
print(f"a PNG in Display P3 by cICP: Pillow reports {reported}, PyAV primaries and curve {points}")
assert kept == {"PNG": True, "TIFF": True, "AVIF": True, "JPEG": False, "WEBP": False}
assert reported == {}
assert points == (12, 13)
PY
echo "confirmed: whether a profile is kept by opening and saving depends on the format, and cICP is not reported"
