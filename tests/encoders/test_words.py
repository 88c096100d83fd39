from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from art2mus_core.checkpoints.folder import save_component
from art2mus_core.checkpoints.names import locate
from art2mus_core.encoders.texts import load_text_encoder
from art2mus_core.encoders.words import AXES, SPAN, VOCABULARY, WordEncoder, load_word_encoder, vocabulary_digest
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.interfaces import TextEncoder

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

PIECES = ["sea", "calm", "storm", "not", "##s", "##y", "light"]
CONFIG = {"model_type": "word_vectors", "pieces": 7, "dim": 5, "hidden_dim": 3, "longest": 11, "space": "words-5-test"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    encoder = WordEncoder(CONFIG)
    encoder.vectors.random_(-100, 100)
    encoder.scale.fill_(0.02)
    save_component(tmp_path, "text_encoder", encoder, CONFIG, half=True)
    (tmp_path / "text_encoder" / VOCABULARY).write_text("\n".join(PIECES), encoding="utf-8")
    return tmp_path


@torch.no_grad()
def test_a_text_has_the_same_embedding_alone_and_beside_a_longer_one(folder: Path):
    encoder = load_text_encoder(folder)
    assert isinstance(encoder, TextEncoder)
    texts = ["Calm sea", "not stormy, not a storm: light seas", "a storm"]
    together = encoder.encode(texts)
    assert together.space == "words-5-test"
    assert together.values.shape == (3, 5 + AXES)
    alone = torch.cat([encoder.encode([text]).values for text in texts])
    torch.testing.assert_close(together.values, alone)
    assert (together.values[0] - encoder.encode(["sea calm"]).values).abs().max() > 1e-3  # the order counts
    torch.testing.assert_close(together.values[0], encoder.encode(["CALM,   sea!!"]).values[0])  # spelling does not


@torch.no_grad()
def test_the_mood_is_the_end_of_the_embedding_as_far_as_it_is_spoken_of(folder: Path):
    encoder = load_word_encoder(folder / "text_encoder")
    read = encoder.read(["calm sea", "not light", ""])
    mood, spoken, mean = encoder.told(*read)
    there = torch.tensor([[1.0], [1.0], [0.0]])
    torch.testing.assert_close(encoder(*read)[:, 5:], SPAN * mood * spoken.sigmoid() * there)
    torch.testing.assert_close(encoder(*read)[:, :5], mean)


@torch.no_grad()
def test_the_degree_of_a_piece_scales_its_mood_and_may_turn_it(folder: Path):
    encoder = load_word_encoder(folder / "text_encoder")
    read = encoder.read(["calm sea", "storm"])
    mood, *others = encoder.told(*read)
    assert mood.abs().min() > 1e-3
    for degree in (1.5, 0.1, -0.7):
        encoder.degree[-1].bias.fill_(degree - 1)
        scaled, *same = encoder.told(*read)
        torch.testing.assert_close(scaled, degree * mood)
        torch.testing.assert_close(same, others)
    encoder.degree[-1].bias.fill_(999.0)
    assert encoder(*read)[:, 5:].abs().max() <= SPAN


@pytest.mark.parametrize(("table", "least"), [("comments", 0.85), ("negations", 0.8)])
@pytest.mark.parametrize(("axis", "ends"), [("energy", ("high", "low")), ("light", ("bright", "dark"))])
@torch.no_grad()
def test_the_bundled_encoder_reads_comments_that_were_written_apart(table: str, least: float, axis: str, ends):
    with (BENCHMARKS / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    encoder = load_text_encoder(locate("art2music"))
    told = encoder.encode([row["text"] for row in rows]).values[:, -AXES + ("energy", "pleasure", "light").index(axis)]
    upper, lower = (told[[row[axis] == end for row in rows]] for end in ends)
    assert min(len(upper), len(lower)) >= 5
    assert (upper[:, None] > lower[None]).float().mean() >= least


@torch.no_grad()
def test_texts_without_a_known_word_are_zeros_and_long_ones_are_cut(folder: Path):
    encoder = load_word_encoder(folder / "text_encoder")
    texts = ["", "שלום לעולם", "sea 海", "storm " * 5000]
    assert encoder.known(texts) == [0, 0, 1, 22]
    values = encoder.encode(texts).values
    assert values.isfinite().all()
    assert not values[:2].any()
    assert values[2:].any(1).all()
    torch.testing.assert_close(values[3], encoder.encode(["storm " * 11]).values[0])
    with pytest.raises(SettingError, match="no texts"):
        encoder.encode([])


def test_pieces_in_another_order_than_their_vectors_are_refused(folder: Path):
    config, path = folder / "text_encoder" / "config.json", folder / "text_encoder" / VOCABULARY
    config.write_text(json.dumps({**CONFIG, "vocabulary": vocabulary_digest(PIECES)}))
    path.write_bytes(b"\r\n".join(piece.encode() for piece in PIECES))  # as a checkout on Windows may have it
    load_text_encoder(folder)
    path.write_text("\n".join(PIECES[::-1]), encoding="utf-8")
    with pytest.raises(CheckpointError, match="in another order"):
        load_text_encoder(folder)


def test_pieces_that_are_missing_twice_there_or_too_few_are_refused(folder: Path):
    path = folder / "text_encoder" / VOCABULARY
    for text in ("\n".join(PIECES[:-1]), "\n".join([*PIECES[:-1], "sea"]), b"\xff\xfe".decode("latin1")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(CheckpointError, match=r"expected 7, one in each line"):
            load_text_encoder(folder)
    path.write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_text_encoder(folder)
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_text_encoder(folder)
    (folder / "text_encoder" / "config.json").write_text(json.dumps({"model_type": "magic"}))
    with pytest.raises(CheckpointError, match="a text encoder 'magic'"):
        load_text_encoder(folder)
