"""The settings of composed music as sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import SettingError
from .rendering import CHANNELS, RATE

__all__ = ["EDITION", "SECONDS", "Sound"]

EDITION = 2
"""The composer's edition: folders with music of another one are not continued."""

SECONDS = 10.0
"""Default length of the music."""

LENGTHS, RATES = (1.0, 600.0), (8_000, 96_000)
"""Shortest and longest music in seconds, lowest and highest rate in hertz."""


@dataclass(frozen=True)
class Sound:
    """What the music is like as sound: lengths in seconds, of which a pair's seed draws one, rate in hertz, channels."""

    seconds: tuple[float, ...] = (SECONDS,)
    rate: int = RATE
    channels: int = CHANNELS

    def check(self) -> None:
        """Refuse what cannot be composed.

        Raises:
            SettingError: a length, the rate or the number of channels.
        """
        fits = self.seconds and all(LENGTHS[0] <= one <= LENGTHS[1] for one in self.seconds)
        if not (fits and RATES[0] <= self.rate <= RATES[1] and self.channels in {1, 2}):
            raise SettingError(
                f"music of {', '.join(f'{one:g}' for one in self.seconds)} s at {self.rate} Hz, channels: {self.channels}",
                f"{LENGTHS[0]:g} to {LENGTHS[1]:g} s, {RATES[0]} to {RATES[1]} Hz, 1 or 2 channels",
                "Choose others.",
            )

    def length(self, seed: int) -> float:
        """The length of a seed's music in seconds."""
        return self.seconds[int(np.random.default_rng((seed, 3)).integers(len(self.seconds)))]
