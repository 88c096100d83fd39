"""Real music through the VAE and the vocoder: how a checkpoint would sound if everything before them were perfect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from ...audio.level import finish
from ...audio.reading import read_audio
from ...pipelines.latents import LatentToMusic
from ...pipelines.parts import Choice, open_parts
from ...types import OnStep, Waveform
from ..fields import CheckpointName
from ..records import Piece
from .reference import RealMusic
from .system import Workshop

__all__ = ["ReconstructionSystem"]


class ReconstructionSystem(RealMusic):
    """`reconstruction`.

    Attributes:
        model: the checkpoint, by name or folder.
    """

    kind: Literal["reconstruction"]
    model: CheckpointName = "pocket"

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """With the digest of VAE and vocoder, which compute in float32 everywhere."""
        folder = self._opened(workshop).parts.folder
        weights = workshop.digest(folder / "vae", folder / "vocoder")
        return {"kind": self.kind, "model": Path(self.model).name, "precision": "float32", "weights": weights}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """One by one, at the checkpoint's rate and no longer than the music."""
        pipeline = self._opened(workshop)
        for job in jobs:
            music = read_audio(self.music(job), pipeline.parts.grid.sample_rate).cut(workshop.seconds)
            with torch.inference_mode():
                sound = pipeline.decode(pipeline.encode(music, on_step=on_step), on_step=on_step)
            heard = sound.samples[..., : music.samples.shape[-1]].float().cpu()
            yield finish(replace(sound, samples=heard))

    def _opened(self, workshop: Workshop) -> LatentToMusic:
        """Only what is used is ever opened, and kept then."""
        return LatentToMusic(open_parts(Choice(self.model)), workshop.resident)
