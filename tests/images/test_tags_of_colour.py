"""What TIFF's tags and cameras' EXIF say of colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from .encodings_of_colour import D65, PRIMARIES, camera_exif, light_in, quantised, tiff
from .seeing import check, encoded


def test_tiff_tags_of_colour(tmp_path, rows):
    adobe = quantised(light_in(rows, "adobe") ** (1 / 2.2))
    corners = [v for corner in PRIMARIES["adobe"] for v in corner]
    (tmp_path / "a.tif").write_bytes(tiff(adobe, 8, 2, tags={318: (5, D65), 319: (5, corners)}))
    check(tmp_path / "a.tif", rows, mean=1.2)
    table = np.rint(np.linspace(0, 1, 256) ** 1.6 * 65535).astype(int).tolist()
    power = quantised(light_in(rows, "srgb") ** (1 / 1.6))
    (tmp_path / "b.tif").write_bytes(tiff(power, 8, 2, tags={301: (3, table * 3)}))
    check(tmp_path / "b.tif", rows, mean=1.2)
    same = [v for corner in PRIMARIES["srgb"] for v in corner]
    (tmp_path / "c.tif").write_bytes(tiff(rows, 8, 2, tags={318: (5, D65), 319: (5, same)}))
    check(tmp_path / "c.tif", rows, mean=0)


def test_lab_tiffs_look_as_they_should(tmp_path, rows):
    lab = ImageCms.profileToProfile(
        Image.fromarray(rows), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    for number, icc in enumerate((b"", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())):
        lab.save(tmp_path / f"{number}.tif", **({"icc_profile": icc} if icc else {}))
        check(tmp_path / f"{number}.tif", rows, mean=3)


@pytest.mark.parametrize("way", ["R03", "space", "R98"])
def test_cameras_name_adobe_rgb_in_exif(tmp_path, rows, way):
    exif = camera_exif(2 if way == "space" else 65535, "" if way == "space" else way)
    stored = rows if way == "R98" else encoded(rows, "adobe")
    Image.fromarray(stored).save(tmp_path / "_IMG.jpg", exif=exif, quality=100, subsampling=0)
    check(tmp_path / "_IMG.jpg", rows, mean=1.5)
