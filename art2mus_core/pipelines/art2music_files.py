"""Converts the published files of Art2Music (2025): its mel decoder, the fusion trained with it, and a HiFi-GAN."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ..audio.normalisation import read_normalisation
from ..checkpoints.folder import describes, save_component, save_index
from ..checkpoints.pickles import read_pickle
from ..checkpoints.strict import fill, tensor_forms
from ..checkpoints.weight_norm import find_halves, joined_tensors
from ..errors import CheckpointError
from ..networks.bilstm import DEFAULTS, BiLstmDecoder
from ..networks.fusion import GatedFusion
from ..networks.hifigan import HifiGan
from .mel_decoders import check_same_mel

__all__ = ["CLASS", "COMPONENTS", "Published", "convert", "is_decoder"]

CLASS = "Art2MusicPipeline"
COMPONENTS = {
    "fusion": ["art2mus", "GatedFusion"],
    "mel_decoder": ["art2mus", "BiLstmDecoder"],
    "vocoder": ["art2mus", "HifiGan"],
}

MEL: Mapping[str, Any] = MappingProxyType(
    {
        "sample_rate": 22050,
        "hop": 256,
        "mel_bins": 80,
        "scale": "slaney",
        "lowest": 0.0,
        "highest": 8000.0,
        "windows": [1024],
        "floor": 1e-5,
    }
)
"""The published mel; the bins of a file are those of its weights."""

DECODER_KEYS, FUSION_KEYS = "feat_proj, pos_emb, lstm and out_proj", "linear.0, linear.2, gate.0 and residual"
AGAIN = "Choose the file that was saved of it."

RENAMED: Mapping[str, str] = MappingProxyType({"ups.": "upsampler."})
"""Prefixes in HiFi-GAN's own files, and ours; the others are equal."""

OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "num_mels": "model_in_dim",
        "sampling_rate": "sampling_rate",
        "upsample_rates": "upsample_rates",
        "upsample_kernel_sizes": "upsample_kernel_sizes",
        "upsample_initial_channel": "upsample_initial_channel",
        "resblock_kernel_sizes": "resblock_kernel_sizes",
        "resblock_dilation_sizes": "resblock_dilation_sizes",
    }
)
"""Options of the network in HiFi-GAN's config.json, and in transformers'."""

SOUND = ("hop_size", "n_fft", "win_size", "fmin", "fmax")
"""Options of its mel."""


@dataclass(frozen=True)
class Published:
    """The files, and what they do not tell.

    Attributes:
        decoder: weights of the mel decoder.
        fusion: weights of the fusion.
        vocoder: HiFi-GAN's generator, with its config.json beside it.
        normalisation: of the decoder's mel, as :func:`~art2mus_core.audio.normalisation.read_normalisation` reads it.
        encoder: name of the checkpoint that embeds artworks and texts.
        space: name of its space.
        dim: width of its embeddings.
    """

    decoder: Path
    fusion: Path
    vocoder: Path
    normalisation: Mapping[str, Any]
    encoder: str
    space: str
    dim: int


def is_decoder(path: Path) -> bool:
    """Whether a file has weights of Art2Music's mel decoder."""
    try:
        return "feat_proj.weight" in read_pickle(path, "weights", AGAIN)
    except CheckpointError:
        return False


def convert(files: Published, folder: Path) -> list[Path]:
    """Convert the files into a checkpoint of the class `Art2MusicPipeline`, in float32. All of them are checked before anything is written.

    Args:
        files: the files.
        folder: to write; its components are replaced.

    Returns:
        The written components.

    Raises:
        CheckpointError: a file that is missing, damaged or of another network, or parts that contradict each other.
        OutputError: a folder that cannot be written to.
    """
    decoder, vocoder = _decoder(files), _vocoder(files.vocoder)
    check_same_mel(decoder.config["mel"], vocoder.config["mel"], str(files.vocoder))
    fusion = _fusion(files)
    made, fused = fusion.config["dim"], decoder.config["fused_dim"]
    if made != fused:
        raise CheckpointError(f"{files.fusion} makes vectors of {made}", f"of {fused}, as the decoder reads", AGAIN)
    parts: dict[str, tuple[Any, Path]] = {
        "fusion": (fusion, files.fusion),
        "mel_decoder": (decoder, files.decoder),
        "vocoder": (vocoder, files.vocoder),
    }
    for name, (network, path) in parts.items():
        save_component(folder, name, network, network.config, half=False, source=path.name)
    save_index(folder, COMPONENTS, kind=CLASS)
    return [folder / name for name in COMPONENTS]


def _filled(path: Path, tensors: dict[str, Tensor], build: Callable[[], Any]) -> Any:  # noqa: ANN401
    with describes(path, "its network"), torch.device("meta"):
        network = build()
    return fill(network, tensors, path, build, dtype=torch.float32)


