"""The linear head with which a prior is trained: an audio embedding to prompt tokens, in place of CLAP. Aligners replace it."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..types import Embedding, PromptTokens
from .ends import prompt

__all__ = ["ProjectionHead"]


class ProjectionHead(nn.Module):
    """One linear layer, [B, dim] to [B, tokens, width]."""

    def __init__(self, dim: int, tokens: int, width: int, space: str) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"dim": dim, "tokens": tokens, "width": width, "space": space}
        self.space = space
        self.project = nn.Linear(dim, tokens * width)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ProjectionHead:
        return cls(config["dim"], config["tokens"], config["width"], config["space"])

    def align(self, embedding: Embedding) -> PromptTokens:
        return prompt(self.project(embedding.values).unflatten(-1, (self.config["tokens"], self.config["width"])))
