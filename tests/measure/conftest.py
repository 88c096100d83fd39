from __future__ import annotations

import numpy as np
import pytest
import torch

from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.rendering import compose

RATE = 16_000
CALM = Character(arousal=0.2, valence=0.7, warmth=0.8, height=0.4, tension=0.1, detachment=0.3, tonic=2)
WILD = Character(arousal=0.9, valence=0.3, warmth=0.2, height=0.6, tension=0.7, detachment=0.7, tonic=7)


@pytest.fixture(scope="session")
def clips() -> list[np.ndarray]:
    """Three calm clips and three wild ones, 2.7 s at 16 kHz in float64."""
    return [compose(mood, seed, 2.7, RATE, 1)[0].astype(np.float64) for mood in (CALM, WILD) for seed in range(3)]


@pytest.fixture(scope="session")
def embedded() -> tuple[np.ndarray, np.ndarray]:
    """What the bundled sound tower says of 132 windows of calm music and of 132 of wild music, [132, 128] in float64."""
    from art2mus_core.checkpoints.names import locate
    from art2mus_core.encoders.files import load_audio_encoder
    from art2mus_core.types import Waveform

    listener = load_audio_encoder(locate("pocket"), dtype=torch.float32)

    def embed(mood: Character) -> np.ndarray:
        music = torch.from_numpy(np.stack([compose(mood, seed, 6.0, RATE, 1)[0] for seed in range(4)]))
        windows = music.unfold(1, RATE, 2500).flatten(0, 1)[:, None]
        with torch.no_grad():
            return listener.encode(Waveform(windows, RATE)).values.double().numpy()

    return embed(CALM), embed(WILD)
