"""The Audio Spectrogram Transformer (Gong et al. 2021), a classifier of sounds.

AudioSet has several labels for each sound, and AST was trained with a sigmoid for each. A divergence between sounds requires one
distribution, so the softmax over the same logits is used, as in AudioGen and AudioLDM's evaluation.
"""

from __future__ import annotations

import re
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

from ...audio.fbank import fbank
from ...audio.mono import mono
from ...checkpoints.folder import describes
from ...checkpoints.strict import fill
from ...errors import CheckpointError
from ...types import Waveform
from .weights import AGAIN, FRONT_END, digest, load_front_end, published_file, read_model_config, read_published
from .windows import cut

__all__ = ["SpectrogramTransformer", "open_ast"]

SHIFT = 0.010
"""Hop in seconds."""

RENAMED = (
    (r"\.encoder\.layer\.", ".layers."),
    (r"\.attention\.attention\.query\.", ".attention.q_proj."),
    (r"\.attention\.attention\.key\.", ".attention.k_proj."),
    (r"\.attention\.attention\.value\.", ".attention.v_proj."),
    (r"\.attention\.output\.dense\.", ".attention.o_proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"(\.layers\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
)
"""Patterns of published names and their replacements in transformers 5, applied in order."""


class SpectrogramTransformer:
    """Sounds to probabilities of AudioSet's classes.

    Args:
        name: name of the classifier.
        space: identity of the weights.
        network: spectrogram to logits.
        extractor: the constants of the front end, which :mod:`art2mus_core.audio.fbank` computes: the extractor's result
            depends on whether torchaudio is installed.
    """

    def __init__(
        self, name: str, space: str, network: ASTForAudioClassification, extractor: ASTFeatureExtractor
    ) -> None:
        self.name, self.space, self.network, self.extractor = name, space, network, extractor
        config: Any = network.config
        self.labels = tuple(str(config.id2label[index]) for index in range(config.num_labels))

    @torch.inference_mode()
    def classify(self, waveform: Waveform) -> Float64[np.ndarray, " classes"]:
        """The softmax over the logits, averaged over windows of 10.24 s; shorter sounds are padded as published.

        Raises:
            AudioError: several sounds, samples that are not finite, or less than one frame of 25 ms.
        """
        config: Any = self.network.config
        rate = self.extractor.sampling_rate
        windows = cut(mono(waveform, rate), round(config.max_length * SHIFT * rate))
        logits = [self.network(self._features(window)).logits[0] for window in windows]
        return torch.stack(logits).cpu().double().softmax(-1).mean(0).numpy()

    def _features(self, window: Float[Tensor, " samples"]) -> Float[Tensor, "1 frames bins"]:
        """Normalised log-mel features; missing frames are zeros before the normalisation."""
        config: Any = self.network.config
        logarithms = fbank(window, self.extractor.sampling_rate, config.num_mel_bins)[: config.max_length]
        filled = torch.nn.functional.pad(logarithms, (0, 0, 0, config.max_length - len(logarithms)))
        scaled = (filled - self.extractor.mean) / (2 * self.extractor.std)
        return scaled[None].to(self.network.classifier.dense.weight)


def open_ast(name: str, folder: Path, device: torch.device, *, kind: str) -> SpectrogramTransformer:
    """An AST folder in transformers' layout, in float32.

    Args:
        name: name of the classifier.
        folder: folder with config.json, preprocessor_config.json and the weights.
        device: where it computes.
        kind: prefix of the space's name.

    Raises:
        CheckpointError: a file is missing, damaged or of another network.
    """
    stored, path = read_model_config(folder, "audio-spectrogram-transformer", "AST"), published_file(folder)
    with describes(folder / "config.json", "AST"), torch.device("meta"):
        config: Any = ASTConfig.from_dict(stored)
        network = ASTForAudioClassification(config)
    extractor = _load_extractor(folder, config)
    tensors = _named(read_published(path, "the weights of an AST", AGAIN), network)
    filled = fill(network, tensors, path, partial(ASTForAudioClassification, config), dtype=torch.float32)
    filled.to(device)  # type: ignore[arg-type]  # transformers' wrapper hides the argument
    space = f"{kind}-{digest([path, folder / FRONT_END])}"
    return SpectrogramTransformer(name, space, filled, extractor)


def _load_extractor(folder: Path, config: Any) -> ASTFeatureExtractor:  # noqa: ANN401
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without torchaudio it warns of empty filters in the published front end
        extractor = load_front_end(ASTFeatureExtractor, folder, "AST")
    sizes = extractor.num_mel_bins, extractor.max_length
    if sizes != (config.num_mel_bins, config.max_length) or not extractor.do_normalize:
        raise CheckpointError(
            f"{folder / FRONT_END} has {sizes[1]} frames of {sizes[0]} mel bins",
            f"{config.max_length} of {config.num_mel_bins}, as in config.json, and normalised",
            "Use all files of one checkpoint, or download it again.",
        )
    return extractor


def _named(table: dict[str, Tensor], network: ASTForAudioClassification) -> dict[str, Tensor]:
    """The weights with the names of this version of transformers."""
    known = network.state_dict().keys()
    return {key if key in known else _renamed(key): value for key, value in table.items()}


def _renamed(key: str) -> str:
    for published, current in RENAMED:
        key = re.sub(published, current, key)
    return key
