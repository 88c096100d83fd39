"""Systems of real music: the artworks' own, and the same through a checkpoint's VAE and vocoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from ...audio.level import finish
from ...audio.reading import read_audio
from ...errors import EvaluationError
from ...pipelines.choice import Choice
from ...pipelines.latents import LatentToMusic
from ...pipelines.parts import open_parts
from ...types import OnStep, Waveform
from ..fields import CheckpointName
from ..records import Piece
from .system import System, Workshop

__all__ = ["RealMusic", "ReconstructionSystem", "ReferenceSystem"]


class RealMusic(System):
    """A system that requires real music; artworks without it have no piece."""

    seeded: ClassVar[bool] = False

    def jobs(self, workshop: Workshop) -> list[Piece]:
        """One piece for every artwork that has music.

        Raises:
            EvaluationError: none has any.
        """
        if jobs := [job for job in super().jobs(workshop) if job.subject.music]:
            return jobs
        raise EvaluationError(
            "a system of real music without any real music",
            "a `reference` folder or a dataset in the configuration",
            "Add one, or remove the system.",
        )

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:
        """The music."""
        return {"music_sha256": workshop.digest(self.music(job))}

    def music(self, job: Piece) -> Path:
        """The sound file.

        Raises:
            EvaluationError: there is none.
        """
        if job.subject.music is None:
            raise EvaluationError(
                f"no real music for {job.subject.id}", "a file with its id", "Add it to the reference folder."
            )
        return job.subject.music


class ReferenceSystem(RealMusic):
    """`reference`: the artworks' real music."""

    kind: Literal["reference"]

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:  # noqa: ARG002
        """The music, cut to the length of the other pieces."""
        for job in jobs:
            yield read_audio(self.music(job), mono=False).cut(workshop.seconds)


class ReconstructionSystem(RealMusic):
    """`reconstruction`: real music through VAE and vocoder, the upper limit of a checkpoint's sound quality.

    Attributes:
        model: the checkpoint, by name or folder.
    """

    kind: Literal["reconstruction"]
    model: CheckpointName = "pocket"

    def describe(self, workshop: Workshop) -> dict[str, Any]:
        """The settings, with a digest of VAE and vocoder, which compute in float32 here."""
        folder = self._opened(workshop).parts.folder
        weights = workshop.digest(folder / "vae", folder / "vocoder")
        return {"kind": self.kind, "model": Path(self.model).name, "precision": "float32", "weights": weights}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """The music, reconstructed one by one at the checkpoint's sample rate and no longer than the music."""
        pipeline = self._opened(workshop)
        for job in jobs:
            music = read_audio(self.music(job), pipeline.parts.grid.sample_rate, mono=False).cut(workshop.seconds)
            with torch.inference_mode():
                sound = pipeline.decode(pipeline.encode(music, on_step=on_step), on_step=on_step)
            samples = sound.samples[..., : music.samples.shape[-1]].float().cpu()
            yield finish(replace(sound, samples=samples))

    def _opened(self, workshop: Workshop) -> LatentToMusic:
        """A pipeline that loads only the networks that are used, and keeps them."""
        return LatentToMusic(open_parts(Choice(self.model)), workshop.resident)