def _size(tensors: Mapping[str, Any], key: str, axis: int, default: int) -> int:
    """A size of a weight, or the published one if there is no such weight, which is told when all are compared."""
    value = tensors.get(key)
    return value.shape[axis] if isinstance(value, Tensor) and value.dim() > axis else default


def _decoder(files: Published) -> BiLstmDecoder:
    tensors = read_pickle(files.decoder, f"the weights of Art2Music's decoder: {DECODER_KEYS}", AGAIN)
    bins = _size(tensors, "out_proj.weight", 0, MEL["mel_bins"])
    _ = read_normalisation(files.normalisation, bins)
    layers = sum(key.startswith("lstm.weight_ih_l") and not key.endswith("_reverse") for key in tensors)
    config = {
        "model_type": "bilstm",
        "fused_dim": _size(tensors, "feat_proj.weight", 1, DEFAULTS["fused_dim"]),
        "dim": _size(tensors, "feat_proj.weight", 0, DEFAULTS["dim"]),
        "hidden_dim": _size(tensors, "lstm.weight_hh_l0", 1, DEFAULTS["hidden_dim"]),
        "layers": layers or DEFAULTS["layers"],
        "max_frames": _size(tensors, "pos_emb", 1, DEFAULTS["max_frames"]),
        "mel": {**MEL, "mel_bins": bins},
        "normalisation": dict(files.normalisation),
    }
    return _filled(files.decoder, tensors, lambda: BiLstmDecoder(config))


def _fusion(files: Published) -> GatedFusion:
    tensors = read_pickle(files.fusion, f"the weights of Art2Music's fusion: {FUSION_KEYS}", AGAIN)
    config = {
        "model_type": "gated_residual",
        "text_dim": files.dim,
        "image_dim": files.dim,
        "dim": _size(tensors, "residual.weight", 0, 512),
        "neutral": "neutral_text" in tensors,
        "normalised": False,
        "encoder": files.encoder,
        "text_space": files.space,
        "image_space": files.space,
    }
    return _filled(files.fusion, tensors, lambda: GatedFusion(config))


def _vocoder(path: Path) -> HifiGan:
    wanted = "HiFi-GAN's generator, a table with the weights under generator"
    found = read_pickle(path, wanted, AGAIN).get("generator")
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} has no generator", wanted, "Choose the file named g_ or generator.")
    config = _vocoder_config(path.with_name("config.json"))
    tensors = {_our_name(str(key)): value for key, value in found.items()}
    with describes(path.with_name("config.json"), "a HiFi-GAN"), torch.device("meta"):
        expected = HifiGan(config).state_dict()
    whole = joined_tensors(tensors, find_halves(expected, tensor_forms(tensors), path))
    bins = config["model_in_dim"]
    return _filled(path, {**whole, "mean": torch.zeros(bins), "scale": torch.ones(bins)}, lambda: HifiGan(config))


def _our_name(key: str) -> str:
    theirs = next((prefix for prefix in RENAMED if key.startswith(prefix)), "")
    return RENAMED.get(theirs, "") + key.removeprefix(theirs)


def _vocoder_config(path: Path) -> dict[str, Any]:
    """The configuration in our form of a published one.

    Raises:
        CheckpointError: it is missing or damaged, or of HiFi-GAN V3, or of a mel that ours cannot be.
    """
    remedy = "Put the config.json with which the HiFi-GAN was trained beside it."
    try:
        stored: Any = json.loads(path.read_text(encoding="utf-8"))
        options = {ours: stored[theirs] for theirs, ours in OPTIONS.items()}
        hop, window, length, lowest, highest = (stored[option] for option in SOUND)
        rates = math.prod(stored["upsample_rates"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is missing or lacks an option ({error})", ", ".join((*OPTIONS, *SOUND)), remedy
        ) from error
    if str(stored.get("resblock", "1")) != "1":
        raise CheckpointError(
            f"{path} with resblock {stored['resblock']!r}",
            "resblock '1', the residual blocks of HiFi-GAN V1 and V2",
            "Use a HiFi-GAN V1 or V2; V3 has other blocks.",
        )
    if (rates, length) != (hop, window):
        raise CheckpointError(
            f"{path} with hop_size {hop}, upsample_rates {stored['upsample_rates']}, n_fft {window} and win_size {length}",
            "a hop of the product of the rates, and a window as long as the FFT",
            remedy,
        )
    mel = {**MEL, "sample_rate": options["sampling_rate"], "hop": hop, "mel_bins": options["model_in_dim"]}
    sound = {"windows": [window], "lowest": lowest, "highest": highest}
    return {"model_type": "hifigan", **options, "normalize_before": False, "mel": {**mel, **sound}}
