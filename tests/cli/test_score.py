"""`art2mus score`: music that is there already."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ..evaluation.conftest import write
from .saying import one_line, written


@pytest.fixture
def music(paintings):
    """Two systems' pieces for the paintings, of other rates and channels."""
    rng = np.random.default_rng(0)
    for path in paintings.iterdir():
        write(Path("music/mine") / f"{path.stem}.flac", 0.3 * rng.normal(size=(1, 32_000)).clip(-3, 3), 16_000)
        write(Path("music/theirs") / f"{path.stem}.wav", 0.1 * rng.normal(size=(2, 88_200)).clip(-3, 3), 44_100)
    return Path("music")


@pytest.fixture
def scored(art2mus, paintings):
    def run(*options):
        return art2mus("score", "music", "--artworks", paintings, "--resamples", "100", *options, model=None)

    return run


def test_figures_are_printed_and_written(scored, music):
    code, out, err = scored()
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["measure", "mine", "theirs"]
    assert any(line.startswith("Cosine, pocket, artwork and music") for line in lines)
    assert lines[-2:] == ["music/report.json", "music/report.html"]
    assert any(line.startswith("- There is no real music") for line in lines)


def test_the_page_may_lie_elsewhere(scored, music, paintings):
    assert scored("--out", "page.html", "--reference", music / "mine", "--json")[0] == 0
    assert {"page.html", "page.json"} <= set(written())
    assert "music/report.json" not in written()
    figures = json.loads(Path("page.json").read_text())["figures"]
    assert figures["mine"]["distance:log-spectral"]["value"] == 0
    assert figures["theirs"]["distance:log-spectral"]["value"] > 1
    assert figures["mine"]["frechet:pocket"]["value"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda music: write(music / "mine" / "dawn.wav", np.zeros((1, 9))), "two files for the id dawn"),
        (lambda music: (music / "mine" / "dawn.flac").unlink(), "mine has no music for 1 of the names (dawn)"),
        (lambda music: (music / "mine" / "dawn.flac").write_bytes(b"nothing"), "dawn.flac holds no sound"),
        (lambda music: write(music / "mine" / "dawn.flac", np.zeros((1, 1000))), "mine/dawn.flac"),
        (lambda music: (music / "items.json").write_text("{"), "items.json cannot be understood"),
    ],
)
def test_bad_input_is_one_line(scored, music, spoil, said):
    spoil(music)
    code, out, err = scored()
    assert (code, out) == (2, "")
    assert one_line(err)
    assert said in err
    assert not [name for name in written() if "report" in name]


def test_samples_that_are_not_finite_are_told_by_file(scored, music):
    import av

    with av.open(str(music / "mine" / "dusk.wav"), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=16_000, layout="mono")
        samples = np.full((1, 32_000), np.nan, np.float32)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    (music / "mine" / "dusk.flac").unlink()
    code, _, err = scored()
    assert (code, one_line(err)) == (2, True)
    assert "mine/dusk.wav" in err
    assert "finite" in err


def test_folders_that_are_none(art2mus, music):
    Path("empty").mkdir()
    for arguments, said in (
        (("nowhere",), "nowhere is no folder"),
        (("empty",), "empty holds no music"),
        (("music", "--out", "page.txt"), "page.txt"),
        (("music", "--artworks", "empty"), "holds no picture"),
        (("music", "--background", "empty"), "empty"),
    ):
        code, out, err = art2mus("score", *arguments, model=None)
        assert (code, out, one_line(err)) == (2, "", True), arguments
        assert said in err
