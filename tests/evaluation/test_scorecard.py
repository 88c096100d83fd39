"""One piece beside its artwork, with a tiny encoder that sees and hears."""

from __future__ import annotations

import math
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from art2mus_core.encoders.files import load_audio_encoder, load_image_encoder
from art2mus_core.errors import AudioError, CheckpointError, EvaluationError
from art2mus_core.evaluation.scorecard import LONGEST, describe, draw, pair, score
from art2mus_core.images.listing import samples
from art2mus_core.images.reading import artwork_from_array, read_artwork
from art2mus_core.types import Step, Waveform

RATE = 11_025


def artwork(seed):
    return artwork_from_array(np.random.default_rng(seed).integers(256, size=(30, 41, 3), dtype=np.uint8))


def sound(seconds=1.5, hertz=440.0, channels=1, level=0.3):
    time = torch.arange(round(seconds * RATE)) / RATE
    return Waveform(level * torch.sin(2 * math.pi * hertz * time).expand(1, channels, -1), RATE)


@pytest.fixture
def cards(pocket_like):
    def made(artworks, pieces, **more):
        with torch.inference_mode():
            chosen = {"resident": lambda _: nullcontext(), "dtype": torch.float32, **more}
            return score(pair(artworks, pieces), pocket_like, **chosen)

    return made


def test_the_match_is_the_cosine_of_both_embeddings(cards, pocket_like):
    artworks, pieces = [artwork(1), artwork(2)], [sound(hertz=220), sound(2.0, 660, channels=2)]
    found = cards(artworks, pieces)
    with torch.inference_mode():
        seen = load_image_encoder(pocket_like, dtype=torch.float32).encode(artworks).values
        listener = load_audio_encoder(pocket_like, dtype=torch.float32)
        heard = [listener.encode(piece).values[0] for piece in pieces]
    for card, a, b in zip(found, seen, heard, strict=True):
        assert card.match == pytest.approx(float(a @ b / (a.norm() * b.norm())), abs=1e-6)
    assert found[0].match != found[1].match
    assert {card.space for card in found} == {"tiny"}


def test_chance_is_the_match_with_the_samples(cards):
    (card,) = cards([artwork(1)], [sound()])
    known = [read_artwork(path) for path in samples().values()]
    alone = [cards([other], [sound()])[0].match for other in known]
    assert card.others == pytest.approx(alone, abs=1e-6)
    assert card.chance == pytest.approx(np.mean(alone), abs=1e-6)


def test_a_sample_is_no_chance_of_its_own(cards):
    own = read_artwork(samples()["silver_forest"])
    (card,) = cards([replace(own, name="renamed")], [sound()])
    assert len(card.others) == len(samples()) - 1
    assert card.match not in card.others


def test_one_artwork_serves_all_pieces(cards):
    found = cards([artwork(1)], [sound(hertz=220), sound(hertz=880)])
    assert [card.artwork.sha256 for card in found] == [artwork(1).sha256] * 2
    assert found[0].values != found[1].values


@pytest.mark.parametrize(("artworks", "pieces"), [(2, 1), (2, 3), (0, 1)])
def test_other_numbers_of_artworks_are_refused(artworks, pieces):
    with pytest.raises(EvaluationError, match=f"{artworks} artworks for {pieces} pieces"):
        pair([artwork(seed) for seed in range(artworks)], [sound()] * pieces)


def test_a_sound_has_its_length():
    with pytest.raises(AudioError, match=r"a sound of 0\.90 s"):
        pair([artwork(1)], [sound(0.9)])
    ((_, heard),) = pair([artwork(1)], [sound(LONGEST + 2)])
    assert heard.seconds == pytest.approx(LONGEST)


def test_nan_is_refused():
    broken = sound()
    broken.samples[..., 7] = math.nan
    with pytest.raises(AudioError, match="NaN"):
        pair([artwork(1)], [broken])


def test_an_encoder_that_cannot_hear_says_so(own_checkpoint):
    (own_checkpoint / "audio_encoder" / "config.json").unlink()
    with pytest.raises(CheckpointError, match="no audio encoder in"):
        score(pair([artwork(1)], [sound()]), own_checkpoint, resident=lambda _: nullcontext(), dtype=torch.float32)


