"""The audio tower of AudioLDM2's CLAP (Wu et al. 2023), which embeds sounds in the space of its text tower.

The published checkpoints have it in `text_encoder`, beside the text tower that their pipeline uses, and its front end in
`feature_extractor`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import ClapFeatureExtractor
from transformers.models.clap.configuration_clap import ClapConfig
from transformers.models.clap.modeling_clap import ClapAudioModelWithProjection

from ..audio.mono import mono
from ..checkpoints.folder import describes, load_component
from ..errors import CheckpointError
from ..types import Waveform

__all__ = ["ClapAudio", "load_clap_audio"]

COUNTER = "relative_position_index"
"""Buffers of indices, which only some versions of transformers store with the weights."""


class ClapAudio(nn.Module):
    """The audio tower with its front end."""

    def __init__(self, extractor: ClapFeatureExtractor, network: ClapAudioModelWithProjection) -> None:
        super().__init__()
        self.extractor, self.network = extractor, network

    def embed(self, sound: Waveform) -> Float[Tensor, "1 dim"]:
        """The unit-norm embedding of one sound: the mean of those of its parts of 10 s; a rest shorter than half of that is left out.

        Raises:
            AudioError: several sounds, or samples that are not finite.
        """
        rate, length = self.extractor.sampling_rate, self.extractor.nb_max_samples
        parts = mono(sound, rate).split(length)
        whole = [part.numpy() for part in parts if 2 * len(part) >= length] or [parts[0].numpy()]
        features = self.extractor(whole, truncation="rand_trunc", sampling_rate=rate, return_tensors="pt")
        heard = self.network(input_features=features["input_features"].to(self.network.device)).audio_embeds
        return F.normalize(F.normalize(heard, dim=-1).mean(0, keepdim=True), dim=-1)


def load_clap_audio(folder: Path) -> ClapAudio:
    """Load the audio tower of a checkpoint's CLAP (`text_encoder`, `feature_extractor`) in float32.

    Raises:
        CheckpointError: a file is missing or damaged, weights and configuration differ, or the tower embeds random crops.
    """
    network = load_component(folder, "text_encoder", _build, unused=_is_no_audio)
    path = folder / "feature_extractor" / "preprocessor_config.json"
    if not path.is_file():
        raise CheckpointError(
            f"{path} is missing", "the front end of CLAP", "Install or download the checkpoint again."
        )
    with describes(path, "CLAP's front end"):
        extractor = ClapFeatureExtractor.from_pretrained(path.parent, local_files_only=True)
    return ClapAudio(extractor, network).eval()


def _build(config: dict[str, Any]) -> ClapAudioModelWithProjection:
    """Build the tower by way of ClapConfig, which copies the projection's size and activation into the audio configuration."""
    audio: Any = ClapConfig(**config).audio_config
    if audio.enable_fusion:
        raise ValueError("feature fusion, which embeds random crops of a sound")
    try:
        network = ClapAudioModelWithProjection(audio)
    except RuntimeError:  # older versions of transformers cannot build it on `meta`
        with torch.device("cpu"):
            network = ClapAudioModelWithProjection(audio)
    for module in network.modules():
        if COUNTER in dict(module.named_buffers(recurse=False)):
            module.register_buffer(COUNTER, getattr(module, COUNTER), persistent=False)
    return network


def _is_no_audio(key: str) -> bool:
    return key.startswith(("text_", "logit_scale_")) or key.endswith(COUNTER)
