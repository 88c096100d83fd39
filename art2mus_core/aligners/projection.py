"""The image projection of Art2Mus 2024 (arXiv 2410.04906, and the authors' code): two linear layers with a tanh between them.

Its weights were published as pickles: art2mus_img_proj_layer.pt and art2mus_4_img_proj_layer.pt in the folder art2mus_weights of
justivanr/art2mus_. Facts that are not in the files come from the code in that repository.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..checkpoints.pickles import ARCHIVE, PICKLE, read_pickle
from ..checkpoints.strict import Form, check_finite, check_forms, tensor_forms
from .base import AlignerNetwork

__all__ = ["ARCHIVE", "FACTS", "KEYS", "PICKLE", "SIZES", "ProjectionAligner", "count_tokens", "read_published"]


class ProjectionAligner(AlignerNetwork):
    """n tokens from an image embedding, without a norm or a residual connection.

    The embedding is not normalised; ImageBind's, which the published weights were trained on, has unit norm.

    Args:
        dim: width D of the embedding.
        hidden: width of the hidden layer.
        tokens: number of tokens n.
        width: width W of the language model.
        space: name of the embedding space that it is trained on.
    """

    kind = "projection"

    def __init__(self, *, dim: int, hidden: int, tokens: int, width: int, space: str) -> None:
        super().__init__(tokens=tokens, width=width, space=space, dim=dim)
        self.hidden = nn.Linear(dim, hidden)
        self.prompt = nn.Linear(hidden, tokens * width)

    @classmethod
    def reads(cls, model: Mapping[str, Any]) -> set[str]:  # noqa: ARG003
        return {"dim"}

    @classmethod
    def sizes_of(cls, state: Mapping[str, Tensor]) -> dict[str, int]:
        hidden, dim = state["hidden.weight"].shape
        return {"hidden": hidden, "dim": dim}

    def forward(
        self,
        values: Float[Tensor, "batch dim"],
        patches: Float[Tensor, "batch patches patch_dim"] | None = None,  # noqa: ARG002
    ) -> Float[Tensor, "batch tokens width"]:
        return self.prompt(self.hidden(values).tanh()).unflatten(-1, (self.tokens, self.width))


KEYS: Mapping[str, str] = MappingProxyType(
    {
        "projection1.weight": "hidden.weight",
        "projection1.bias": "hidden.bias",
        "projection2.weight": "prompt.weight",
        "projection2.bias": "prompt.bias",
    }
)
"""Keys of :class:`ProjectionAligner` by published key."""

SIZES: Mapping[str, int] = MappingProxyType({"dim": 1024, "hidden": 1536, "width": 768})
"""Widths of ImageBind's embedding, the hidden layer and AudioLDM2's GPT-2; the number of tokens depends on the file."""

FACTS: Mapping[str, str] = MappingProxyType(
    {
        "kind": "projection",
        "space": "imagebind",
        "encoder": "imagebind",
        "prior": "audioldm2",
        "licence": "none stated by its authors, so all rights are theirs",
        "run": "Rinaldi, Fanelli, Castellano, Vessio 2024, arXiv 2410.04906",
    }
)
"""Header fields of the published files; encoder (ImageBind-huge) and prior (cvssp/audioldm2) are from the authors' code."""

EXPECTED = f"an image projection of Art2Mus 2024 with exactly {', '.join(KEYS)}"
AGAIN = "Download it again from where its authors publish it."


def count_tokens(path: Path, *, sizes: Mapping[str, int] = SIZES) -> int:
    """Number of prompt tokens of a published file; keys, shapes and types are checked, values are not read.

    Raises:
        CheckpointError: missing or damaged, or anything but the expected weights.
    """
    return len(_checked(path, sizes)["projection2.bias"]) // sizes["width"]


def read_published(path: Path, *, sizes: Mapping[str, int] = SIZES) -> dict[str, Tensor]:
    """The weights of a published file in float32 by our keys, copied from the file.

    Raises:
        CheckpointError: as :func:`count_tokens`, or values that are not finite.
    """
    tensors = {key: tensor.detach().to(torch.float32, copy=True) for key, tensor in _checked(path, sizes).items()}
    check_finite(tensors, path)
    return {ours: tensors[key] for key, ours in KEYS.items()}


def _checked(path: Path, sizes: Mapping[str, int]) -> dict[str, Tensor]:
    """The table of weights, mapped from the disk, with checked keys, shapes and types."""
    table = read_pickle(path, EXPECTED, AGAIN)
    found = tensor_forms(table)
    values = math.prod(found["projection2.bias"].shape) if "projection2.bias" in found else 0
    rows = max(1, values // sizes["width"]) * sizes["width"]
    shapes = {
        "projection1.weight": [sizes["hidden"], sizes["dim"]],
        "projection1.bias": [sizes["hidden"]],
        "projection2.weight": [rows, sizes["hidden"]],
        "projection2.bias": [rows],
    }
    expected = {key: Form(shape, "float32") for key, shape in shapes.items()}
    check_forms(expected, found, path, EXPECTED, AGAIN)
    return table