def test_two_spaces_do_not_compare(own_checkpoint):
    config = own_checkpoint / "audio_encoder" / "config.json"
    config.write_text(config.read_text().replace('"tiny"', '"other"'))
    with (
        pytest.raises(EvaluationError, match="image encoder for tiny and an audio encoder for other"),
        torch.inference_mode(),
    ):
        score(pair([artwork(1)], [sound()]), own_checkpoint, resident=lambda _: nullcontext(), dtype=torch.float32)


def test_networks_are_used_where_the_caller_has_them_loaded(cards):
    loaded = []

    def resident(network):
        loaded.append(type(network).__name__)
        return nullcontext()

    cards([artwork(1)], [sound()], resident=resident)
    assert loaded == ["PocketImageEncoder", "PocketSoundEncoder"]


def test_progress_is_told_after_each_piece(cards):
    told = []
    cards([artwork(1)], [sound(), sound(hertz=220)], on_step=told.append)
    assert told == [Step("score", 1, 2), Step("score", 2, 2)]


def test_values_are_what_is_measured(cards):
    quiet, loud = cards([artwork(1)], [sound(level=0.05), sound(hertz=1760, level=0.5)])
    assert loud.values[3] - quiet.values[3] > 15
    assert quiet.values[4] == pytest.approx(440, rel=0.1)
    assert loud.values[4] == pytest.approx(1760, rel=0.1)


def test_faults_are_found_and_a_clean_sound_has_none(cards):
    clean = sound()
    clipped = Waveform((3 * clean.samples).clamp(-0.8, 0.8), RATE)
    offset = Waveform(clean.samples + 0.1, RATE)
    silent = Waveform(torch.zeros(1, 1, 2 * RATE), RATE)
    found = [card.faults for card in cards([artwork(1)], [clean, clipped, offset, silent])]
    assert found[0] == ()
    assert len(found[1]) == 1
    assert "clipping in" in found[1][0]
    assert found[2:] == [("an offset of 0.10",), ("silence",)]


def test_the_report_says_what_was_found(cards):
    (card,) = cards([artwork(1)], [sound()], maker="tiny")
    said = describe(card)
    assert f"Match {card.match:.2f}, from -1 to 1, by the encoder tiny." in said
    assert f"By chance {card.chance:.2f}: with 8 other artworks" in said
    assert f"higher than {sum(other < card.match for other in card.others)} of these 8" in said
    assert "not independent evidence" in said
    assert "not independent evidence" not in describe(replace(card, maker="another"))
    assert "Faults: none found." in said
    assert "Faults: silence; an offset of 0.20." in describe(replace(card, faults=("silence", "an offset of 0.20")))
    assert "loudness: " in said
    assert "warmth: " in said


def test_the_picture_shows_what_it_is_drawn_from(cards):
    one, other = cards([artwork(1), artwork(2)], [sound(), sound(hertz=880)])
    drawn = draw(one)
    assert min(drawn.size) > 600
    assert drawn.tobytes() != draw(replace(one, artwork=other.artwork)).tobytes()
    assert drawn.tobytes() != draw(replace(one, match=one.match + 0.3)).tobytes()
    assert drawn.tobytes() == draw(one).tobytes()


def test_nothing_is_needed_that_only_evaluation_has(pocket_like):
    """The node runs where the packages of requirements.txt are, and no others."""
    script = f"""
import sys
for name in ("librosa", "scipy", "krippendorff", "jinja2", "aiohttp", "openai", "pyarrow", "yaml"):
    sys.modules[name] = None
from contextlib import nullcontext
from pathlib import Path
import torch
from art2mus_core.evaluation.scorecard import describe, draw, pair, score
from art2mus_core.images.reading import read_artwork
from art2mus_core.types import Waveform
pairs = pair([read_artwork({str(samples()["silver_forest"])!r})], [Waveform(0.1 * torch.randn(1, 1, 24_000), 16_000)])
(card,) = score(pairs, Path({str(pocket_like)!r}), resident=lambda _: nullcontext(), dtype=torch.float32)
print(describe(card), draw(card).size)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Match" in done.stdout
