"""Captioners in the form of Whisper (Radford et al. 2022), fine-tuned to describe sound. They hear its beginning, usually 30 s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..audio.mono import mono
from ..checkpoints.quiet import quietly
from ..types import Waveform
from .weights import LOCAL, open_network

__all__ = ["SoundCaptioner"]

LONGEST = 120
"""Tokens of a caption."""


@dataclass(frozen=True)
class SoundCaptioner:
    """Describes sounds.

    Attributes:
        network: a Whisper.
        preprocessor: sound to mel spectrogram.
        tokenizer: token ids to text.
    """

    network: Any
    preprocessor: Any
    tokenizer: Any

    @classmethod
    def load(cls, folder: Path, dtype: torch.dtype | None) -> SoundCaptioner:
        """The captioner in a folder, as :func:`.files.open_captioner`."""
        from transformers import AutoFeatureExtractor, AutoModelForSpeechSeq2Seq, AutoTokenizer  # noqa: PLC0415

        network = open_network(AutoModelForSpeechSeq2Seq, folder, dtype)
        preprocessor = AutoFeatureExtractor.from_pretrained(folder, **LOCAL)
        return cls(network, preprocessor, AutoTokenizer.from_pretrained(folder, **LOCAL))

    def describe(self, works: Sequence[Waveform]) -> list[str]:
        """A caption for each sound [1, channels, N].

        Raises:
            AudioError: samples that are not finite.
        """
        rate = self.preprocessor.sampling_rate
        sounds = [mono(work, rate).numpy() for work in works]
        features = self.preprocessor(sounds, sampling_rate=rate, return_tensors="pt")["input_features"]
        weight = next(self.network.parameters())
        with torch.inference_mode(), quietly():
            tokens = self.network.generate(input_features=features.to(weight), max_new_tokens=LONGEST, do_sample=False)
        return [text.strip() for text in self.tokenizer.batch_decode(tokens, skip_special_tokens=True)]
