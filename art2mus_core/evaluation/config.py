"""The configuration of an evaluation: a YAML file, checked before anything is generated."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from ..configuration import Configuration, Fields
from ..datasets.manifest import SPLITS
from ..pipelines.settings import LONGEST, MOST_SEED, SHORTEST
from .collection import RESERVED
from .embedders.opening import CLASSIFIERS, EMBEDDERS
from .fields import LocalPath, beside
from .systems import AnySystem
from .systems.shuffled import ShuffledSystem

__all__ = ["CaptionChoice", "EvaluationConfig", "MetricChoice", "Source"]

SYSTEM_NAME = r"^[A-Za-z0-9][A-Za-z0-9_. -]*$"

Seed = Annotated[int, Field(ge=0, le=MOST_SEED)]


class Source(Fields):
    """A source of artworks or real music: exactly one of `folder`, `dataset` and `samples`.

    Attributes:
        folder: a folder of pictures (or, for music, of sounds).
        recursive: include pictures in its subfolders.
        dataset: a folder with a manifest, which includes ids, music and captions.
        samples: the sample artworks of the package.
        split: split of the dataset.
        count: use only the first so many; all if not given.
        group: name under which the artworks are reported; the source's name if not given.
    """

    folder: LocalPath | None = None
    recursive: bool = False
    dataset: LocalPath | None = None
    samples: bool = False
    split: str = "test"
    count: int | None = Field(default=None, gt=0)
    group: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _is_one(self) -> Source:
        if sum((self.folder is not None, self.dataset is not None, self.samples)) != 1:
            raise ValueError("set exactly one of folder, dataset and samples")
        if self.split not in SPLITS:
            raise ValueError(f"split {self.split!r} is not one of {', '.join(SPLITS)}")
        return self


class CaptionChoice(Fields):
    """Sources of captions, in this order: `file`, the dataset, the pictures' metadata, a captioner.

    Attributes:
        file: JSON, {ID: "text"}.
        metadata: use captions in the pictures' metadata.
        captioner: a folder with a BLIP.
    """

    file: LocalPath | None = None
    metadata: bool = False
    captioner: LocalPath | None = None


def _network(table: Collection[str], name: str, info: Any) -> str:  # noqa: ANN401  pydantic's ValidationInfo
    """The name of an embedder or classifier; a path after a colon is relative to the folder of the file."""
    kind, colon, path = name.partition(":")
    if kind not in table:
        raise ValueError(f"{kind!r} is not one of {', '.join(table)}")
    return f"{kind}:{beside(Path(path), info)}" if colon else kind


class MetricChoice(Fields):
    """Options of scoring.

    Attributes:
        embedders: names in `EMBEDDERS`; NAME:PATH for other weights.
        classifier: a name in `CLASSIFIERS`, for the KL of its classes.
        skip_missing: skip models whose weights are not installed.
        seed: seed of bootstraps and shuffles.
        resamples: number of bootstrap resamples.
    """

    embedders: list[Annotated[str, AfterValidator(partial(_network, EMBEDDERS))]] = Field(default=["pocket"])
    classifier: Annotated[str, AfterValidator(partial(_network, CLASSIFIERS))] | None = None
    skip_missing: bool = False
    seed: Seed = 0
    resamples: int = Field(default=1000, gt=0)


class EvaluationConfig(Configuration):
    """The configuration of an evaluation.

    Attributes:
        artworks: sources of artworks.
        systems: the systems that are compared, by name.
        seconds: length of every piece; real music is cut to it.
        seeds: one for each take; a piece's noise depends on the seed and the artwork.
        reference: a folder of real music, such as ID.flac, for artworks whose source has none.
        background: real music that belongs to none of the artworks, for comparing sets of sounds.
        captions: sources of captions.
        metrics: options of scoring.
    """

    kind: ClassVar[str] = "evaluation"

    artworks: list[Source] = Field(min_length=1)
    systems: dict[Annotated[str, Field(pattern=SYSTEM_NAME)], AnySystem] = Field(min_length=1)
    seconds: float = Field(default=10.0, ge=SHORTEST, le=LONGEST)
    seeds: list[Seed] = Field(default=[0], min_length=1)
    reference: LocalPath | None = None
    background: Source | None = None
    captions: CaptionChoice = CaptionChoice()
    metrics: MetricChoice = MetricChoice()

    @field_validator("seeds")
    @classmethod
    def _differ(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("two takes with the same seed would be the same music")
        return seeds

    @field_validator("background")
    @classmethod
    def _is_music(cls, background: Source | None) -> Source | None:
        if background and background.samples:
            raise ValueError("the samples are pictures: use a folder of music, or a dataset")
        return background

    @model_validator(mode="after")
    def _names_hold(self) -> EvaluationConfig:
        lower = [name.lower() for name in self.systems]
        if taken := sorted({name for name in lower if lower.count(name) > 1 or name in RESERVED}):
            raise ValueError(f"systems named {', '.join(taken)}: the name is reserved or used twice")
        for name, system in self.systems.items():
            if isinstance(system, ShuffledSystem):
                other = self.systems.get(system.of)
                if other is None or isinstance(other, ShuffledSystem):
                    raise ValueError(f"systems.{name}.of: {system.of!r} is not another system that composes")
        return self
