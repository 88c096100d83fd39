"""LoRA for the frozen denoiser: low-rank changes of its layers, which are trained beside the aligner (Hu et al. 2021).

Off by default, because Art2Mus and ArtToMus freeze the prior.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import nn

from ..checkpoints.strict import listed
from ..configuration import Fields
from ..errors import SettingError
from ..networks.unet import UNet
from .batches import seeded

__all__ = ["LoraFields", "add_lora", "lora_of"]

ADAPTABLE = (nn.Linear, nn.Conv2d)
"""Layers of the denoiser that can have a LoRA."""

NAME = "default"
"""peft's name of an adapter that has no other."""


class LoraFields(Fields):
    """The option `lora` of the stage `aligner`.

    Attributes:
        rank: rank of the changes.
        alpha: factor of the changes, before it is divided by the rank.
        targets: endings of the names of the layers that are changed; by default those of all attentions, to the pixels, the
            language of audio and the text.
        learning_rate: peak learning rate, if it is not the configuration's.
    """

    rank: int = Field(default=8, ge=1)
    alpha: float = Field(default=8.0, gt=0)
    targets: list[str] = Field(default=["to_q", "to_k", "to_v", "to_out.0"], min_length=1)
    learning_rate: float | None = Field(default=None, gt=0)


def add_lora(unet: UNet, fields: LoraFields) -> nn.Module:
    """Add LoRA to the layers of a frozen UNet, in place; at first they change nothing.

    Returns:
        A module that has only the added weights, which the UNet shares: `lora_A.weight` and `lora_B.weight` of each layer, after
        the layer's name. A copy of it copies no weight of the UNet.

    Raises:
        SettingError: the UNet has no layer of such a name that can have a LoRA.
    """
    from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415 - of the extra lora
    from peft.tuners.lora import LoraLayer  # noqa: PLC0415

    _check_targets(unet, fields.targets)
    config = LoraConfig(r=fields.rank, lora_alpha=fields.alpha, target_modules=fields.targets)  # type: ignore[arg-type]
    inject_adapter_in_model(config, unet, NAME)
    weights = nn.Module()
    for name, layer in unet.named_modules():
        if isinstance(layer, LoraLayer):
            for side in ("lora_A", "lora_B"):
                _insert(weights, f"{name}.{side}", getattr(layer, side)[NAME])
    return weights


def lora_of(unet: UNet, fields: LoraFields | None, seed: int) -> dict[str, nn.Module]:
    """The LoRA among the trained modules, if there is one; the aligner starts from the same weights with and without it."""
    if fields is None:
        return {}
    with seeded(seed, torch.device("cpu")):
        return {"lora": add_lora(unet, fields)}


def _check_targets(unet: UNet, targets: list[str]) -> None:
    """Check that every target names layers, and nothing else; peft ignores one that names nothing if another one does."""
    layers = {f".{name}": isinstance(layer, ADAPTABLE) for name, layer in unet.named_modules()}
    found = {target: [fits for name, fits in layers.items() if name.endswith(f".{target}")] for target in targets}
    if wrong := [target for target, fit in found.items() if not fit or not all(fit)]:
        endings = dict.fromkeys(_ending(name) for name, fits in layers.items() if fits)
        raise SettingError(
            f"LoRA targets {listed(wrong)}",
            f"names of the denoiser's linear and convolutional layers: {', '.join(endings)}",
            "Correct `targets` in the option `lora`.",
        )


def _ending(name: str) -> str:
    """The last part of a layer's name, with the part before a number."""
    *_, before, last = name.split(".")
    return f"{before}.{last}" if last.isdecimal() else last


def _insert(tree: nn.Module, name: str, module: nn.Module) -> None:
    """Insert a module under a name with dots."""
    first, _, rest = name.partition(".")
    if not rest:
        tree.add_module(first, module)
        return
    if first not in dict(tree.named_children()):
        tree.add_module(first, nn.Module())
    _insert(tree.get_submodule(first), rest, module)
