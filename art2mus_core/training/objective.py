"""What a stage of training is: data by step number, a loss, a validation, an export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from ..configuration import Fields, problems
from ..errors import Art2MusError, DatasetError, SettingError
from .batches import Batch
from .config import TrainingConfig
from .draws import Draw
from .features import Dataset, Pieces

__all__ = ["Objective", "check_crop", "sized"]


Chosen = TypeVar("Chosen", bound=Fields)


class Objective(nn.Module):
    """Base of all stages.

    `trained` holds the modules that learn and are saved, by the name of their component; everything else a subclass keeps
    is frozen. All draws of a step are in its batch, and follow from the step's number: `forward` draws nothing but dropout.

    Args:
        data: the pairs.
        config: the stage.
        checkpoint: the folder that it adds to.
        device: where features are computed.

    Raises:
        DatasetError: no pairs to train on.
    """

    trained: nn.ModuleDict

    def __init__(self, data: Dataset, config: TrainingConfig, checkpoint: Path, device: torch.device) -> None:
        super().__init__()
        self.data, self.config, self.checkpoint, self.device = data, config, checkpoint, device
        self.train_rows, self.validation_rows = data.rows("train"), data.rows("validation")
        if not len(self.train_rows):
            raise DatasetError(f"no training pairs in {data.folder}", "some of the split train", "Mend the manifest.")

    def read_options(self, kind: type[Chosen]) -> Chosen:
        """The field `options`, checked.

        Raises:
            SettingError: one is missing, not known or no such value.
        """
        try:
            return kind(**self.config.options)
        except ValidationError as error:
            raise SettingError(
                f"options of stage {self.config.stage} with {problems(error)}",
                f"some of {', '.join(kind.model_fields)}",
                "Mend the configuration.",
            ) from error

    def batch(self, draw: Draw) -> Batch:
        """Training examples."""
        raise NotImplementedError

    def forward(self, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:  # noqa: ANN401
        """The loss of a batch, and what else is worth plotting."""
        raise NotImplementedError

    def validate(self) -> dict[str, float]:
        """Figures on pairs that are not trained on; nothing where there are none."""
        raise NotImplementedError

    def export(self, folder: Path) -> None:
        """Write the trained components into a checkpoint folder."""
        raise NotImplementedError


@contextmanager
def sized(stage: str) -> Iterator[None]:
    """Networks that are built from the sizes in a configuration's field `model`.

    Raises:
        SettingError: no network has such sizes.
    """
    try:
        yield
    except Art2MusError:
        raise
    except Exception as error:  # of torch and of constructors, over whatever a person has written
        reason = f"lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise SettingError(
            f"the field model of stage {stage} describes no network ({reason})",
            "sizes as in the packaged configuration of the stage",
            "Mend the configuration.",
        ) from error


def check_crop(crop: int, pieces: Pieces, data: Dataset, multiple: int = 1) -> None:
    """Refuse a length of crops, in frames, that a piece does not have or the VAE cannot halve to the end.

    Raises:
        SettingError: it is one.
    """
    shortest = int(pieces.lengths.argmin())
    most = int(pieces.lengths[shortest])
    if not 0 < crop <= most or crop % multiple:
        steps = f", in steps of {multiple}" if multiple > 1 else ""
        raise SettingError(
            f"crop {crop}",
            f"{multiple} to {most} frames{steps}",
            f"Change it in the options; {data.pairs[shortest].music} is the shortest piece.",
        )
