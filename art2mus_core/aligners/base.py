"""What all kinds of aligners share: their inputs, a learnt null prompt, and a closed gap between pictures and sounds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from ..types import Embedding, PromptTokens
from .ends import accept, prompt
from .gap import GapClosure

__all__ = ["AlignerNetwork"]

Kind = TypeVar("Kind", bound="AlignerNetwork")

NULL_SPREAD = 0.02
"""Standard deviation of an untrained null prompt, as of GPT-2's own embeddings."""


class AlignerNetwork(nn.Module, ABC):
    """Base class of the kinds of aligners; a subclass maps embeddings, patches or both to tokens.

    Args:
        tokens: number of tokens n.
        width: width W of the language model.
        space: name of the embedding space that it is trained on.
        dim: width D of the embedding; None if it uses only patches.
        patch_dim: width P of a patch; None if it uses only the embedding.

    Attributes:
        kind: name of the kind in a file's header, and in the field `model` of a training configuration.
        null: the prompt [n, W] for which the language of audio of no artwork was trained; None if there is none.
        gap: maps embeddings of artworks to the sounds' that the aligner was trained on; None if it was trained on artworks.
    """

    kind: ClassVar[str]
    null: nn.Parameter | None
    gap: GapClosure | None

    def __init__(
        self, *, tokens: int, width: int, space: str, dim: int | None = None, patch_dim: int | None = None
    ) -> None:
        super().__init__()
        self.tokens, self.width, self.space, self.dim, self.patch_dim = tokens, width, space, dim, patch_dim
        self.register_parameter("null", None)
        self.register_module("gap", None)

    @classmethod
    @abstractmethod
    def reads(cls, model: Mapping[str, Any]) -> set[str]:
        """What an aligner of a configuration's field `model` uses: `dim` for the embedding, `patch_dim` for patches."""

    @classmethod
    @abstractmethod
    def sizes_of(cls, state: Mapping[str, Tensor]) -> dict[str, int]:
        """The sizes of a stored state, as arguments beside tokens, width and space.

        Raises:
            KeyError: the state lacks a part that they follow from.
        """

    @classmethod
    def for_state(cls: type[Kind], state: dict[str, Tensor], *, tokens: int, width: int, space: str) -> Kind:  # noqa: PYI019  beartype knows no Self here
        """An untrained aligner with the sizes of a stored state; its keys also decide on a null prompt and a closed gap.

        Raises:
            KeyError: as :meth:`sizes_of`.
        """
        aligner = cls(tokens=tokens, width=width, space=space, **cls.sizes_of(state))
        if "null" in state:
            aligner.add_null()
        if "gap.bias" in state:
            aligner.gap = GapClosure(len(state["gap.bias"]), mapped="gap.weight" in state)
        return aligner

    def add_null(self) -> None:
        """Add an untrained null prompt."""
        self.null = nn.Parameter(NULL_SPREAD * torch.randn(self.tokens, self.width))

    @abstractmethod
    def forward(self, values: Any, patches: Any = None) -> Any:  # noqa: ANN401  subclasses use either or both
        """Tokens [B, n, W] from embeddings [B, D] and patches [B, N, P]."""

    def align(self, embedding: Embedding) -> PromptTokens:
        """[B, D] and, if it uses them, [B, N, P] to [B, n, W], without masked tokens, and with the null prompt if there is one.

        Raises:
            CheckpointError: an embedding of another space or width, or without patches.
        """
        accept(embedding, space=self.space, dim=self.dim, patch_dim=self.patch_dim)
        weight = next(self.parameters())
        values = embedding.values.to(weight)
        if self.gap is not None and not embedding.heard:
            values = self.gap(values)
        patches = None if embedding.patches is None or self.patch_dim is None else embedding.patches.to(weight)
        return prompt(self(values, patches), self.null)
