"""AudioLDM2 Sampler: generates a latent conditioned on the artwork and decodes it to audio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..art2mus_core.pipelines.presets import CUSTOM
from ..art2mus_core.pipelines.settings import Settings
from . import inputs
from .inputs import DEFAULTS

if TYPE_CHECKING:
    from .assembly import Conditioning
    from .host import Model
    from .vae import HostVAE

__all__ = ["Sampler"]


class Sampler(io.ComfyNode):
    """Uses the core's sampling loop, so that a seed gives the same music as on the command line."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusSampler",
            display_name="AudioLDM2 Sampler",
            category="Art2Mus",
            description="Generates music: denoises a latent conditioned on the artwork and decodes it to audio.",
            search_aliases=["compose", "generate music", "KSampler audio"],
            inputs=[
                io.Model.Input("model", tooltip="The denoiser, from Load Art2Mus Model."),
                io.Vae.Input("vae", tooltip="The VAE that decodes the latent to audio, from Load Art2Mus Model."),
                io.Conditioning.Input("positive", tooltip="The conditioning with the artwork, from the Image Aligner."),
                io.Conditioning.Input(
                    "negative", tooltip="The conditioning without the artwork, from the Image Aligner."
                ),
                inputs.seconds(),
                inputs.steps(),
                inputs.guidance(),
                inputs.solver(),
                inputs.seed(),
                inputs.shared_noise(),
                inputs.level(),
                inputs.reprise(),
                inputs.preset(),
            ],
            outputs=[io.Audio.Output(display_name="audio"), io.Latent.Output(display_name="latent")],
        )

    @classmethod
    def execute(
        cls,
        *,
        model: Model,
        vae: HostVAE,
        positive: Conditioning,
        negative: Conditioning,
        seconds: float,
        steps: int,
        guidance: float,
        solver: str,
        seed: int,
        shared_noise: bool = DEFAULTS.shared_noise,
        level: bool = DEFAULTS.level,
        reprise: float = DEFAULTS.reprise,
        preset: str = CUSTOM,
    ) -> io.NodeOutput:
        from .assembly import compose

        settings = Settings(seconds, steps, guidance, solver, shared_noise, level, reprise, preset=preset)
        return io.NodeOutput(*compose(model, vae, positive, negative, settings=settings, seed=seed))
