"""The commands that make data and models."""

from __future__ import annotations

from pathlib import Path

import pytest

from art2mus_core.audio.reading import read_audio
from art2mus_core.cli import main
from art2mus_core.datasets.manifest import read_manifest


@pytest.fixture
def art2mus(capsys, monkeypatch, tmp_path):
    """Runs `art2mus`; returns exit code and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as leaving:
            main(list(arguments))
        return leaving.value.code, capsys.readouterr().err

    return run


def test_pairs_are_made(art2mus):
    assert art2mus("synthesize", "pairs", "--count", "3", "--first-seed", "5") == (0, "")
    assert [pair.seed for pair in read_manifest(Path("pairs"))] == [5, 6, 7]


def test_music_is_made_as_chosen(art2mus):
    chosen = ("--seconds", "2", "--seconds", "3", "--rate", "16000", "--mono", "--comments")
    assert art2mus("synthesize", "pairs", "--count", "5", *chosen) == (0, "")
    pairs = read_manifest(Path("pairs"))
    assert {pair.seconds for pair in pairs} == {2.0, 3.0}
    assert {pair.sample_rate for pair in pairs} == {16_000}
    assert any(pair.comments for pair in pairs)
    assert read_audio(Path("pairs") / pairs[0].music, mono=False).samples.shape[:2] == (1, 1)


def test_tables_are_made(art2mus, tmp_path: Path):
    assert art2mus("calibrate", ".", "--count", "2") == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["character.json", "statistics.json"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("synthesize pairs --count 2", "at least 3 pairs"),
        ("synthesize pairs --count many", "--count"),
        ("synthesize pairs --seconds 0", "1 to 600 s"),
        ("synthesize pairs --rate 8", "8000 to 96000 Hz"),
        ("calibrate . --count 1", "at least 2 paintings"),
        (
            "calibrate tables --count 1 --music nowhere",
            "no pairs.parquet or articaps.parquet or manifest.parquet in nowhere",
        ),
        ("train vaee --data pairs", "no training configuration 'vaee'"),
        ("train vae --data nowhere", "no pairs.parquet or articaps.parquet or manifest.parquet in nowhere"),
        ("train vae --data nowhere --steps 0", "steps"),
        ("train vae", "--data"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_made(art2mus, tmp_path: Path, typed: str, told: str):
    code, err = art2mus(*typed.split())
    assert code == 2
    assert told in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
