"""AudioLDM2's UNet as a denoiser."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from ..errors import CheckpointError, SettingError
from ..networks.unet import UNet
from ..types import AudioGrid, Condition

__all__ = ["HEADS", "LatentDenoiser", "build_unet", "check_heads", "check_unet", "reads_text"]

ORIGINAL_HEAD_WIDTH = 32
"""`num_head_channels` of AudioLDM2's own configuration (Liu et al., `default_audioldm_config`)."""


def build_unet(config: dict[str, Any], heads: str = "config") -> UNet:
    """The UNet of a configuration file.

    Args:
        config: its content.
        heads: how attention is divided, which changes the function and no tensor: `config` as the file says, `original`
            as the code did that AudioLDM2 was trained with. For the published files these are not the same.

    Raises:
        SettingError: another word, or channels that the original heads don't divide.
    """
    check_heads(heads)
    return UNet(HEADS[heads](config))


def check_heads(heads: str) -> None:
    """Refuse a reading of the heads that is not known.

    Raises:
        SettingError: it is not.
    """
    if heads not in HEADS:
        raise SettingError(f"heads {heads!r}", f"one of {', '.join(HEADS)}", "Check the name.")


def _original_heads(config: dict[str, Any]) -> dict[str, Any]:
    channels = config["block_out_channels"]
    if any(count % ORIGINAL_HEAD_WIDTH for count in channels):
        raise SettingError(
            f"original heads for levels of {', '.join(map(str, channels))} channels",
            f"multiples of the {ORIGINAL_HEAD_WIDTH} channels of such a head",
            "Leave the heads as the configuration has them.",
        )
    return {**config, "attention_head_dim": [count // ORIGINAL_HEAD_WIDTH for count in channels]}


HEADS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "config": lambda config: config,
    "original": _original_heads,
}
"""Readings of a configuration. diffusers calls the number of heads `attention_head_dim`."""


def reads_text(config: Mapping[str, Any]) -> bool:
    """Whether a UNet has a slot for T5 states beside the language of audio.

    In each layer's list of widths a null is self-attention, the second entry at most the language, later ones the text.
    """
    return bool(_attended(config)[1])


def _attended(config: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Widths of the language of audio that a UNet attends to, and of the text."""
    widths = config.get("cross_attention_dim")
    layers = [_several(layer) for layer in _several(widths)]
    language, text = ([width for layer in layers for width in layer[part] if width] for part in (FIRST, LATER))
    return language, text


FIRST, LATER = slice(2), slice(2, None)


def _several(widths: Any) -> Sequence[Any]:  # noqa: ANN401
    return widths if isinstance(widths, (list, tuple)) else [widths]


def check_unet(config: dict[str, Any], grid: AudioGrid, texts: Collection[int] | None = None) -> None:
    """Compare the configuration of a UNet with the latents that it denoises and with what it is told.

    Args:
        config: the UNet's.
        grid: of the latents and of the language of audio.
        texts: widths of the texts that it is told, if they are known.

    Raises:
        CheckpointError: they don't fit.
    """
    language, text = _attended(config)
    channels, width = grid.latent_channels, grid.language_width
    for name in ("in_channels", "out_channels"):
        _same(f"{name} of", [config.get(name)], [channels], "as many channels as the VAE's latents have")
    _same("a language of audio of", language, [width], "as wide as GPT-2's states")
    if text and texts is not None:
        _same("texts of", text, texts, "as wide as the text constants")


def _same(what: str, found: Sequence[Any], wanted: Collection[int], meaning: str) -> None:
    if found and all(width in wanted for width in found):
        return
    said = ", ".join(dict.fromkeys(map(repr, found))) or "no width"
    raise CheckpointError(
        f"a UNet's config.json with {what} {said}",
        f"{', '.join(map(str, wanted))}, {meaning}",
        "Use the parts of one checkpoint, or install it again.",
    )


class LatentDenoiser:
    """A :class:`~art2mus_core.types.Denoiser` over a UNet, which computes in the UNet's own precision."""

    def __init__(self, unet: UNet) -> None:
        self.unet = unet
        self.reads_text = reads_text(unet.config)

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, "*batch"], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        """What the UNet predicts: noise or velocity, by the checkpoint.

        Raises:
            CheckpointError: the UNet reads text and the condition has none.
        """
        weight = self.unet.conv_in.weight
        text: tuple[Tensor, ...] = ()
        if self.reads_text:
            if condition.text is None or condition.text_mask is None:
                raise CheckpointError(
                    "a condition without text",
                    "text states for the second cross-attention of this checkpoint",
                    "Export its constants with `art2mus export-text`.",
                )
            text = (condition.text.to(weight), condition.text_mask.to(weight))
        return self.unet(x.to(weight), t, condition.language.to(weight), *text).to(x)
