"""The settings of a piece and their limits. Importing this file does not import torch, so wrong settings fail at once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..diffusion.schedules import check_solver
from ..errors import SettingError
from .presets import CUSTOM, INSTANT, check_preset

__all__ = [
    "LONGEST",
    "MOST_CANDIDATES",
    "MOST_STEPS",
    "SHORTEST",
    "STRONGEST",
    "Settings",
    "at_once",
    "check_candidates",
    "check_number",
    "check_seed",
    "check_settings",
    "noise_seed",
]

SHORTEST, LONGEST = 1.0, 120.0
"""Limits of a piece's length in seconds."""

MOST_STEPS = 1000
STRONGEST = 20.0
"""Largest guidance scale; above it, the result was only noise in all trials."""

OF_STUDENT = {"steps": None, "guidance": 1.0, "solver": None, "guided_below": 1.0}
"""Settings that a student was trained with; None for those that its checkpoint knows."""

MOST_SEED = 2**63 - 1
MOST_CANDIDATES = 64

BATCH, BATCH_SECONDS = 8, 80.0
"""Most pieces, and most seconds of music, in a batch; larger batches take more memory without being faster."""


@dataclass(frozen=True)
class Settings:
    """The settings of a piece.

    Attributes:
        seconds: length, 1 to 120.
        steps: denoising steps, 1 to 1000.
        guidance: scale of classifier-free guidance, 0 to 20; 0 ignores the artwork, 1 turns guidance off.
        solver: a name in :data:`~art2mus_core.diffusion.schedules.SOLVERS`.
        shared_noise: draw the initial noise from the seed alone, the same for all artworks; music without an artwork always is.
        level: raise soft pieces, so that none is below -30 LUFS; see :mod:`~art2mus_core.pipelines.levelling`.
        reprise: how much returning bars and phrases resemble the first, 0 (through-composed) to 1; heard in music of three bars or
            more from a checkpoint with a plan. See :mod:`~art2mus_core.diffusion.phrases`.
        guided_below: the share of noise levels, from the lowest up, at which guidance is computed, 0 to 1; 1 is all of them. A step
            without guidance takes half the time. See :class:`~art2mus_core.diffusion.guidance.Guided`.
        preset: the preset that these settings began as, or `custom`.

    Raises:
        SettingError: a number outside its range or not finite; an unknown solver.
    """

    seconds: float = 10.0
    steps: int = 8
    guidance: float = 2.0
    solver: str = "dpm++2m-karras"
    shared_noise: bool = False
    level: bool = True
    reprise: float = 0.9
    guided_below: float = 1.0
    preset: str = CUSTOM

    def __post_init__(self) -> None:
        check_number("seconds", self.seconds, SHORTEST, LONGEST)
        check_number("steps", float(self.steps), 1.0, float(MOST_STEPS))
        check_number("guidance", self.guidance, 0.0, STRONGEST)
        check_number("reprise", self.reprise, 0.0, 1.0)
        check_number("guided_below", self.guided_below, 0.0, 1.0)
        check_solver(self.solver)

    def noise_seeds(self, seeds: Sequence[int], artworks: Sequence[str]) -> list[int]:
        """The seeds of the initial noise for pieces with these seeds, and the `sha256` of each piece's artwork."""
        if self.shared_noise:
            return list(seeds)
        return [noise_seed(seed, artwork) for seed, artwork in zip(seeds, artworks, strict=True)]


def noise_seed(seed: int, artwork: str) -> int:
    """The seed of the noise for an artwork: the first 8 bytes, little endian, of the SHA-256 of "SEED ARTWORK", in 63 bits.

    Artworks with noise of their own do not share a rhythm at one seed.

    Args:
        seed: the user's seed.
        artwork: the artwork's `sha256` in hexadecimal.
    """
    digest = hashlib.sha256(f"{seed} {artwork}".encode()).digest()
    return int.from_bytes(digest[:8], "little") & MOST_SEED


def check_settings(**chosen: Any) -> dict[str, Any]:  # noqa: ANN401
    """The given settings that are not None, by name, checked without a checkpoint.

    Raises:
        SettingError: a value outside its range, or one that a student cannot have.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    Settings(**given)
    if "preset" in given:
        check_preset(given["preset"])
    if given.get("preset") == INSTANT and (
        other := [name for name, own in OF_STUDENT.items() if given.get(name, own) != own]
    ):
        raise SettingError(
            f"{' and '.join(other)} with the preset {INSTANT}",
            "the steps that its student was trained for",
            "Leave it out, or choose another preset.",
        )
    return given


def check_number(name: str, value: float, least: float, most: float) -> None:
    """Check that a number is within its range.

    Raises:
        SettingError: it is not.
    """
    if not (math.isfinite(value) and least <= value <= most):
        raise SettingError(f"{name} {value:g}", f"{least:g} to {most:g}", f"Choose another value for {name}.")


def check_seed(seed: int) -> None:
    """Check a seed.

    Raises:
        SettingError: negative, or more than 63 bits.
    """
    if not 0 <= seed <= MOST_SEED:
        raise SettingError(f"seed {seed}", f"0 to {MOST_SEED}", "Choose another seed.")


def at_once(seconds: float) -> int:
    """Number of pieces of a length per batch."""
    return max(1, min(BATCH, int(BATCH_SECONDS / seconds)))


def check_candidates(count: int, seed: int) -> None:
    """Check a number of candidates and their seeds.

    Raises:
        SettingError: not 1 to 64, or `seed + count - 1` is not a valid seed.
    """
    check_number("candidates", float(count), 1.0, float(MOST_CANDIDATES))
    check_seed(seed)
    if seed + count - 1 > MOST_SEED:
        raise SettingError(
            f"{count} candidates from seed {seed}", f"a last seed up to {MOST_SEED}", "Choose a smaller seed."
        )
