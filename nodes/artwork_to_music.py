"""Artwork to Music: the whole way in one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..art2mus_core.diffusion.schedules import SOLVERS
from ..art2mus_core.pipelines.settings import LONGEST, MOST_STEPS, SHORTEST, STRONGEST, Settings
from .expansion import SAME, encoder_of, expanded
from .folders import aligner_names, encoder_names, model_names

if TYPE_CHECKING:
    import torch

__all__ = ["ArtworkToMusic"]

DEFAULTS = Settings()

MOST_SEED = 2**53 - 1
"""What a browser's numbers hold exactly."""


class ArtworkToMusic(io.ComfyNode):
    """Four nodes take its place when it runs, so that the host keeps the model between runs, and a seed means the same."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusArtworkToMusic",
            display_name="Artwork to Music",
            category="Art2Mus",
            essentials_category="Audio",
            description="Turns a picture into music, all in one node. The same as Load Art2Mus Model, Visual "
            "Conditioning Extractor, Image Aligner and AudioLDM2 Sampler in a row.",
            search_aliases=["image to music", "image to audio", "painting to music", "compose", "generate music"],
            enable_expand=True,
            inputs=_main_inputs() + _advanced_inputs(),
            outputs=[io.Audio.Output(display_name="audio")],
        )

    @classmethod
    def execute(
        cls,
        *,
        image: torch.Tensor,
        model: str,
        seconds: float,
        seed: int,
        mask: torch.Tensor | None = None,
        encoder: str = SAME,
        aligner: str = "model",
        strength: float = 1.0,
        steps: int = DEFAULTS.steps,
        guidance: float = DEFAULTS.guidance,
        solver: str = DEFAULTS.solver,
    ) -> io.NodeOutput:
        chosen = encoder_of(model, aligner) if encoder == SAME else encoder
        artwork = {"image": image, "mask": mask, "encoder": chosen}
        aligned = {"aligner": aligner, "strength": strength}
        settings = {"seconds": seconds, "steps": steps, "guidance": guidance, "solver": solver, "seed": seed}
        graph, music = expanded(model, artwork, aligned, settings)
        return io.NodeOutput(music, expand=graph)


def _main_inputs() -> list[Any]:
    return [
        io.Image.Input("image", tooltip="One artwork or a batch; each gives a piece of music of its own."),
        io.Combo.Input(
            "model",
            options=model_names(),
            tooltip="'pocket' comes with the pack. Any other entry is a model folder in ComfyUI/models/art2mus.",
        ),
        io.Float.Input(
            "seconds",
            default=DEFAULTS.seconds,
            min=SHORTEST,
            max=LONGEST,
            step=0.1,
            tooltip="Length of the music in seconds.",
        ),
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=MOST_SEED,
            control_after_generate=True,
            tooltip="The same seed, settings and artwork give the same music. Another seed gives another piece.",
        ),
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="White parts of the artwork are left out: they are filled with the mean colour of the rest.",
        ),
    ]


def _advanced_inputs() -> list[Any]:
    return [
        io.Combo.Input(
            "encoder",
            options=[SAME, *encoder_names()],
            default=SAME,
            optional=True,
            advanced=True,
            tooltip="The image encoder that looks. 'same' takes the model's own, or else the one that the aligner was "
            "trained with.",
        ),
        io.Combo.Input(
            "aligner",
            options=aligner_names(),
            optional=True,
            advanced=True,
            tooltip="The trained image aligner; 'model' is the model's own. It has to fit encoder and model.",
        ),
        io.Float.Input(
            "strength",
            default=1.0,
            min=0.0,
            max=2.0,
            step=0.05,
            optional=True,
            advanced=True,
            tooltip="How loudly the artwork speaks. 1: as trained. 0: not at all. Above 1: exaggerated.",
        ),
        io.Int.Input(
            "steps",
            default=DEFAULTS.steps,
            min=1,
            max=MOST_STEPS,
            optional=True,
            advanced=True,
            tooltip="More steps make finer music and take longer. 20 are enough for 'pocket', 30 for published models.",
        ),
        io.Float.Input(
            "guidance",
            default=DEFAULTS.guidance,
            min=0.0,
            max=STRONGEST,
            step=0.1,
            optional=True,
            advanced=True,
            tooltip="How strictly the artwork is followed: 1.5 suits 'pocket', 3.5 published models. 1 is the plain "
            "model; anything else takes twice the time.",
        ),
        io.Combo.Input(
            "solver",
            options=list(SOLVERS),
            default=DEFAULTS.solver,
            optional=True,
            advanced=True,
            tooltip="How noise is removed. The first two need few steps, ddim needs many.",
        ),
    ]
