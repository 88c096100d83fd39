"""LoRA files: small changes of a denoiser's weights, stored under the keys that ComfyUI's LoRA loaders read.

A layer's weight W becomes W + strength * alpha / rank * B A (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..digests import file_digest, half_digest
from ..errors import CheckpointError, SettingError
from .folder import weights_file
from .names import existing
from .strict import Form, check_finite, check_forms, header_forms, listed
from .tensors import opened, read_tensors, save_tensors

__all__ = ["STRONGEST", "Lora", "check_lora", "denoiser_fingerprint", "merge_lora", "save_lora"]

PREFIX = "diffusion_model."
"""The name of the denoiser in ComfyUI's models."""

DOWN, UP, ALPHA = ".lora_A.weight", ".lora_B.weight", ".alpha"
"""Endings of a layer's keys: A of shape [rank, inputs, ...], B of [outputs, rank, ...], and a number."""

STRONGEST = 100.0
"""Largest strength and, with a minus sign, the least; those of ComfyUI's LoRA loaders."""

LAST = ("conv_out.weight", "conv_out.bias")
"""The UNet's last layer, which is small and differs between any two models, also untrained ones."""

ANOTHER = "Choose a LoRA that was trained for this model, or the model that it was trained for."


@dataclass(frozen=True)
class Lora:
    """A chosen LoRA.

    Attributes:
        path: the file.
        strength: factor of its change; 0 changes nothing.
    """

    path: Path
    strength: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Lora:
        """The choice that `FILE` or `FILE:STRENGTH` names.

        Raises:
            SettingError: no such file, or a strength out of range.
        """
        if whole := existing(text, Path.is_file):
            return cls(whole)
        name, _, ending = text.rpartition(":")
        path = existing(name, Path.is_file) if name else None
        if path is None:
            raise SettingError(f"no LoRA file {text}", "a file, or FILE:STRENGTH", "Check the path.")
        strength = _number(ending)
        if not -STRONGEST <= strength <= STRONGEST:
            raise SettingError(
                f"strength {ending!r} of the LoRA {path.name}",
                f"-{STRONGEST:g} to {STRONGEST:g}",
                "Choose another strength.",
            )
        return cls(path, strength)

    def tags(self) -> dict[str, str]:
        """The tags of pieces that are composed with it."""
        return {"lora": self.path.name, "lora_sha256": file_digest(self.path), "lora_strength": f"{self.strength:g}"}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def denoiser_fingerprint(folder: Path) -> str:
    """Identifies a checkpoint's UNet; equal for its weights in float32 and in float16.

    Raises:
        CheckpointError: the weights are missing or damaged, or lack the last layer.
    """
    path = weights_file(folder, "unet")
    with opened(path) as file:
        if missing := sorted(set(LAST) - set(file.keys())):
            raise CheckpointError(
                f"{path} lacks {listed(missing)}", "the weights of a UNet", "Download the checkpoint again."
            )
        return half_digest(file.get_tensor(key) for key in LAST)


def save_lora(
    path: Path,
    weights: Mapping[str, Tensor],
    *,
    alpha: float,
    prior: str,
    denoiser: str,
    licence: str,
    run: str,
    told: Mapping[str, str] | None = None,
) -> None:
    """Write a LoRA in float16 with its header, completely or not at all.

    Args:
        path: the file.
        weights: `lora_A.weight` and `lora_B.weight` of each layer, after the layer's name in the UNet and a dot.
        alpha: the factor of the change, before it is divided by the rank.
        prior: name of the checkpoint that it was trained with.
        denoiser: :func:`denoiser_fingerprint` of that checkpoint.
        licence: licence of the weights.
        run: the training run.
        told: what else the header says.
    """
    stored = {PREFIX + key: value.detach().to(torch.float16) for key, value in weights.items()}
    layers = {key.removesuffix(UP): len(value[0]) for key, value in stored.items() if key.endswith(UP)}
    stored |= {layer + ALPHA: torch.tensor(float(alpha)) for layer in layers}
    header = {
        "kind": "lora",
        "rank": ", ".join(map(str, sorted(set(layers.values())))),
        "alpha": f"{alpha:g}",
        "prior": prior,
        "denoiser": denoiser,
        "licence": licence,
        "run": run,
        **(told or {}),
    }
    save_tensors(path, stored, metadata=header)


def check_lora(path: Path, unet: nn.Module, prior: Path) -> None:
    """Compare the header of a LoRA file with a UNet; no weight is read.

    Args:
        path: the file.
        unet: the network, possibly on `meta`.
        prior: the checkpoint that it belongs to.

    Raises:
        CheckpointError: missing, damaged, of another kind, or trained for another UNet.
    """
    with opened(path) as file:
        found, header = header_forms(file), dict(file.metadata() or {})
    trained = header.get("denoiser")
    if trained and trained != (own := denoiser_fingerprint(prior)):
        raise CheckpointError(
            f"{path} was trained for the denoiser of {header.get('prior', 'another model')} with the fingerprint {trained}",
            f"a LoRA for that of {prior.name}, whose fingerprint is {own}",
            ANOTHER,
        )
    shapes = {f"{PREFIX}{key}": list(value.shape) for key, value in unet.named_parameters() if key.endswith(".weight")}
    layers = {key.removesuffix(UP) for key in found if key.endswith(UP)}
    expected: dict[str, Form] = {}
    for layer in layers & {key.removesuffix(".weight") for key in shapes}:
        outputs, *inputs = shapes[layer + ".weight"]
        rank = found[layer + UP].shape[1] if len(found[layer + UP].shape) > 1 else 1
        expected[layer + DOWN] = Form([rank, *inputs], "float32")
        expected[layer + UP] = Form([outputs, rank, *(1 for _ in inputs[1:])], "float32")
        expected[layer + ALPHA] = Form([], "float32")
    if not expected:
        raise CheckpointError(
            f"{path} contains {listed(sorted(found)) or 'nothing'}",
            f"a LoRA for the denoiser of {prior.name}: {PREFIX}LAYER with the endings {DOWN}, {UP} and {ALPHA}",
            "Choose a LoRA file that Art2Mus trained.",
        )
    check_forms(expected, found, path, f"a LoRA for layers of the denoiser of {prior.name}", ANOTHER)


@torch.no_grad()
def merge_lora(unet: nn.Module, lora: Lora, prior: Path) -> None:
    """Add a LoRA's change to the weights of a UNet, computed in float32.

    Raises:
        CheckpointError: as :func:`check_lora`, and for values that are not finite.
    """
    check_lora(lora.path, unet, prior)
    tensors, _ = read_tensors(lora.path)
    check_finite(tensors, lora.path, "Train or download the LoRA again.")
    for layer in (key.removesuffix(ALPHA) for key in tensors if key.endswith(ALPHA)):
        up, down = (tensors[layer + ending].float().flatten(1) for ending in (UP, DOWN))
        scale = lora.strength * tensors[layer + ALPHA].item() / len(down)
        weight = unet.get_parameter(f"{layer.removeprefix(PREFIX)}.weight")
        # not in place: the tensor may be mapped from its file
        weight.data = (weight.float() + scale * (up @ down).view_as(weight).to(weight.device)).to(weight.dtype)
