"""What `benchmarks/labelled_paintings.py` and `quality.py` hear in music: form, keys, timbres and faults."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.composing import compose_notes
from art2mus_core.datasets.synthetic.harmony import MODES
from art2mus_core.datasets.synthetic.rendering import compose

RATE = 16_000


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module


def strokes(every: float, seconds: float = 6.0) -> np.ndarray:
    """Decaying noise every so many seconds."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    stroke = np.random.default_rng(0).normal(size=1600) * np.exp(-np.arange(1600) / 300)
    for at in np.arange(0.2, seconds - 0.2, every):
        sound[round(at * RATE) :][:1600] += 0.2 * stroke
    return sound


def test_a_pulse_is_heard_in_regular_strokes_only(script):
    hearing = script("hearing")
    hop = round(hearing.HOP * RATE)
    steady = hearing.pulse_of(hearing.spectra(strokes(0.5), 4 * hop, hop))
    noise = np.random.default_rng(1).normal(size=6 * RATE).astype(np.float32)
    assert steady > 0.8
    assert hearing.pulse_of(hearing.spectra(noise, 4 * hop, hop)) < 0.3


def test_a_piece_that_fades_out_has_ended(script):
    hearing = script("hearing")
    tone = np.sin(np.arange(4 * RATE) / 8).astype(np.float32)
    assert hearing.levels_of(tone, RATE)["ending"] < 1
    tone[-RATE:] *= 0.05
    assert hearing.levels_of(tone, RATE)["ending"] == pytest.approx(26, abs=1)
    assert hearing.levels_of(tone, RATE)["range"] == pytest.approx(26, abs=1)


def test_bars_that_return_are_repetition_and_a_pulse_is_not(script):
    returning = script("returning")
    rng, n = np.random.default_rng(2), np.arange(4000)
    tones = [np.sin(2 * np.pi * 220 * 2 ** (k / 12) * n / RATE) * np.exp(-n / 1000) for k in range(12)]
    bar = [tones[k] for k in (0, 4, 7, 5, 2, 11, 9, 7)]
    back, on = np.concatenate(bar * 6), np.concatenate([tones[k] for k in rng.integers(12, size=48)])
    returned, wandered = (returning.returns_of(each, RATE, 240.0) for each in (back, on))
    assert returned["returns"] > 0.9
    assert returned["repetition"] > 0.6
    assert abs(wandered["repetition"]) < 0.1
    assert math.isnan(returning.returns_of(back[: 4 * RATE], RATE, 240.0)["repetition"])
    assert math.isnan(returning.returns_of(back, RATE, math.nan)["repetition"])


def test_clicks_are_found_and_strokes_are_not(script):
    hearing = script("hearing")
    rng = np.random.default_rng(3)
    chord = sum(0.1 * np.sin(2 * np.pi * f * np.arange(2 * RATE) / RATE) for f in (220.0, 277.2, 329.6))
    quiet = chord + 1e-4 * rng.normal(size=2 * RATE)
    clicked = quiet.copy()
    clicked[RATE:] += 0.05
    assert hearing.clicks(quiet[None], RATE) == 0
    assert hearing.clicks(strokes(0.5)[None] + quiet[None, :1], RATE) == 0
    assert hearing.clicks(np.stack([quiet, clicked]), RATE) in {1, 2}


def test_pieces_of_two_timbres_are_two_clusters(script):
    clustering = script("clustering")
    timbres = np.random.default_rng(4).normal(size=(40, 80))
    assert len(clustering.large(clustering.clusters(timbres, 6.0))) == 1
    timbres[:10] += 15
    labels = clustering.clusters(timbres, 6.0)
    assert len(clustering.large(labels)) == 2
    assert len(set(labels[:10])) == 1
    timbres[0] -= 60
    assert len(clustering.large(clustering.clusters(timbres, 6.0))) == 2


def test_a_vote_is_won_by_most_and_else_by_the_first(script):
    keys = script("keys")
    assert keys.elected([0, 21, 21, 0, 5]) == 0
    assert keys.elected([0, 21, 21, 4, 5]) == 21
    assert keys.tonic_of([0, 12, 21, 21, 5]) == 0
    assert keys.is_minor([0, 12, 21, 21, 5])
    assert not keys.is_minor([0, 12, 21, 1, 5])


def test_a_composer_decides_as_the_intended_key_says(script):
    keys = script("keys")
    for valence in (0.1, 0.459, 0.541, 0.9):
        character = Character(0.5, valence, 0.5, 0.5, 0.9, 0.5, tonic=4)
        meant = keys.intended_key({"valence": valence, "tonic": 4})
        modes = {compose_notes(character, seed, 10.0).mode for seed in range(12)}
        assert {4 + 12 * (4 not in MODES[mode]) for mode in modes} == {meant}
    assert keys.intended_key({"valence": 0.47, "tonic": 4}) is None


def test_composed_music_is_heard_in_its_key(script):
    pytest.importorskip("librosa")
    hearing, keys = script("hearing"), script("keys")
    for valence, wanted in ((0.9, 2), (0.1, 14)):
        piece = hearing.measured(compose(Character(0.5, valence, 0.5, 0.5, 0.2, 0.5, tonic=2), 3, 10.0, RATE, 2), RATE)
        assert keys.elected(piece["keys"]) == wanted
        assert (piece["major"] > 0) == (wanted < 12)
        assert piece["ending"] > hearing.ENDED
        assert len(piece["timbre"]) == 80


def test_rows_count_what_was_heard(script):
    """Two paintings: the first edition changes mode and misses a tonic, this edition does neither."""
    rows, hearing = script("music_rows"), script("hearing")
    piece = {
        "pulse": 0.4,
        "repetition": 0.1,
        "returns": 0.3,
        "returns_shuffled": 0.2,
        "range": 8.0,
        "ending": 3.0,
        "in_tune": 0.8,
        "timbre": [0.0] * 80,
    }
    piece |= {"clicks": 0, "clipping": 0.0, "dc": 0.0, "peak": -1.0, "keys": [2] * 5}
    this = piece | {"pulse": 0.8, "repetition": 0.2, "ending": 20.0}
    minor = piece | {"keys": [16] * 5}
    first = hearing.Heard([[piece, piece], [piece, minor]], [])
    now = hearing.Heard([[this, this | {"timbre": [20.0] * 80}]] * 3, [])
    training = rows.Training(hearing.Heard([[this | {"repetition": 0.25}] * 4], []), np.array([2, 2, 2, 14]))
    characters = [{"valence": 0.9, "tonic": 2}, {"valence": 0.5, "tonic": 2}]
    found = {row.title: row for row in rows.music_rows([first, now], [characters, characters], training)}

    def values(title: str) -> tuple[float, ...]:
        row = found[title]
        return row.first.value, row.this.value, row.training.value if row.training else math.nan

    assert values("pulse, median") == pytest.approx((0.4, 0.8, 0.8))
    assert values("repetition, of the training music's") == pytest.approx((0.4, 0.8, 1.0))
    assert values("ended, share") == (0, 1, 1)
    assert values("tonic as meant, by a vote of five") == (0.75, 1, 1)
    assert values("key (both) as meant") == (1, 1, 0.75)
    assert found["key (both) as meant"].n == "2 / 3"
    assert values("no change of mode over seeds, share of paintings")[:2] == (0.5, 1)
    assert values("clusters of timbre, 6 dB apart") == (1, 2, 1)
    assert found["pulse, median"].difference.value == pytest.approx(0.4)
