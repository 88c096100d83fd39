"""Pictures for bright displays, and the code points that name them."""

from __future__ import annotations

import numpy as np
import pytest

from art2mus_core.images.formats import formats
from art2mus_core.images.hdr import HLG, PQ, tone_mapped

from .encodings_of_colour import cicp, hlg, light_in, png, pq, quantised, srgb_curve, with_nclx
from .seeing import check


@pytest.mark.parametrize(("transfer", "signal"), [(PQ, pq), (HLG, hlg)])
def test_high_dynamic_range(tmp_path, rows, transfer, signal):
    levels = quantised(signal(light_in(rows, "bt2020")), 16)
    (tmp_path / "a.png").write_bytes(png(levels, cicp(9, transfer)))
    check(tmp_path / "a.png", rows, mean=1.0)
    (tmp_path / "b.png").write_bytes(png((levels >> 8).astype(np.uint8), cicp(9, transfer)))
    check(tmp_path / "b.png", rows, mean=5.0)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_lights_are_pressed_together_and_dark_tones_kept(transfer):
    signal = pq if transfer == PQ else hlg
    light = np.linspace(0, 4, 400)[None, :, None].repeat(3, -1)
    mapped = tone_mapped(quantised(signal(light), 16), transfer)[0, :, 0].astype(int)
    assert (np.diff(mapped) >= 0).all()
    assert mapped[-1] == 255
    assert mapped[100] < 250  # white paper is no lamp
    np.testing.assert_allclose(mapped[:70], np.rint(srgb_curve(light[0, :70, 0]) * 255), atol=1)


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
@pytest.mark.parametrize(
    ("code", "signal"),
    [((12, 13), None), ((9, PQ), pq), ((9, HLG), hlg), ((1, 13), None), ((1, 1), None), ((2, 2), None)],
)
def test_code_points_of_avif_and_heif(tmp_path, rows, kind, code, signal):
    if kind not in formats():
        pytest.skip(f"Pillow without {kind}")
    space = {12: "p3", 9: "bt2020"}.get(code[0], "srgb")
    light = light_in(rows, space)
    path = tmp_path / ("one.avif" if kind == "AVIF" else "one.heic")
    path.write_bytes(with_nclx(kind, quantised(signal(light) if signal else srgb_curve(light)), *code))
    check(path, rows, mean=5 if signal else 2)
