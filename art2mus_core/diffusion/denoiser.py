"""AudioLDM2's UNet as a denoiser."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from ..errors import CheckpointError, SettingError
from ..networks.stages import TEXT
from ..networks.unet import UNet
from ..types import AudioGrid, Condition
from .plan import CHANNELS, with_plan

__all__ = ["HEADS", "LatentDenoiser", "build_unet", "check_heads", "check_unet", "reads_plan", "reads_text"]

ORIGINAL_HEAD_WIDTH = 32
"""`num_head_channels` of AudioLDM2's own configuration (Liu et al., `default_audioldm_config`)."""


def build_unet(config: dict[str, Any], heads: str = "config") -> UNet:
    """The UNet of a configuration file.

    Args:
        config: its content.
        heads: division into attention heads, which changes the function but no weight: `config` as in the file, `original`
            as in AudioLDM2's training code. The published files differ from that code.

    Raises:
        SettingError: not one of the two, or channels that the original heads don't divide.
    """
    check_heads(heads)
    return UNet(HEADS[heads](config))


def check_heads(heads: str) -> None:
    """Check the name of a division into heads.

    Raises:
        SettingError: not in `HEADS`.
    """
    if heads not in HEADS:
        raise SettingError(f"heads {heads!r}", f"one of {', '.join(HEADS)}", "Check the name.")


def _original_heads(config: dict[str, Any]) -> dict[str, Any]:
    channels = config["block_out_channels"]
    if any(count % ORIGINAL_HEAD_WIDTH for count in channels):
        raise SettingError(
            f"original heads for levels of {', '.join(map(str, channels))} channels",
            f"multiples of {ORIGINAL_HEAD_WIDTH}, the channels of an original head",
            "Use the heads of the configuration.",
        )
    return {**config, "attention_head_dim": [count // ORIGINAL_HEAD_WIDTH for count in channels]}


HEADS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "config": lambda config: config,
    "original": _original_heads,
}
"""Divisions into heads by name. diffusers calls the number of heads `attention_head_dim`."""


def reads_text(config: Mapping[str, Any]) -> bool:
    """Whether a UNet attends to T5 states; see :mod:`~art2mus_core.networks.unet` on its lists of widths."""
    return bool(_attended(config)[1])


def reads_plan(config: Mapping[str, Any]) -> bool:
    """Whether a UNet has the plan's channels beside those of the latent."""
    return bool(config.get("in_channels") == config.get("out_channels", 0) + CHANNELS)


def _attended(config: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Widths of the language of audio and of the text that a UNet attends to."""
    layers = [_several(layer) for layer in _several(config.get("cross_attention_dim"))]
    language = [width for layer in layers for width in layer[:TEXT] if width]
    text = [width for layer in layers for width in layer[TEXT:] if width]
    return language, text


def _several(widths: Any) -> Sequence[Any]:  # noqa: ANN401
    return widths if isinstance(widths, (list, tuple)) else [widths]


def check_unet(config: dict[str, Any], grid: AudioGrid, texts: Collection[int] | None = None) -> None:
    """Check that the configuration of a UNet matches its latents and its conditioning.

    Args:
        config: the content of its `config.json`.
        grid: sizes of the latents and of the language of audio.
        texts: widths of the text states; None if not known.

    Raises:
        CheckpointError: a size differs.
    """
    language, text = _attended(config)
    sizes: list[tuple[str, Sequence[Any], Collection[int], str]] = [
        (
            "in_channels of",
            [config.get("in_channels")],
            [grid.latent_channels, grid.latent_channels + CHANNELS],
            "the channels of the VAE's latents, without or with those of the plan",
        ),
        ("out_channels of", [config.get("out_channels")], [grid.latent_channels], "the channels of the VAE's latents"),
        ("a language of audio of", language, [grid.language_width], "the width of GPT-2's states"),
    ]
    if text and texts is not None:
        sizes.append(("texts of", text, texts, "the width of the text constants"))
    for what, found, wanted, meaning in sizes:
        if not found or any(size not in wanted for size in found):
            raise CheckpointError(
                f"a UNet with {what} {', '.join(dict.fromkeys(map(repr, found))) or 'no width'}",
                f"{' or '.join(map(str, wanted))}, {meaning}",
                "Use the parts of one checkpoint, or install it again.",
            )


class LatentDenoiser:
    """A :class:`~art2mus_core.interfaces.Denoiser` that computes in the precision of its UNet."""

    def __init__(self, unet: UNet) -> None:
        self.unet = unet
        self.reads_text = reads_text(unet.config)
        self.reads_plan = reads_plan(unet.config)

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, "*batch"], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        """The UNet's prediction: noise or velocity, depending on the checkpoint.

        Raises:
            CheckpointError: the UNet attends to text and the condition has none.
        """
        weight = self.unet.conv_in.weight
        if self.reads_text and (condition.text is None or condition.text_mask is None):
            raise CheckpointError(
                "a condition without text",
                "text states for the second cross-attention of this checkpoint",
                "Export its constants with `art2mus export-text`.",
            )
        there = condition.to(weight)
        text = (there.text, there.text_mask) if self.reads_text else ()
        given = with_plan(x, condition.plan) if self.reads_plan else x
        return self.unet(given.to(weight), t, there.language, *text).to(x)
