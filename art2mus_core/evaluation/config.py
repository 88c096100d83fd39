"""What a person writes to have systems compared: a YAML file, checked before anything is made."""

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
    """Where artworks, or real music, come from; exactly one of `folder`, `dataset` and `samples`.

    Attributes:
        folder: of pictures (or, for music, of sounds).
        recursive: look into the folders in it too, for pictures.
        dataset: a folder with a manifest; ids, music and captions come with the artworks.
        samples: the artworks that come with the package.
        split: of the dataset.
        count: the first so many; all if not given.
        group: what the artworks are reported under; the source's own name if not given.
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
            raise ValueError("name exactly one of folder, dataset and samples")
        if self.split not in SPLITS:
            raise ValueError(f"split {self.split!r} is none of {', '.join(SPLITS)}")
        return self


class CaptionChoice(Fields):
    """Where captions come from. What is written in `file` wins over the dataset's, that over metadata, that over a captioner.

    Attributes:
        file: JSON, {ID: "words"}.
        metadata: whether what the picture's file says of itself is a caption.
        captioner: a folder with a BLIP.
    """

    file: LocalPath | None = None
    metadata: bool = False
    captioner: LocalPath | None = None


def _judge(table: Collection[str], name: str, info: Any) -> str:  # noqa: ANN401  pydantic's ValidationInfo
    """A judge's name, the path that may stand behind its colon taken from the folder of the file."""
    kind, colon, path = name.partition(":")
    if kind not in table:
        raise ValueError(f"{kind!r} is none of {', '.join(table)}")
    return f"{kind}:{beside(Path(path), info)}" if colon else kind


class MetricChoice(Fields):
    """What is measured.

    Attributes:
        embedders: names in `EMBEDDERS`; with `:PATH` behind it, for weights of one's own.
        classifier: a name in `CLASSIFIERS`, for the KL of its classes.
        skip_missing: go on without an embedder whose weights are not here.
        seed: of bootstraps and shuffled pairs.
        resamples: of every bootstrap.
    """

    embedders: list[Annotated[str, AfterValidator(partial(_judge, EMBEDDERS))]] = Field(default=["pocket"])
    classifier: Annotated[str, AfterValidator(partial(_judge, CLASSIFIERS))] | None = None
    skip_missing: bool = False
    seed: Seed = 0
    resamples: int = Field(default=1000, gt=0)


class EvaluationConfig(Configuration):
    """One comparison.

    Attributes:
        artworks: sources of artworks.
        systems: what makes music for them, by name.
        seconds: length of every piece; real music is cut to it.
        seeds: one a take; each artwork's noise follows from one of these and the artwork.
        reference: a folder of real music, ID.flac and the like, for artworks whose source has none.
        background: real music of no artwork here, which sound is compared with.
        captions: words on the artworks.
        metrics: what is measured.
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
            raise ValueError("two takes of the same seed would be the same music")
        return seeds

    @field_validator("background")
    @classmethod
    def _is_music(cls, background: Source | None) -> Source | None:
        if background and background.samples:
            raise ValueError("the samples are pictures: name a folder of music, or a dataset")
        return background

    @model_validator(mode="after")
    def _names_hold(self) -> EvaluationConfig:
        lower = [name.lower() for name in self.systems]
        if taken := sorted({name for name in lower if lower.count(name) > 1 or name in RESERVED}):
            raise ValueError(f"systems named {', '.join(taken)}: a folder is called so already")
        for name, system in self.systems.items():
            if isinstance(system, ShuffledSystem):
                other = self.systems.get(system.of)
                if other is None or isinstance(other, ShuffledSystem):
                    raise ValueError(f"systems.{name}.of: {system.of!r} is no other system that makes music")
        return self
