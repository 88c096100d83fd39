"""Empty Art2Mus Latent: where a core sampler begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from . import inputs

if TYPE_CHECKING:
    from .host import Model

__all__ = ["EmptyLatent"]

MOST_PIECES = 64


class EmptyLatent(io.ComfyNode):
    """The host's own empty latents have other models' sizes."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusEmptyLatent",
            display_name="Empty Art2Mus Latent",
            category="Art2Mus",
            description="An empty latent in the size of the model, for core samplers. "
            "The AudioLDM2 Sampler makes its own and does not need it.",
            search_aliases=["empty latent audio", "latent music", "KSampler music"],
            inputs=[
                io.Model.Input("model", tooltip="The denoiser the latent is for, from Load Art2Mus Model."),
                inputs.seconds(),
                io.Int.Input(
                    "batch_size",
                    default=1,
                    min=1,
                    max=MOST_PIECES,
                    tooltip="How many pieces are made at once, each from noise of its own.",
                ),
            ],
            outputs=[io.Latent.Output(display_name="latent")],
        )

    @classmethod
    def execute(cls, model: Model, seconds: float, batch_size: int) -> io.NodeOutput:
        from .assembly import empty_latent

        return io.NodeOutput(empty_latent(model, seconds, batch_size))
