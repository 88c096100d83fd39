"""One bad artwork takes no other along, whatever is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from art2mus_core.cli.composing import Request, run
from art2mus_core.cli.planning import gather, plan
from art2mus_core.pipelines.choice import Choice
from art2mus_core.pipelines.diffusion import ArtToMusic

from .saying import one_line, written

TROUBLES = (
    MemoryError(),
    OSError(5, "Input/output error"),
    UnicodeError("no text"),
    RuntimeError("shape"),
    KeyError("x"),
)


@pytest.fixture
def fails_on_dusk(monkeypatch):
    """Composing raises whenever dusk is among the artworks; returns how many were composed at once, each time."""
    compose, asked = ArtToMusic.compose, []

    def arrange(trouble):
        def failing(self, artworks, **settings):
            asked.append(len(artworks))
            if any(artwork.name == "dusk" for artwork in artworks):
                raise trouble
            return compose(self, artworks, **settings)

        monkeypatch.setattr(ArtToMusic, "compose", failing)
        return asked

    return arrange


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda error: type(error).__name__)
def test_an_artwork_that_fails_is_one_line_and_the_others_are_composed(art2mus, paintings, fails_on_dusk, trouble):
    asked = fails_on_dusk(trouble)
    code, out, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--steps", "1", "--json")
    assert code == 2
    assert one_line(err)
    assert "1 of 3" in err
    assert "dusk.png" in err or "memory" in err
    assert asked == [1, 1, 1]
    assert written() == ["out/dawn.flac", "out/noon.flac"]
    document = json.loads(out)
    assert [Path(each["artwork"]).name for each in document["failed"]] == ["dusk.png"]


def test_of_a_batch_that_fails_each_is_composed_alone(paintings, fails_on_dusk, pocket_like, tmp_path):
    asked = fails_on_dusk(RuntimeError("shape"))
    jobs = plan(gather([paintings]), tmp_path / "out")
    request = Request(Choice(str(pocket_like)), torch.device("cpu"), 0, {"seconds": 1.0, "steps": 1})
    outcome = run(request, [jobs], lambda _: None)
    assert asked == [3, 1, 1, 1]
    assert [job.artwork.stem for job, _ in outcome.failed] == ["dusk"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dawn.flac", "noon.flac"]


def test_what_is_wrong_with_all_of_them_is_said_once(art2mus, paintings, fails_on_dusk):
    fails_on_dusk(RuntimeError("shape"))
    for name in ("dawn", "noon"):
        (paintings / f"{name}.png").unlink()
    code, out, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1")
    assert (code, out) == (2, "")
    assert one_line(err)
    assert "RuntimeError: shape" in err


def test_a_lack_of_memory_is_no_fault_of_the_picture(art2mus, paintings, fails_on_dusk):
    fails_on_dusk(MemoryError())
    _, _, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--steps", "1")
    assert "music of 1 s does not fit into the memory" in err
    assert "report the fault" not in err


def test_ctrl_c_ends_it_all(art2mus, paintings, fails_on_dusk):
    fails_on_dusk(KeyboardInterrupt())
    assert art2mus("compose", paintings, "-o", "out", "--seconds", "1")[0] == 130
    assert written() == ["out/dawn.flac"]  # which was done before


def test_a_file_that_cannot_be_written_takes_no_other_along(art2mus, paintings):
    Path("out/dusk.flac").mkdir(parents=True)
    code, _, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--steps", "1")
    assert code == 2
    assert one_line(err)
    assert written() == ["out/dawn.flac", "out/noon.flac"]
