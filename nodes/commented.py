"""The work of Art2Music Generator: the core's route from artworks and comments, with networks under a :class:`~.memory.Memory`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import count
from typing import Any

import torch

from ..art2mus_core.checkpoints.names import is_commented
from ..art2mus_core.pipelines.art2music import ArtAndCommentToMusic
from ..art2mus_core.pipelines.comments import Comments, tidied
from ..art2mus_core.pipelines.parts import Choice
from ..art2mus_core.pipelines.prompts import PromptText
from ..art2mus_core.pipelines.routes import choose_model, open_route
from ..art2mus_core.pipelines.stages import Resident
from ..art2mus_core.types import Artwork, OnStep, Step, Waveform
from .folders import model_folder
from .memory import Memory, host_memory
from .packing import Audio, pack_audio
from .vae import BYTES_A_MEL_VALUE

__all__ = ["compose_commented"]


def compose_commented(
    artworks: Sequence[Artwork],
    comments: Sequence[str],
    model: str,
    *,
    seconds: float,
    seed: int,
    balance: float,
    memory: Memory | None = None,
) -> tuple[Audio, list[str]]:
    """Generate AUDIO, one piece for each artwork, and sentences on what has no effect.

    Args:
        artworks: the pictures.
        comments: on all of them; blank ones are left out.
        model: name of the checkpoint.
        seconds: length of a piece.
        seed: of all pieces.
        balance: between picture (0) and words (1).
        memory: memory policy; the host's by default.

    Raises:
        SettingError: there is no such checkpoint, it reads no comments, a value is outside its range, or memory is too small.
        CheckpointError: a file of the checkpoint is missing, damaged or does not match the others.
    """
    memory = memory or host_memory()
    told = Comments(tidied(comments), balance)
    name = choose_model(str(model_folder(model, is_commented)), "art2music", commented=True)
    opened: ArtAndCommentToMusic = open_route(
        Choice(name, dtype=memory.dtype), "artwork", resident=nullcontext, offload=False
    )
    settings = opened.settings(seconds=seconds)
    frames = len(artworks) * opened.parts.grid.samples(seconds) // opened.parts.grid.hop
    working = frames * opened.parts.grid.mel_bins * BYTES_A_MEL_VALUE
    pipeline = replace(opened, resident=_resident(memory, working))
    pieces = pipeline.compose(
        artworks,
        comments=[told.texts] * len(artworks),
        balance=balance,
        seeds=[seed] * len(artworks),
        on_step=_counted(memory, len(pipeline.NETWORKS) + settings.steps * pipeline.parts.drawn),
        seconds=seconds,
    )
    own = {"artworks": [artwork.sha256 for artwork in artworks], "seed": seed}
    provenance = {**pipeline.tags(settings, PromptText(), told), **own, **_of_each(pieces)}
    music = Waveform(torch.cat([piece.samples for piece in pieces]), pieces[0].sample_rate)
    return pack_audio(music, provenance), pipeline.remarks(told.texts, seed)


def _of_each(pieces: Sequence[Waveform]) -> dict[str, list[Any]]:
    """Gains and plans of the pieces, if they have some."""
    found: dict[str, list[Any]] = {"gains": [piece.gain for piece in pieces], "plans": [piece.plan for piece in pieces]}
    return {name: values for name, values in found.items() if any(value not in (None, {}) for value in values)}


def _resident(memory: Memory, working: float) -> Resident:
    return lambda network: memory.resident(memory.manage({"network": network}), working=working)


def _counted(memory: Memory, total: int) -> OnStep:
    """Progress over all stages: each event of the route is one step, for none of its stages is long beside the others."""
    report, done = memory.reporter(total), count(1)
    return lambda step: report(Step(step.stage, min(next(done), total), total))
