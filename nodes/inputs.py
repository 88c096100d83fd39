"""Inputs that several nodes have: the same words, ranges and defaults everywhere."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..art2mus_core.diffusion.schedules import SOLVERS
from ..art2mus_core.pipelines.settings import LONGEST, MOST_STEPS, SHORTEST, STRONGEST, Settings
from .folders import model_names

__all__ = [
    "DEFAULTS",
    "artworks",
    "guidance",
    "invert",
    "mask",
    "model_name",
    "seconds",
    "seed",
    "solver",
    "steps",
    "strength",
]

DEFAULTS = Settings()

MOST_SEED = 2**53 - 1
"""What a browser's numbers hold exactly."""


def artworks() -> io.Image.Input:
    """Pictures, each of which is looked at."""
    return io.Image.Input("image", tooltip="One artwork or a batch; each gives a piece of music of its own.")


def mask() -> io.Mask.Input:
    """What is not looked at."""
    return io.Mask.Input(
        "mask",
        optional=True,
        tooltip="What is white in the mask is left out of the artwork: it is filled with the mean colour of the rest.",
    )


def invert(**more: Any) -> io.Boolean.Input:  # noqa: ANN401  of the host's inputs, here and below
    """Which side of the mask is looked at."""
    return io.Boolean.Input(
        "invert",
        default=False,
        tooltip="Off: what is white in the mask is left out. On: only what is white in the mask is used.",
        **{"optional": True, **more},
    )


def model_name() -> io.Combo.Input:
    """A checkpoint that makes music."""
    return io.Combo.Input(
        "model",
        options=model_names(),
        tooltip="'pocket' comes with the pack. Any other entry is a model folder in ComfyUI/models/art2mus.",
    )


def strength(**more: Any) -> io.Float.Input:  # noqa: ANN401
    """Of the artwork."""
    return io.Float.Input(
        "strength",
        default=1.0,
        min=0.0,
        max=2.0,
        step=0.05,
        tooltip="Conditioning strength: how strongly the artwork shapes the music. 1: as trained. 0: not at all. Above 1: "
        "exaggerated.",
        **more,
    )


def seconds() -> io.Float.Input:
    """Length of a piece."""
    return io.Float.Input(
        "seconds",
        default=DEFAULTS.seconds,
        min=SHORTEST,
        max=LONGEST,
        step=0.1,
        tooltip="Length of the music in seconds.",
    )


def steps(**more: Any) -> io.Int.Input:  # noqa: ANN401
    """Of the solver."""
    return io.Int.Input(
        "steps",
        default=DEFAULTS.steps,
        min=1,
        max=MOST_STEPS,
        tooltip="More steps make finer music and take longer. 20 are enough for 'pocket', 30 for published models.",
        **more,
    )


def guidance(**more: Any) -> io.Float.Input:  # noqa: ANN401
    """Classifier-free guidance."""
    return io.Float.Input(
        "guidance",
        default=DEFAULTS.guidance,
        min=0.0,
        max=STRONGEST,
        step=0.1,
        tooltip="Guidance scale: how closely the music follows the artwork. 1.5 suits 'pocket', 3.5 published models. 1 "
        "turns guidance off; anything else takes twice the time.",
        **more,
    )


def solver(**more: Any) -> io.Combo.Input:  # noqa: ANN401
    """How noise is removed."""
    return io.Combo.Input(
        "solver",
        options=list(SOLVERS),
        default=DEFAULTS.solver,
        tooltip="How noise is removed. The first two need few steps, ddim needs many.",
        **more,
    )


def seed() -> io.Int.Input:
    """Of the noise."""
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=MOST_SEED,
        control_after_generate=True,
        tooltip="The same seed, settings and artwork give the same music, here and, up to rounding, on the command line.",
    )
