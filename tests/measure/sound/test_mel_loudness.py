from __future__ import annotations

import numpy as np
import pytest
import torch

from art2mus_core.audio.mel import MelTransform
from art2mus_core.measure.sound.loudness import integrated_loudness
from art2mus_core.measure.sound.mel_loudness import mel_loudness
from art2mus_core.types import AudioGrid

SEMITONES = AudioGrid(16_000, 160, 61, "semitone", 48.0, 0.0, (4096, 1024, 256), 1e-5)
SLANEY = AudioGrid(16_000, 160, 64, "slaney", 0.0, 8000.0, (1024,), 1e-5)


@pytest.mark.parametrize("grid", [SEMITONES, SLANEY], ids=["semitone", "slaney"])
@pytest.mark.parametrize("level", [0.3, 0.003])
def test_a_chord_has_the_loudness_that_its_mel_promises(grid, level):
    at = np.arange(32_000) / 16_000
    notes = [np.sin(2 * np.pi * 440 * 2 ** (note / 12) * at) for note in (-9.4, 0, 7, 16.2)]
    chord = level * sum(notes) * (at % 0.7 < 0.5)
    mel = MelTransform(grid)(torch.from_numpy(chord).float()[None])[0].numpy()
    assert mel_loudness(mel, grid) == pytest.approx(integrated_loudness(chord[None], 16_000), abs=1.5)


def test_silence_is_silent():
    assert mel_loudness(np.full((50, 61), np.log(1e-5)), SEMITONES) == -70
