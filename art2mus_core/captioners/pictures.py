"""Captioners that see a picture and are asked nothing: BLIP (Li et al. 2022), GIT (Wang et al. 2022), and encoders with a language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoints.quiet import quietly
from ..types import Artwork
from .weights import LOCAL, open_image_processor, open_network

__all__ = ["BEAMS", "LONGEST", "PictureCaptioner"]

LONGEST = 40
"""Tokens of a caption."""

BEAMS = 3
"""As in the BLIP authors' evaluation; decoding is deterministic."""


@dataclass(frozen=True)
class PictureCaptioner:
    """Describes artworks.

    Attributes:
        network: one of transformers' image-to-text networks.
        preprocessor: picture to pixels.
        tokenizer: token ids to text.
    """

    network: Any
    preprocessor: Any
    tokenizer: Any

    @classmethod
    def load(cls, folder: Path, dtype: torch.dtype | None) -> PictureCaptioner:
        """The captioner in a folder, as :func:`.files.open_captioner`."""
        from transformers import AutoModelForImageTextToText, AutoTokenizer  # noqa: PLC0415

        network = open_network(AutoModelForImageTextToText, folder, dtype)
        return cls(network, open_image_processor(folder), AutoTokenizer.from_pretrained(folder, **LOCAL))

    def describe(self, works: Sequence[Artwork]) -> list[str]:
        """A caption for each artwork."""
        rows = [np.ascontiguousarray(work.pixels.permute(1, 2, 0).cpu().numpy()) for work in works]
        pixels = self.preprocessor(rows, input_data_format="channels_last", return_tensors="pt")["pixel_values"]
        weight = next(self.network.parameters())
        with torch.inference_mode(), quietly():
            tokens = self.network.generate(
                pixel_values=pixels.to(weight), max_new_tokens=LONGEST, num_beams=BEAMS, do_sample=False
            )
        return [text.strip() for text in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)]
