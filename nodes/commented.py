"""The work of Art2Music Generator: the core's route from artworks and comments, with networks under a :class:`~.memory.Memory`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import Any

import torch

from ..art2mus_core.pipelines.art2music import ArtAndCommentToMusic
from ..art2mus_core.pipelines.choice import Choice
from ..art2mus_core.pipelines.comments import Comments, tidied
from ..art2mus_core.pipelines.prompts import PromptText
from ..art2mus_core.pipelines.routes import choose_model, open_route
from ..art2mus_core.pipelines.stages import Resident
from ..art2mus_core.types import Artwork, OnStep, Step, Waveform
from .folders import commented_folders
from .memory import Memory, host_memory
from .packing import Audio, pack_audio
from .vae import BYTES_A_MEL_VALUE

__all__ = ["Commented", "compose_commented", "open_commented"]


@dataclass(frozen=True)
class Commented:
    """The value of ART2MUS_COMMENTED: an opened checkpoint, and its networks under memory management."""

    pipeline: ArtAndCommentToMusic
    memory: Memory

    @cached_property
    def _managed(self) -> list[tuple[Any, Any]]:
        """Each network and what the memory policy made of it."""
        parts = self.pipeline.parts
        networks = [] if self.pipeline.offload else [getattr(parts, name) for name in self.pipeline.NETWORKS]
        return [(network, self.memory.manage({"network": network})) for network in networks]

    def resident(self, working: float) -> Resident:
        """The memory policy for a stage that needs `working` more bytes; a network that is freed after each stage is managed anew."""

        def load(network: Any) -> AbstractContextManager[Any]:  # noqa: ANN401
            kept = next((managed for each, managed in self._managed if each is network), None)
            return self.memory.resident(kept or self.memory.manage({"network": network}), working=working)

        return load

    def __repr__(self) -> str:
        return f"Commented({self.pipeline.parts.folder.name})"  # the host shows it with an error


def open_commented(model: str, *, memory: Memory | None = None) -> Commented:
    """Open a checkpoint that reads comments.

    Args:
        model: name of the checkpoint.
        memory: memory policy; the host's by default.

    Raises:
        SettingError: there is no such checkpoint, it reads no comments, or memory is too small.
        CheckpointError: a file of the checkpoint is missing, damaged or does not match the others.
    """
    memory = memory or host_memory()
    folder, encoder = commented_folders(model)
    name = choose_model(str(folder), "art2music", commented=True)
    choice = Choice(name, encoder=None if encoder == folder else str(encoder), dtype=memory.dtype)
    return Commented(open_route(choice, "artwork", resident=nullcontext, offload=False), memory)


def compose_commented(
    opened: Commented,
    artworks: Sequence[Artwork],
    comments: Sequence[str],
    *,
    seconds: float,
    seed: int,
    balance: float,
) -> tuple[Audio, list[str]]:
    """Generate AUDIO, one piece for each artwork, and sentences on what has no effect.

    Args:
        opened: from :func:`open_commented`.
        artworks: the pictures.
        comments: on all of them; blank ones are left out.
        seconds: length of a piece.
        seed: of all pieces.
        balance: between picture (0) and words (1).

    Raises:
        SettingError: a value is outside its range, or memory is too small.
    """
    memory, told = opened.memory, Comments(tidied(comments), balance)
    settings, parts = opened.pipeline.settings(seconds=seconds), opened.pipeline.parts
    frames = len(artworks) * parts.grid.samples(seconds) // parts.grid.hop
    working = frames * parts.grid.mel_bins * BYTES_A_MEL_VALUE
    pipeline = replace(opened.pipeline, resident=opened.resident(working))
    pieces = pipeline.compose(
        artworks,
        comments=[told.texts] * len(artworks),
        balance=balance,
        seeds=[seed] * len(artworks),
        on_step=_counted(memory, len(pipeline.NETWORKS) + settings.steps * parts.drawn),
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


def _counted(memory: Memory, total: int) -> OnStep:
    """Progress over all stages: each event of the route is one step, for none of its stages is long beside the others."""
    report, done = memory.reporter(total), count(1)
    return lambda step: report(Step(step.stage, min(next(done), total), total))
