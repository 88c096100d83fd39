from __future__ import annotations

import json
from pathlib import Path

from art2mus_core.evaluation.collection import read_collection
from art2mus_core.pipelines.diffusion import ArtToMusic

from .saying import one_line, written

QUICK = ("--seconds", "1", "--steps", "1")


def test_a_file_that_is_replaced_is_told(art2mus, paintings):
    first = art2mus("compose", paintings / "dawn.png", *QUICK)[1]
    assert "\nreplaced" not in first
    assert art2mus("compose", paintings / "dawn.png", *QUICK)[1].endswith("\nreplaced dawn.flac\n")
    documents = [art2mus("compose", paintings / f"{name}.png", *QUICK, "--json")[1] for name in ("dawn", "dusk")]
    assert [json.loads(document)["pieces"][0]["replaced"] for document in documents] == [True, False]


def test_nothing_is_replaced_if_that_is_asked_for(art2mus, paintings):
    Path("dawn.flac").write_bytes(b"mine")
    code, out, err = art2mus("compose", paintings / "dawn.png", *QUICK, "--no-replace")
    assert (code, out) == (2, "")
    assert one_line(err)
    assert "dawn.flac already exists" in err
    assert Path("dawn.flac").read_bytes() == b"mine"


def test_a_take_is_not_replaced_either(art2mus, paintings):
    Path("d--2.flac").write_bytes(b"mine")
    candidates = ("--candidates", "2", "--keep-all", "--no-replace")
    code, _, err = art2mus("compose", paintings / "dawn.png", "-o", "d.flac", *QUICK, *candidates)
    assert code == 2
    assert "d--2.flac already exists" in err
    assert written() == ["d--2.flac"]


def test_takes_of_an_earlier_run_are_told(art2mus, paintings):
    art2mus("compose", paintings / "dawn.png", *QUICK, "--candidates", "3", "--keep-all")
    Path("dawn--3.mp3").write_bytes(b"of another format")
    Path("dusk--2.flac").write_bytes(b"of another artwork")
    *_, last = art2mus("compose", paintings / "dawn.png", *QUICK, "--candidates", "2", "--keep-all")[1].splitlines()
    assert last == "dawn--3.flac existed before, and counts as another take of dawn"
    out = art2mus("compose", paintings / "dawn.png", *QUICK, "--json")[1]
    assert json.loads(out)["earlier"] == ["dawn--2.flac", "dawn--3.flac"]


def test_artworks_are_counted_not_their_takes(art2mus, paintings):
    (paintings / "void.png").write_bytes(b"")
    code, _, err = art2mus("compose", paintings, "-o", "out", *QUICK, "--candidates", "2", "--keep-all")
    assert code == 2
    assert "1 of 4 artworks has no music: " in err


def test_a_folder_is_gone_on_with(art2mus, paintings):
    Path("out").mkdir()
    Path("out/dusk.flac").write_bytes(b"mine")
    code, out, err = art2mus("compose", paintings, "-o", "out", *QUICK, "--no-replace")
    assert (code, err) == (0, "")
    assert out.endswith("\nkept out/dusk.flac, which existed already\n")
    assert written() == ["out/dawn.flac", "out/dusk.flac", "out/noon.flac"]
    assert Path("out/dusk.flac").read_bytes() == b"mine"
    code, out, err = art2mus("compose", paintings, "-o", "out", *QUICK, "--no-replace", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert (document["pieces"], len(document["kept"])) == ([], 3)


def test_a_report_beside_the_page_is_not_replaced_either(art2mus, paintings):
    art2mus("compose", paintings, "-o", "out", *QUICK)
    Path("out/report.json").write_text("mine")
    code, _, err = art2mus("score", "out", "--no-replace", model=None)
    assert code == 2
    assert "out/report.json already exists" in err


def test_music_that_came_meanwhile_is_left_alone(art2mus, paintings, monkeypatch):
    """Another program wrote it while this one was composing."""
    compose = ArtToMusic.compose

    def slowly(self, *artworks, **settings):
        Path("out").mkdir(exist_ok=True)
        Path("out/dusk.flac").write_bytes(b"theirs")
        return compose(self, *artworks, **settings)

    monkeypatch.setattr(ArtToMusic, "compose", slowly)
    code, _, err = art2mus("compose", paintings, "-o", "out", *QUICK, "--no-replace")
    assert code == 2
    assert "1 of 3 artworks has no music: out/dusk.flac already exists" in err
    assert written() == ["out/dawn.flac", "out/dusk.flac", "out/noon.flac"]
    assert Path("out/dusk.flac").read_bytes() == b"theirs"


def test_takes_that_compose_keeps_are_shown_and_counted(art2mus, paintings):
    """What --keep-all writes is what gallery, score and listen read."""
    art2mus("compose", paintings, "-o", "out", *QUICK, "--candidates", "2", "--keep-all")
    code, _, err = art2mus("gallery", "out", "page.html", "--artworks", paintings, model=None)
    assert (code, err) == (0, "")
    assert "dusk--2.flac" in Path("page.html").read_text()
    pieces = read_collection(Path("out"), artworks=paintings).systems["out"]
    assert [(piece.id, piece.take) for piece in pieces] == [
        (name, take) for name in ("dawn", "dusk", "noon") for take in ("", "2")
    ]
