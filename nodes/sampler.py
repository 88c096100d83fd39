"""AudioLDM2 Sampler: noise, told what the artwork says, becomes music."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..art2mus_core.diffusion.schedules import SOLVERS
from ..art2mus_core.pipelines.settings import LONGEST, MOST_STEPS, SHORTEST, STRONGEST, Settings

if TYPE_CHECKING:
    from .assembly import Conditioning
    from .host import Model
    from .vae import HostVAE

__all__ = ["Sampler"]

DEFAULTS = Settings()

MOST_SEED = 2**53 - 1
"""What a browser's numbers hold exactly."""


class Sampler(io.ComfyNode):
    """The core's own loop, so that a seed gives the same music here and on the command line."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusSampler",
            display_name="AudioLDM2 Sampler",
            category="Art2Mus",
            description="Composes: noise becomes a spectrogram that agrees with the artwork, and the spectrogram sound.",
            search_aliases=["compose", "generate music", "KSampler audio"],
            inputs=[
                io.Model.Input("model", tooltip="The denoiser, from Load Art2Mus Model."),
                io.Vae.Input("vae", tooltip="What turns latents into sound, from Load Art2Mus Model."),
                io.Conditioning.Input("positive", tooltip="What the artwork says, from the Image Aligner."),
                io.Conditioning.Input("negative", tooltip="The same without an artwork, from the Image Aligner."),
                io.Float.Input(
                    "seconds",
                    default=DEFAULTS.seconds,
                    min=SHORTEST,
                    max=LONGEST,
                    step=0.1,
                    tooltip="Length of the music in seconds.",
                ),
                io.Int.Input(
                    "steps",
                    default=DEFAULTS.steps,
                    min=1,
                    max=MOST_STEPS,
                    tooltip="More steps make finer music and take longer. 20 are enough for 'pocket', 30 for published "
                    "models.",
                ),
                io.Float.Input(
                    "guidance",
                    default=DEFAULTS.guidance,
                    min=0.0,
                    max=STRONGEST,
                    step=0.1,
                    tooltip="How strictly the artwork is followed: 1.5 suits 'pocket', 3.5 published models. 1 is the "
                    "plain model; anything else takes twice the time.",
                ),
                io.Combo.Input(
                    "solver",
                    options=list(SOLVERS),
                    default=DEFAULTS.solver,
                    tooltip="How noise is removed. The first two need few steps, ddim needs many.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=MOST_SEED,
                    control_after_generate=True,
                    tooltip="The same seed, settings and artwork give the same music, here and, up to rounding, on the "
                    "command line.",
                ),
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
    ) -> io.NodeOutput:
        from .assembly import compose

        settings = Settings(seconds, steps, guidance, solver)
        return io.NodeOutput(*compose(model, vae, positive, negative, settings=settings, seed=seed))
