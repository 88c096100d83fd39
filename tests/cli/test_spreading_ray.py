"""Composing on a real Ray of this machine, with two processes."""

from __future__ import annotations

import pytest

from .test_spreading import ALONE, contents, document, one_thread  # noqa: F401  a fixture

pytest.importorskip("ray", reason="the extra ray is not installed")


@pytest.mark.usefixtures("one_thread")
def test_files_and_report_are_those_of_one_process(art2mus, paintings):
    (paintings / "dusk.png").write_bytes(b"")
    outs = list[str]()
    for name in ("local", "ray"):
        processes = ("--engine", name, "--workers", "2" if name == "ray" else "1")
        code, out, err = art2mus("compose", paintings, "-o", name, *ALONE, *processes, "--json")
        assert code == 2
        assert "1 of 3 artworks has no music" in err
        outs.append(out)
    assert sorted(contents("ray")) == ["dawn.flac", "noon.flac"]
    assert contents("ray") == contents("local")
    assert document(outs[0]) == document(outs[1])
