"""Captioners that are language models and are asked: any of transformers' models that see or hear and have a template for chats."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..audio.mono import mono
from ..checkpoints.quiet import quietly
from ..images.reading import picture_of
from ..types import Artwork, Waveform
from .prompts import PROMPTS
from .weights import LOCAL, open_network

__all__ = ["ChatCaptioner"]

LONGEST = 120
"""Tokens of a caption."""


@dataclass(frozen=True)
class ChatCaptioner:
    """Describes works one by one, so that a caption never depends on its neighbours.

    Attributes:
        network: a language model that sees or hears.
        processor: of pictures or sounds together with text.
        question: what it is asked.
    """

    network: Any
    processor: Any
    question: str

    @classmethod
    def seeing(cls, folder: Path, dtype: torch.dtype | None) -> ChatCaptioner:
        """A model that sees, as :func:`.files.open_captioner`."""
        from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: PLC0415

        network = open_network(AutoModelForImageTextToText, folder, dtype)
        return cls(network, AutoProcessor.from_pretrained(folder, **LOCAL), PROMPTS["artworks"])

    @classmethod
    def hearing(cls, folder: Path, dtype: torch.dtype | None) -> ChatCaptioner:
        """Qwen2-Audio (Chu et al. 2024), as :func:`.files.open_captioner`."""
        from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration  # noqa: PLC0415

        network = open_network(Qwen2AudioForConditionalGeneration, folder, dtype)
        return cls(network, AutoProcessor.from_pretrained(folder, **LOCAL), PROMPTS["music"])

    def describe(self, works: Sequence[Artwork] | Sequence[Waveform]) -> list[str]:
        """A caption for each artwork, or for each sound [1, channels, N].

        Raises:
            AudioError: samples that are not finite.
        """
        return [self._describe(work) for work in works]

    def _describe(self, work: Artwork | Waveform) -> str:
        name = "image" if isinstance(work, Artwork) else "audio"
        content = [{"type": name}, {"type": "text", "text": self.question}]
        chat = self.processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
        inputs = self.processor(text=[chat], return_tensors="pt", **self._shown(work))
        weight = next(self.network.parameters())
        inputs = {
            name: each.to(weight) if each.is_floating_point() else each.to(weight.device)
            for name, each in inputs.items()
        }
        with torch.inference_mode(), quietly():
            tokens = self.network.generate(**inputs, max_new_tokens=LONGEST, do_sample=False)
        said = tokens[:, inputs["input_ids"].shape[1] :]
        return str(self.processor.batch_decode(said, skip_special_tokens=True)[0]).strip()

    def _shown(self, work: Artwork | Waveform) -> dict[str, Any]:
        """The arguments that show a picture or play a sound."""
        if isinstance(work, Artwork):
            return {"images": [picture_of(work)]}
        rate = self.processor.feature_extractor.sampling_rate
        named = inspect.signature(self.processor.__call__).parameters
        return {"audio" if "audio" in named else "audios": [mono(work, rate).numpy()], "sampling_rate": rate}
