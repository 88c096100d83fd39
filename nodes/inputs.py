"""Inputs that several nodes share, with the same tooltips, ranges and defaults."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..art2mus_core.diffusion.schedules import SOLVERS
from ..art2mus_core.pipelines.presets import BALANCED, CUSTOM, PRESETS
from ..art2mus_core.pipelines.settings import LONGEST, MOST_STEPS, SHORTEST, STRONGEST, Settings
from .folders import aligner_names, model_names

__all__ = [
    "DEFAULTS",
    "aligner",
    "artworks",
    "guidance",
    "invert",
    "level",
    "mask",
    "model_name",
    "preset",
    "reprise",
    "seconds",
    "seed",
    "shared_noise",
    "solver",
    "steps",
    "strength",
]

DEFAULTS = Settings()

MOST_SEED = 2**53 - 1
"""The largest integer that a browser's numbers represent exactly."""


def artworks() -> io.Image.Input:
    """Input `image`: one artwork or a batch."""
    return io.Image.Input("image", tooltip="One artwork or a batch. Each artwork becomes one piece of music.")


def mask() -> io.Mask.Input:
    """Input `mask`: areas to leave out."""
    return io.Mask.Input(
        "mask",
        optional=True,
        tooltip="White areas of the mask are left out: they are filled with the mean colour of the rest of the picture.",
    )


def invert(**more: Any) -> io.Boolean.Input:  # noqa: ANN401  arguments of the host's inputs, here and below
    """Input `invert`: the side of the mask that is used."""
    return _switch(
        "invert",
        "Off: white areas of the mask are left out. On: only white areas of the mask are used.",
        default=False,
        **more,
    )


def model_name() -> io.Combo.Input:
    """Input `model`: a checkpoint that generates music."""
    return io.Combo.Input(
        "model",
        options=model_names(),
        tooltip="'pocket' is included with the pack. Every other entry is a model folder in ComfyUI/models/art2mus.",
    )


def aligner(**more: Any) -> io.Combo.Input:  # noqa: ANN401
    """Input `aligner`: a trained image aligner."""
    return io.Combo.Input(
        "aligner",
        options=aligner_names(),
        tooltip="The trained image aligner. 'model' is the model's own. It must match the encoder and the model.",
        **more,
    )


def strength(**more: Any) -> io.Float.Input:  # noqa: ANN401
    """Input `strength`: conditioning strength."""
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


def seconds(**more: Any) -> io.Float.Input:  # noqa: ANN401
    """Input `seconds`: length of a piece."""
    usual = {"max": LONGEST, "tooltip": "Length of the music in seconds."}
    return io.Float.Input("seconds", default=DEFAULTS.seconds, min=SHORTEST, step=0.1, **{**usual, **more})


def steps(**more: Any) -> io.Int.Input:  # noqa: ANN401
    """Input `steps`: denoising steps."""
    return io.Int.Input(
        "steps",
        default=DEFAULTS.steps,
        min=1,
        max=MOST_STEPS,
        tooltip="Denoising steps, with preset 'custom'. More steps give finer music and take longer. Use 8 for 'pocket'. For "
        "published models 16 with solver unipc-rho20 are enough.",
        **more,
    )


def guidance(**more: Any) -> io.Float.Input:  # noqa: ANN401
    """Input `guidance`: scale of classifier-free guidance."""
    return io.Float.Input(
        "guidance",
        default=DEFAULTS.guidance,
        min=0.0,
        max=STRONGEST,
        step=0.1,
        tooltip="Guidance scale, with preset 'custom': how closely the music follows the artwork. Use 2 for 'pocket', 3.5 for "
        "published models. 1 turns guidance off; any other value doubles the time.",
        **more,
    )


def solver(**more: Any) -> io.Combo.Input:  # noqa: ANN401
    """Input `solver`: sampling method."""
    return io.Combo.Input(
        "solver",
        options=list(SOLVERS),
        default=DEFAULTS.solver,
        tooltip="Sampling method, with preset 'custom'. ddim needs many steps, the others need few.",
        **more,
    )


def seed() -> io.Int.Input:
    """Input `seed`: seed of the initial noise."""
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=MOST_SEED,
        control_after_generate=True,
        tooltip="The same seed, settings and artwork give the same music, also on the command line (up to rounding).",
    )


def shared_noise() -> io.Boolean.Input:
    """Input `shared_noise`: noise of the seed alone."""
    return _switch(
        "shared_noise",
        "Off: each artwork starts from noise of its own, drawn from the seed and the picture. On: all artworks start from the "
        "same noise of the seed, for morphs and comparisons.",
        default=DEFAULTS.shared_noise,
        advanced=True,
    )


def level() -> io.Boolean.Input:
    """Input `level`: raise soft pieces."""
    return _switch(
        "level",
        "On: soft pieces are made louder, so that none is below -30 LUFS; a softer piece stays softer than a louder one. "
        "Off: the level as generated.",
        default=DEFAULTS.level,
        advanced=True,
    )


def reprise() -> io.Float.Input:
    """Input `reprise`: how much bars and phrases return."""
    return io.Float.Input(
        "reprise",
        default=DEFAULTS.reprise,
        min=0.0,
        max=1.0,
        step=0.05,
        tooltip="How much returning bars and phrases resemble the first. 0: nothing returns on purpose. 1: they return as exactly as possible. "
        "Without effect on music shorter than three bars (about 7 seconds), and on models without a metre.",
        optional=True,
        advanced=True,
    )


def preset(**more: Any) -> io.Combo.Input:  # noqa: ANN401
    """Input `preset`: steps, guidance and solver by name.

    A new node has `balanced`. Graphs without this input, from before there was one, keep what their other inputs say.
    """
    return io.Combo.Input(
        "preset",
        options=[CUSTOM, *PRESETS],
        default=BALANCED,
        tooltip="Steps, guidance and solver by name, as the model defines them. balanced: the usual choice. exact: as the model's authors "
        "composed, which can take long. fast: the fewest computations. instant: one to four steps, for models that have a student. "
        "custom: the inputs steps, guidance and solver of this node, which otherwise have no effect.",
        optional=True,
        **more,
    )


def _switch(name: str, tooltip: str, *, default: bool, **more: Any) -> io.Boolean.Input:  # noqa: ANN401
    return io.Boolean.Input(name, default=default, tooltip=tooltip, **{"optional": True, **more})
