"""Empty Art2Mus Latent: the starting latent for core samplers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from . import inputs

if TYPE_CHECKING:
    from .host import Model

__all__ = ["EmptyLatent"]

MOST_PIECES = 64


class EmptyLatent(io.ComfyNode):
    """A latent in the checkpoint's size; the host's empty latents have those of other models."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusEmptyLatent",
            display_name="Empty Art2Mus Latent",
            category="Art2Mus",
            description="An empty latent in the model's size, for core samplers. "
            "AudioLDM2 Sampler creates its own and does not need it.",
            search_aliases=["empty latent audio", "latent music", "KSampler music"],
            inputs=[
                io.Model.Input("model", tooltip="The denoiser that will sample the latent, from Load Art2Mus Model."),
                inputs.seconds(),
                io.Int.Input(
                    "batch_size",
                    default=1,
                    min=1,
                    max=MOST_PIECES,
                    tooltip="How many pieces to generate at once, each from its own noise.",
                ),
            ],
            outputs=[io.Latent.Output(display_name="latent")],
        )

    @classmethod
    def execute(cls, model: Model, seconds: float, batch_size: int) -> io.NodeOutput:
        from .assembly import empty_latent

        return io.NodeOutput(empty_latent(model, seconds, batch_size))
