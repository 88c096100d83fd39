from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("sentence_transformers", reason="the extra texts is not installed")

from art2mus_core.cli import main
from art2mus_core.encoders.sentences import load_sentence_encoder
from art2mus_core.encoders.words import VOCABULARY, load_word_encoder, vocabulary_digest
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.training import words

from ..sentence_model import write_sentence_model


@pytest.fixture
def sentences(tmp_path: Path):
    return load_sentence_encoder(write_sentence_model(tmp_path / "sentences"))


def test_vectors_are_the_principal_components_of_what_the_large_encoder_says(sentences):
    pieces, vectors = words.distilled(sentences, 7, 3)
    assert len(pieces) == len(set(pieces)) == 7
    whole = sentences.encode([piece.removeprefix("##") for piece in pieces]).astype(float)
    whole -= whole.mean(0)
    values, axes = np.linalg.eigh(whole.T @ whole)
    projected = whole @ axes[:, ::-1][:, :3]
    for one, other in zip(vectors.T, projected.T, strict=True):
        assert abs(np.corrcoef(one, other)[0, 1]) == pytest.approx(1, abs=1e-6)
    assert vectors.std() == pytest.approx(1)
    assert values[-1] > 0
    with pytest.raises(CheckpointError, match="expected at least 100000, in a WordPiece vocabulary"):
        words.distilled(sentences, 100_000, 3)


def test_a_seed_makes_the_same_encoder_which_learns_moods(sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(words, "HELD", 40)
    sizes, found = {"pieces": 9, "dim": 4, "hidden_dim": 5}, []
    for name in ("one", "two"):
        told: list[str] = []
        error = words.fit_words(
            tmp_path / name,
            sentences,
            sizes,
            count=90,
            steps=3,
            seed=1,
            on_step=lambda step, told=told: told.append(step.stage),
        )
        assert 0 < error < 1
        assert told.count("training") == 3
        found.append(load_word_encoder(tmp_path / name / "text_encoder"))
    for one, other in zip(found[0].state_dict().values(), found[1].state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert found[0].space == found[1].space != "words"
    pieces = (tmp_path / "one" / "text_encoder" / VOCABULARY).read_text().split()
    assert found[0].config["vocabulary"] == vocabulary_digest(pieces)
    assert found[0].vectors.abs().max() == 127
    with pytest.raises(SettingError, match="40 comments"):
        words.fit_words(tmp_path, sentences, sizes, count=40)


def test_the_moods_of_comments_have_nothing_where_they_say_nothing():
    texts, values = words.moods(300, 2)
    assert len(set(texts)) > 250
    assert 0.2 < np.isnan(values).mean() < 0.8
    assert np.nanmin(values) >= 0
    assert np.nanmax(values) <= 1
    assert texts == words.moods(300, 2)[0]
    assert texts != words.moods(300, 3)[0]


def test_the_command_writes_the_encoder_into_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(words, "moods", lambda count, seed, moods=words.moods: moods(words.HELD + 9, seed))
    monkeypatch.setattr(words, "HELD", 30)
    write_sentence_model(Path("sentences"))
    with pytest.raises(SystemExit) as leaving:
        main(["fit-words", "sentences", "mine", "--pieces", "9", "--dim", "4", "--steps", "2"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out.startswith("9 word pieces; error of moods 0.")
    assert sorted(path.name for path in Path("mine", "text_encoder").iterdir()) == [
        "config.json",
        "model.safetensors",
        "vocab.txt",
    ]
    with pytest.raises(SystemExit) as leaving:
        main(["fit-words", "nowhere", "mine"])
    assert leaving.value.code == 2
    assert "nowhere" in capsys.readouterr().err
