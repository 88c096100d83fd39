"""Comments of viewers as training reads them: each different one embedded once, and a mean over some of a pair's."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor

from ...checkpoints.folder import read_config
from ...checkpoints.identity import component_digest
from ...checkpoints.names import locate
from ...encoders.texts import load_text_encoder
from ...errors import DatasetError, SettingError
from ...pipelines.comments import tidied
from ...types import Step
from ..batches import Draw
from ..features.dataset import Dataset

__all__ = ["Comments", "comments_of", "keep_text_encoder", "text_folder"]

PART, CHUNK = "text_encoder", 64


@dataclass(frozen=True)
class Comments:
    """The embeddings of the comments of every pair.

    Attributes:
        space: of the text encoder.
        vectors: of each different comment.
        of_pair: those of each pair.
        digests: of the text encoder and of the comments.
    """

    space: str
    vectors: Float32[np.ndarray, "comments dim"]
    of_pair: list[Int[np.ndarray, " some"]]
    digests: dict[str, str]

    @classmethod
    @torch.no_grad()
    def of(cls, data: Dataset, folder: Path, device: torch.device) -> Comments:
        """Embed the comments of a dataset.

        Raises:
            DatasetError: no pair has comments.
            CheckpointError: the text encoder is missing or damaged.
        """
        first, told = dict[str, int](), comments_of(data)
        of_pair = [np.array([first.setdefault(each, len(first)) for each in some], int) for some in told]
        encoder, texts, found = load_text_encoder(folder), list(first), list[Tensor]()
        if isinstance(encoder, torch.nn.Module):
            encoder.to(device)
        for start in range(0, len(texts), CHUNK):
            found.append(encoder.encode(texts[start : start + CHUNK]).values.float().cpu())
            if data.on_step:
                data.on_step(Step("comments", min(start + CHUNK, len(texts)), len(texts)))
        digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        digests = {"text_encoder": component_digest(folder, "."), "comments": digest}
        return cls(encoder.space, torch.cat(found).numpy(), of_pair, digests)

    @property
    def dim(self) -> int:
        """Width of the embeddings."""
        return int(self.vectors.shape[1])

    def drawn(
        self, draw: Draw, rows: Int[np.ndarray, " size"], *, all_of_them: bool
    ) -> tuple[Float[Tensor, "part dim"], Bool[Tensor, " part"]]:
        """The mean of some of the comments of each pair, drawn at random, or of all; and whether a pair has any, for this process.

        Of n comments 1 is drawn with a chance of n^(-1/3), and seldom many: users write one.
        """
        most = max(map(len, self.of_pair))
        counts, orders = draw.shares(), draw.rng.random((draw.size, most))
        values = np.zeros((draw.size, self.dim), np.float32)
        for place, row in enumerate(rows):
            there = self.of_pair[row]
            if len(there):
                count = len(there) if all_of_them else 1 + int(counts[place] ** 3 * len(there))
                values[place] = self.vectors[there[orders[place, : len(there)].argsort()[:count]]].mean(0)
        has = np.array([len(self.of_pair[row]) > 0 for row in rows])
        return torch.from_numpy(values[draw.part]), torch.from_numpy(has[draw.part])


def comments_of(data: Dataset) -> list[tuple[str, ...]]:
    """The tidied comments of every pair.

    Raises:
        DatasetError: no pair has any.
    """
    told = [tidied(pair.comments) for pair in data.pairs]
    if not any(told):
        raise DatasetError(
            f"no pair in {data.folder} has comments",
            "comments of viewers on the artworks",
            "Make pairs with `art2mus synthesize --comments`, or fill the column comments of the manifest.",
        )
    return told


def text_folder(checkpoint: Path, encoder: Path, chosen: str | None) -> Path:
    """The folder with the configuration of the text encoder.

    Args:
        checkpoint: gets the decoder.
        encoder: folder of the image encoder.
        chosen: name or folder of the text encoder, or of a checkpoint with one; by default the checkpoint's own, else the image encoder's,
            which then is a CLIP.

    Raises:
        SettingError: there is none.
    """
    places = [locate(chosen)] if chosen else [checkpoint, encoder]
    for place in places:
        for folder in (place / PART, place):
            if (folder / "config.json").is_file() and "model_type" in read_config(folder, "."):
                return folder
    raise SettingError(
        f"no text encoder in {' or '.join(map(str, places))}",
        "a folder text_encoder, or a CLIP",
        "Name one in the options, such as `text_encoder: art2music`.",
    )


def keep_text_encoder(texts: Path, encoder: Path, folder: Path) -> None:
    """Copy a text encoder into a checkpoint, unless it is there, or is the tower of the same CLIP as the image encoder."""
    if texts != encoder and texts.resolve() != (folder / PART).resolve():
        shutil.copytree(texts, folder / PART, dirs_exist_ok=True)
