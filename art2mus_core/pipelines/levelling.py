"""Levels finished music: soft pieces become louder, and the order of loudness is kept.

How much happens in a piece follows the artwork; how loud it is should not make it inaudible. Pieces for calm pictures are generated at
-41 LUFS, where players and listeners lose them. Each piece gets one gain, and no piece ends below -30 LUFS.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..audio.level import CEILING, finish, limit, settle
from ..measure.sound.loudness import SILENCE, block_powers, gated_loudness
from ..types import Waveform

__all__ = ["MOST_GAIN", "level", "levelled_loudness", "piece_tags"]

FLOOR, SOFTNESS = -29.0, 6.0
"""Loudness in LUFS that soft music approaches from above, and the width of the bend in LU: -41 becomes -28.2, -35 becomes -27.1, -25
becomes -22.5, -16 becomes -15.3."""

MOST_GAIN = 24.0
"""Largest gain in decibels. Music below -53 LUFS, which is nearly silent, gets this gain; below -70 LUFS, the gate of the measurement, none."""

MOST_LIMITED = 6.0
"""Decibels by which the limiter may turn peaks down; what remains attenuates the piece as a whole. A piece can only end below -30 LUFS
if its peaks are more than 34 dB above its loudness; music has 10 to 25."""

ACCURACY, ROUNDS = 0.01, 6
"""The gain is corrected for the loudness that limiting takes, and for blocks that rise above the gate of the measurement, to this
accuracy in LU or in as many rounds."""


def levelled_loudness(lufs: float) -> float:
    """The loudness that a piece of some loudness gets; strictly increasing."""
    if lufs <= SILENCE:
        return lufs
    return lufs + min(MOST_GAIN, SOFTNESS * math.log1p(math.exp((FLOOR - lufs) / SOFTNESS)))


def level(piece: Waveform) -> Waveform:
    """Remove the mean, fade both ends, raise the loudness to :func:`levelled_loudness`, and limit peaks to -1 dBFS.

    Args:
        piece: one piece, [1, channels, N].

    Returns:
        The piece with its `gain`.

    Raises:
        AudioError: samples that are NaN or infinite.
    """
    settled = settle(piece)
    powers = _powers(settled)
    before = gated_loudness(powers)
    if before <= SILENCE:
        return replace(finish(piece), gain=0.0)
    wanted = levelled_loudness(before)
    most = min(MOST_GAIN, MOST_LIMITED + _decibels(CEILING / settled.samples.abs().max().item()))
    gain, missing = 0.0, wanted - before
    for _ in range(ROUNDS):
        gain = min(gain + missing, most)
        louder = replace(settled, samples=settled.samples * 10 ** (gain / 20))
        levelled = limit(louder)
        reached = powers * 10 ** (gain / 10) if levelled is louder else _powers(levelled)
        missing = wanted - gated_loudness(reached)
        if abs(missing) < ACCURACY or (missing > 0 and gain == most):
            break
    return replace(levelled, gain=round(gain, 2))


def piece_tags(piece: Waveform) -> dict[str, str]:
    """The tags of a piece's own: the gain in decibels that levelled it, and its plan."""
    found = {"gain_db": piece.gain, **piece.plan}
    return {name: str(value) for name, value in found.items() if value is not None}


def _powers(piece: Waveform) -> np.ndarray:
    return block_powers(piece.samples[0].double().cpu().numpy(), piece.sample_rate)


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)
