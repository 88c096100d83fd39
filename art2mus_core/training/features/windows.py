"""Which parts of a piece of music are encoded, and how loud they are."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from ...errors import SettingError
from ...types import AudioGrid

__all__ = ["WHOLE", "Window", "read_window"]

SPAN = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)")
RANDOM = re.compile(r"random:([1-9]\d*)x(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Window:
    """The excerpts of a piece that are encoded.

    Attributes:
        start: where the excerpt begins, in seconds; None at random, by the piece's content.
        seconds: length of an excerpt; None for the whole piece.
        count: number of excerpts.
        level: peak to which an excerpt is scaled after its mean is removed; None leaves it as it is.
        frames: least length in latent frames; shorter excerpts are filled up with silence. The whole piece is not.
    """

    start: float | None = 0.0
    seconds: float | None = None
    count: int = 1
    level: float | None = None
    frames: int = 0

    def fitted(self, grid: AudioGrid) -> Window:
        """The window with the number of latent frames that an excerpt has."""
        if self.seconds is None:
            return replace(self, frames=0)
        return replace(self, frames=max(self.frames, grid.latent_frames(self.seconds)))

    def lengths(self, whole: Int[np.ndarray, " pieces"], grid: AudioGrid) -> Int[np.ndarray, " pieces"]:
        """Latent frames of an excerpt of each piece, from those of the whole pieces."""
        return whole if self.seconds is None else np.full_like(whole, self.fitted(grid).frames)

    def cut(
        self, samples: Float[Tensor, "channels samples"], grid: AudioGrid, content: str
    ) -> tuple[list[Float[Tensor, "channels window"]], list[float]]:
        """The excerpts of a piece, padded with silence to whole latent frames, and where they begin, in latent frames.

        A piece that ends before an excerpt would has its last part taken instead; one that is shorter is filled up with silence.

        Args:
            samples: the piece at the grid's rate.
            grid: sizes.
            content: what identifies the piece, which seeds random excerpts.
        """
        step, there = grid.hop * grid.latent_factor, samples.shape[-1]
        if self.seconds is None:
            return [pad(self._levelled(samples), (0, -there % step))], [0.0]
        length = grid.samples(self.seconds)
        room = max(0, there - length)
        if self.start is None:
            seed = int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "little")
            starts = np.random.default_rng(seed).integers(room, endpoint=True, size=self.count).tolist()
        else:
            starts = [min(grid.samples(self.start), room)]
        parts = [self._levelled(samples[:, start : start + length]) for start in starts]
        whole = self.fitted(grid).frames * step
        return [pad(part, (0, whole - part.shape[-1])) for part in parts], [start / step for start in starts]

    def _levelled(self, samples: Float[Tensor, "channels samples"]) -> Float[Tensor, "channels samples"]:
        if self.level is None:
            return samples
        centred = samples - samples.mean(-1, keepdim=True)
        return centred * (self.level / centred.abs().max().clamp(min=1e-8))


WHOLE = Window()
"""Whole pieces, from which training draws crops."""


def read_window(text: str, level: float | None = None, frames: int = 0) -> Window:
    """The window of a setting.

    Args:
        text: `whole`; `START-END` in seconds, such as `10-20`; or `random:COUNTxSECONDS`, such as `random:4x10`.
        level: peak of an excerpt.
        frames: length of a crop, to which shorter excerpts are filled up.

    Raises:
        SettingError: another text, an excerpt without a length, or a level out of range.
    """
    if level is not None and not 0 < level <= 1:
        raise SettingError(f"level {level:g}", "above 0 and at most 1", "Change it, or leave it out.")
    if text == "whole":
        return Window(level=level)
    if found := SPAN.fullmatch(text):
        start, end = float(found[1]), float(found[2])
        if end > start:
            return Window(start, end - start, 1, level, frames)
    if (found := RANDOM.fullmatch(text)) and float(found[2]) > 0:
        return Window(None, float(found[2]), int(found[1]), level, frames)
    raise SettingError(
        f"window {text!r}",
        "whole, START-END in seconds such as 10-20, or random:COUNTxSECONDS such as random:4x10",
        "Correct the window.",
    )
