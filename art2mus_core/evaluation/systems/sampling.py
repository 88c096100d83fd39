"""The bases of the systems that sample from a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from ...checkpoints.student import student_file
from ...conditioning.constants import constants_file
from ...diffusion.schedules import STUDENT
from ...images.reading import read_artwork
from ...pipelines import load
from ...pipelines.presets import EXACT
from ...pipelines.settings import MOST_STEPS, STRONGEST, at_once
from ...types import OnStep, Waveform
from ..fields import CheckpointName, Precision
from ..records import Piece
from .system import System, Workshop

__all__ = ["Sampled", "SampledFromArtworks", "batches", "encoder_files", "prior_files"]

Item = TypeVar("Item")

CHOSEN = {"preset", "steps", "guidance", "solver", "guided_below", "shared_noise", "level", "reprise"}

PRIOR = ("language_model", "unet", "vae", "vocoder", "scheduler")


class Sampled(System):
    """A system that uses a checkpoint; settings that are not given are those of the preset.

    Attributes:
        model: the checkpoint, by name or folder.
        preset: the checkpoint's settings by name; `balanced` if not given.
        steps: number of denoising steps.
        guidance: scale of classifier-free guidance.
        solver: name of the solver.
        guided_below: share of the noise levels, from the lowest up, at which guidance is computed.
        level: raise soft pieces, so that none is below -30 LUFS.
        reprise: how much returning phrases resemble the first.
        heads: `config` or `original`.
        precision: precision of the networks; if not given, float32 with the preset `exact`, else the evaluation's.
    """

    route: ClassVar[str]
    """The route of the pipeline."""

    model: CheckpointName = "pocket"
    preset: Literal["exact", "balanced", "fast", "instant"] | None = None
    steps: int | None = Field(default=None, ge=1, le=MOST_STEPS)
    guidance: float | None = Field(default=None, ge=0, le=STRONGEST)
    solver: str | None = None
    guided_below: float | None = Field(default=None, ge=0, le=1)
    level: bool = True
    reprise: float | None = Field(default=None, ge=0, le=1)
    heads: str = "config"
    precision: Precision | None = None

    @property
    def chosen(self) -> dict[str, Any]:
        """The settings of the sampler."""
        return self.model_dump(include=CHOSEN)

    def opened(self, workshop: Workshop, *, offload: bool = False) -> Any:  # noqa: ANN401 - the route's pipeline
        """The pipeline of the checkpoint.

        Args:
            workshop: has the precision and the memory policy.
            offload: as for :func:`~art2mus_core.pipelines.load`.
        """
        exact: Precision | None = "float32" if self.preset == EXACT else None
        return load(  # type: ignore[call-overload]  # the route is not a literal
            self.model,
            route=self.route,
            dtype=workshop.precision(self.precision or exact),
            resident=workshop.resident,
            offload=offload,
            **self.model_dump(include={"aligner", "encoder", "support", "heads", "preset"}),
        )

    def computing(self, pipeline: Any, workshop: Workshop) -> dict[str, Any]:  # noqa: ANN401
        """The settings of an opened pipeline.

        Raises:
            SettingError: one is outside its range.
        """
        settings = vars(pipeline.settings(seconds=workshop.seconds, **self.chosen))
        return {
            "kind": self.kind,
            "model": Path(self.model).name,
            **{name: value for name, value in settings.items() if name != "shared_noise"},  # of artworks alone
            "heads": self.heads,
            "precision": str(pipeline.parts.dtype).removeprefix("torch."),
        }


class SampledFromArtworks(Sampled):
    """A system that composes from pictures.

    Attributes:
        encoder: a checkpoint with an image encoder, in place of the model's.
        shared_noise: noise of the take's seed alone, the same for all artworks.
    """

    route: ClassVar[str] = "artwork"

    encoder: CheckpointName | None = None
    shared_noise: bool = False

    def tagged_seed(self, job: Piece) -> int:
        """The take's seed: composing mixes in the artwork."""
        return job.take_seed

    def source(self, job: Piece, workshop: Workshop) -> dict[str, str]:  # noqa: ARG002
        """The picture."""
        return {"artwork_sha256": job.subject.sha256}

    def beside(self, jobs: Sequence[Piece]) -> dict[str, Any]:  # noqa: ARG002
        """What the pipeline composes from beside the pictures."""
        return {}

    def make(self, jobs: Sequence[Piece], workshop: Workshop, on_step: OnStep | None) -> Iterator[Waveform]:
        """The pieces, composed in batches."""
        pipeline = self.opened(workshop)
        for batch in batches(jobs, at_once(workshop.seconds)):
            artworks = [read_artwork(job.subject.picture) for job in batch]
            seeds = [self.tagged_seed(job) for job in batch]
            given = {"seconds": workshop.seconds, **self.beside(batch), **self.chosen}
            yield from pipeline.compose(artworks, seeds=seeds, on_step=on_step, **given)


def encoder_files(parts: Any) -> Path:  # noqa: ANN401 - of one of two routes
    """The folder of the image encoder of a pipeline's parts."""
    own = parts.encoder_folder / "image_encoder"
    return own if own.is_dir() else parts.encoder_folder


def prior_files(folder: Path, support: str | None = None, *, solver: str | None = None) -> list[Path]:
    """The folders of a checkpoint that its music depends on after the prompt, the constants with a name, and the student of its solver."""
    student = [student_file(folder)] if solver == STUDENT else []
    return [*(folder / name for name in PRIOR), *([constants_file(folder, support)] if support else []), *student]


def batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Successive parts of a sequence, each of at most `size` items."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
