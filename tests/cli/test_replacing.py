from __future__ import annotations

import json
from pathlib import Path

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
    assert "dawn.flac is there already" in err
    assert Path("dawn.flac").read_bytes() == b"mine"


def test_a_take_is_not_replaced_either(art2mus, paintings):
    Path("d--2.flac").write_bytes(b"mine")
    candidates = ("--candidates", "2", "--keep-all", "--no-replace")
    code, _, err = art2mus("compose", paintings / "dawn.png", "-o", "d.flac", *QUICK, *candidates)
    assert code == 2
    assert "d--2.flac is there already" in err
    assert written() == ["d--2.flac"]


def test_a_folder_is_gone_on_with(art2mus, paintings):
    Path("out").mkdir()
    Path("out/dusk.flac").write_bytes(b"mine")
    code, out, err = art2mus("compose", paintings, "-o", "out", *QUICK, "--no-replace")
    assert (code, err) == (0, "")
    assert out.endswith("\nkept out/dusk.flac, which was there already\n")
    assert written() == ["out/dawn.flac", "out/dusk.flac", "out/noon.flac"]
    assert Path("out/dusk.flac").read_bytes() == b"mine"
    code, out, err = art2mus("compose", paintings, "-o", "out", *QUICK, "--no-replace", "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert (document["pieces"], len(document["kept"])) == ([], 3)
