"""The base of all training objectives: batches, a loss, validation, and export."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from pydantic import ValidationError
from torch import Tensor, nn

from ..configuration import Fields, known_keys, problems
from ..errors import Art2MusError, DatasetError, SettingError
from .batches import Batch, Draw
from .config import TrainingConfig
from .features.dataset import Dataset, Kind

__all__ = ["Objective", "check_crop", "check_shared", "check_trainable", "read_options", "sized"]


Chosen = TypeVar("Chosen", bound=Fields)


class Objective(nn.Module, ABC):
    """The training objective of a stage.

    An objective is built, which checks all that can be known before features are computed, and then gets them by :meth:`prepare`.

    `trained` has the modules that are trained and saved, by the name of their component; all other modules are frozen.
    `options` are the validated options of the stage's own class.
    `rates` has the peak learning rates of those whose rate is not the configuration's.
    A batch has all random draws of a step, which follow from the step's number; `forward` draws only dropout.

    Args:
        data: the dataset.
        config: configuration of the stage.
        checkpoint: the folder to which the stage adds components.
        device: device on which features are computed.

    Raises:
        DatasetError: the dataset has no training pairs.
    """

    trained: nn.ModuleDict
    options: Any
    sides: tuple[Kind, ...] = ("music",)
    """The files of a dataset that the loss depends on."""

    compares = False
    """Whether the loss compares the examples of a batch with each other, which then cannot be computed in parts."""

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__()
        self.data, self.config, self.checkpoint, self.device = data, config, checkpoint, device
        self.rates: dict[str, float] = {}
        check_trainable(data)

    def prepare(self) -> None:
        """Open the features of the dataset that the loss reads; those that are not stored are computed, which takes long.

        Raises:
            DatasetError: too many files cannot be read.
        """

    @property
    def train_rows(self) -> Int[np.ndarray, " rows"]:
        """The pairs to train on; those whose files failed are left out once features were computed."""
        return self.data.rows("train")

    @property
    def validation_rows(self) -> Int[np.ndarray, " rows"]:
        """The pairs to validate with."""
        return self.data.rows("validation")

    def compiled(self) -> list[nn.Module]:
        """The networks that `compile: true` compiles: those in which a step spends its time."""
        return list(self.trained.values())

    def check_shared(self, processes: int) -> None:
        """Raises as :func:`check_shared`."""
        check_shared(self.config, processes, len(self.train_rows), compares=self.compares)

    def parts(self) -> dict[str, dict[str, str]]:
        """Digests of the frozen parts on which the result depends, by name: those of the `checkpoint`, and of the image `encoder`."""
        return {}

    def settled(self, model: dict[str, Any]) -> dict[str, Any]:
        """A configuration's field `model`, with what is left out and has a default or follows from the parts.

        Raises:
            SettingError: an invalid field.
        """
        return {name: value for name, value in model.items() if value is not None}

    @abstractmethod
    def batch(self, draw: Draw) -> Batch:
        """A batch of training examples."""

    @abstractmethod
    def forward(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: ANN401
        """The loss of a batch, and its terms by name."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Results on the validation pairs by name; the loop calls it only if there are such pairs."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write the trained components to a checkpoint folder."""

    def header(self) -> dict[str, Any]:
        """What the header of a part's own file says; nothing if the stage has no part that is used alone."""
        return {}


def check_shared(config: TrainingConfig, processes: int, pairs: int, *, compares: bool) -> None:
    """Check that several processes, and parts one after the other, can share the batches.

    Args:
        config: the configuration.
        processes: number of processes.
        pairs: number of training pairs.
        compares: whether the loss compares the examples of a batch.

    Raises:
        SettingError: there are more processes than training pairs, or parts of a batch whose examples are compared.
    """
    if processes > pairs:
        raise SettingError(
            f"{processes} processes for {pairs} training pairs",
            "at most one for each pair",
            "Start fewer processes.",
        )
    if compares and config.accumulate > 1:
        raise SettingError(
            f"accumulate {config.accumulate} with stage {config.stage}, which compares the examples of a batch",
            "accumulate 1, because parts of the batch would be compared alone",
            "Set `accumulate: 1`, and lower the batch if memory is short.",
        )


def read_options(config: TrainingConfig, kind: type[Chosen]) -> Chosen:
    """The validated field `options` of a configuration.

    Raises:
        SettingError: an option is missing, unknown or invalid.
    """
    try:
        return kind(**config.options)
    except ValidationError as error:
        unnamed = any(each["type"] in {"extra_forbidden", "missing"} for each in error.errors())
        raise SettingError(
            f"options of stage {config.stage} with {problems(error, lambda: known_keys(kind))}",
            f"some of {', '.join(kind.model_fields)}" if unnamed else "values as in docs/TRAINING.md",
            "Correct the configuration.",
        ) from error


@contextmanager
def sized(stage: str) -> Iterator[None]:
    """Report errors of the block, which builds networks from a configuration's field `model`.

    Raises:
        SettingError: networks cannot have these sizes.
    """
    try:
        yield
    except Art2MusError:
        raise
    except Exception as error:  # torch and constructors raise all kinds of errors for invalid sizes
        reason = f"lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise SettingError(
            f"the field model of stage {stage} is invalid ({reason})",
            "sizes as in the packaged configuration of the stage",
            "Correct the configuration.",
        ) from error


def check_trainable(data: Dataset) -> None:
    """Check that a dataset has pairs to train on.

    Raises:
        DatasetError: it has none.
    """
    if not len(data.rows("train")):
        raise DatasetError(f"no training pairs in {data.folder}", "some of the split train", "Correct the manifest.")


def check_crop(crop: int, lengths: Int[np.ndarray, " pairs"], data: Dataset, multiple: int = 1) -> None:
    """Check the length of crops in frames, before features are computed, which take long.

    Raises:
        SettingError: it is longer than the shortest piece, or no multiple of `multiple`, the factor of the VAE.
    """
    shortest = data.kept[lengths[data.kept].argmin()]
    most = int(lengths[shortest])
    if not 0 < crop <= most or crop % multiple:
        steps, pair = f", in steps of {multiple}" if multiple > 1 else "", data.pairs[shortest]
        raise SettingError(
            f"crop {crop}",
            f"{multiple} to {most} frames{steps}",
            f"{pair.music} is the shortest piece: choose --set options.crop={max(1, most // multiple) * multiple}, or leave out "
            f"pieces below {pair.seconds * crop / most:.3g} s with `art2mus dataset make` and --shortest.",
        )
