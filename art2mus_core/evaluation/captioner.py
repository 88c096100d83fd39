"""A captioner: BLIP (Li et al. 2022) as transformers stores it, from a folder on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..checkpoints.folder import read_config
from ..errors import CheckpointError
from ..pipelines.stages import Resident
from ..types import Artwork

__all__ = ["Captioner", "open_captioner"]

LONGEST = 40
"""Tokens of a caption."""

BEAMS = 3
"""As in the BLIP authors' evaluation; nothing is drawn at random."""


@dataclass(frozen=True)
class Captioner:
    """Artworks in, words out.

    Attributes:
        network: `BlipForConditionalGeneration`.
        preprocessor: picture to pixels, without torchvision.
        tokenizer: numbers to words.
        resident: the caller's memory policy.
    """

    network: Any
    preprocessor: Any
    tokenizer: Any
    resident: Resident

    def describe(self, artworks: Sequence[Artwork]) -> list[str]:
        """A caption each."""
        rows = [np.ascontiguousarray(artwork.pixels.permute(1, 2, 0).cpu().numpy()) for artwork in artworks]
        pixels = self.preprocessor(rows, input_data_format="channels_last", return_tensors="pt")["pixel_values"]
        with self.resident(self.network), torch.inference_mode():
            weight = next(self.network.parameters())
            tokens = self.network.generate(pixel_values=pixels.to(weight), max_new_tokens=LONGEST, num_beams=BEAMS)
        return [words.strip() for words in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)]


def open_captioner(folder: Path, *, dtype: torch.dtype, resident: Resident) -> Captioner:
    """The captioner in a folder; nothing is ever downloaded.

    Raises:
        CheckpointError: it holds no BLIP, or its weights are not all there.
    """
    from transformers import AutoTokenizer, BlipForConditionalGeneration  # noqa: PLC0415 - where there is a captioner

    try:
        from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil as Preprocessor  # noqa: PLC0415
    except ImportError:  # older versions: the plain name did not ask for torchvision yet
        from transformers import BlipImageProcessor as Preprocessor  # type: ignore[assignment]  # noqa: PLC0415

    # without its configuration, transformers would build and fill a network of its own default size
    if read_config(folder, ".").get("model_type") != "blip":
        raise _broken(folder, "its config.json is of something else")
    local: dict[str, Any] = {"local_files_only": True}
    try:
        filled: Any = BlipForConditionalGeneration.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **local
        )
        network, found = filled
        preprocessor = Preprocessor.from_pretrained(folder, **local)
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise _broken(folder, " ".join(str(error).split())[:300]) from error
    if lacking := sorted(found["missing_keys"]):
        raise _broken(folder, f"its weights lack {', '.join(lacking[:3])}")
    return Captioner(network.eval().to(dtype), preprocessor, tokenizer, resident)


def _broken(folder: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{folder} holds no captioner ({why})",
        "a BLIP for captions as transformers saves it: config.json, model.safetensors, preprocessor_config.json and a tokenizer",
        "Download it whole, or give the captions in a file.",
    )
