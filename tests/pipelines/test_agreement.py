from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from art2mus_core.character import CHARACTERS, Character
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.measure.sound.music import measure
from art2mus_core.pipelines.agreement import MEASURES, TABLE, agreement, write_music_table
from art2mus_core.types import Waveform

RATE = 16_000
MIDDLING = Character(**dict.fromkeys(CHARACTERS, 0.5), tonic=2)
CALM, AGITATED = (replace(MIDDLING, arousal=level) for level in (0.1, 0.9))


def heard(character: Character, seed: int = 0):
    return measure(Waveform(torch.from_numpy(compose(character, seed, 6.0, RATE, 1))[None], RATE))


@pytest.mark.parametrize("seed", range(3))
def test_music_agrees_best_with_the_character_that_it_was_composed_for(seed):
    calm, agitated = heard(CALM, seed), heard(AGITATED, seed)
    assert agreement(CALM, calm) > agreement(AGITATED, calm) + 0.1
    assert agreement(AGITATED, agitated) > agreement(CALM, agitated) + 0.1


@pytest.mark.parametrize(("name", "sign"), [("arousal", 1), ("valence", 1), ("warmth", -1), ("height", 1)])
def test_each_measure_counts_in_its_direction(name, sign):
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    music = replace(
        heard(MIDDLING), **{measure: table[measure][len(table[measure]) // 2] for measure in MEASURES.values()}
    )
    assert agreement(MIDDLING, music) == pytest.approx(1.0, abs=1e-6)
    high = replace(music, **{MEASURES[name]: table[MEASURES[name]][-1]})
    assert agreement(MIDDLING, high) == pytest.approx(1 - 0.5 / 4, abs=1e-6)
    wanted = replace(MIDDLING, **{name: 1.0 if sign > 0 else 0.0})
    assert agreement(wanted, high) == pytest.approx(1.0, abs=1e-6)


def test_silence_agrees_with_nothing_that_it_does_not_have():
    silence = measure(Waveform(torch.zeros(1, 1, 2 * RATE), RATE))
    assert agreement(replace(MIDDLING, arousal=0.0), silence) == pytest.approx(0.25, abs=0.02)


def test_the_table_has_the_quantiles_of_the_pieces(tmp_path):
    pieces = [replace(heard(MIDDLING), onset_rate=rate) for rate in np.linspace(1.0, 5.0, 9)]
    write_music_table(pieces, tmp_path / "music.json")
    rates = json.loads((tmp_path / "music.json").read_text(encoding="utf-8"))["onset_rate"]
    assert (rates[0], rates[len(rates) // 2], rates[-1]) == (1.0, 3.0, 5.0)
