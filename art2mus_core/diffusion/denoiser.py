"""AudioLDM2's UNet as a denoiser."""

from __future__ import annotations

from typing import Any

from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import CheckpointError
from ..types import Condition

__all__ = ["LatentDenoiser", "build_unet", "reads_text"]


def build_unet(config: dict[str, Any]) -> AudioLDM2UNet2DConditionModel:
    """The UNet of a configuration file."""
    return AudioLDM2UNet2DConditionModel.from_config(config)


def reads_text(config: Any) -> bool:  # noqa: ANN401  diffusers' FrozenDict or a plain one
    """Whether a UNet has a slot for T5 states beside the language of audio.

    In each layer's list of widths a null is self-attention, the second entry at most the language, later ones the text.
    """
    widths = config["cross_attention_dim"]
    layers = widths if isinstance(widths, (list, tuple)) else [widths]
    return any(width for layer in layers if isinstance(layer, (list, tuple)) for width in layer[2:])


class LatentDenoiser:
    """A :class:`~art2mus_core.types.Denoiser` over a UNet, which computes in the UNet's own precision."""

    def __init__(self, unet: AudioLDM2UNet2DConditionModel) -> None:
        self.unet = unet
        self.reads_text = reads_text(unet.config)

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, ""], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        """What the UNet predicts: noise or velocity, by the checkpoint.

        Raises:
            CheckpointError: the UNet reads text and the condition has none.
        """
        weight = self.unet.conv_in.weight
        told = {"encoder_hidden_states": condition.language.to(weight)}
        if self.reads_text:
            if condition.text is None or condition.text_mask is None:
                raise CheckpointError(
                    "a condition without text",
                    "text states for the second cross-attention of this checkpoint",
                    "Add text, text_mask, unconditional_text and unconditional_text_mask to its constants.",
                )
            told["encoder_hidden_states_1"] = condition.text.to(weight)
            told["encoder_attention_mask_1"] = condition.text_mask.to(weight)
        return self.unet(x.to(weight), t.to(weight.device), **told, return_dict=False)[0].to(x)
