"""Artwork to Music: the whole way in one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from . import inputs
from .expansion import SAME, encoder_of, expanded
from .folders import aligner_names, encoder_names
from .inputs import DEFAULTS

if TYPE_CHECKING:
    import torch

__all__ = ["ArtworkToMusic"]

BEHIND = {"optional": True, "advanced": True}
"""What a beginner need not see."""


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
            inputs=[
                inputs.artworks(),
                inputs.model_name(),
                inputs.seconds(),
                inputs.seed(),
                inputs.mask(),
                io.Combo.Input(
                    "encoder",
                    options=[SAME, *encoder_names()],
                    default=SAME,
                    tooltip="The image encoder that looks. 'same' takes the model's own, or else the one that the aligner "
                    "was trained with.",
                    **BEHIND,
                ),
                io.Combo.Input(
                    "aligner",
                    options=aligner_names(),
                    tooltip="The trained image aligner; 'model' is the model's own. It has to fit encoder and model.",
                    **BEHIND,
                ),
                inputs.strength(**BEHIND),
                inputs.steps(**BEHIND),
                inputs.guidance(**BEHIND),
                inputs.solver(**BEHIND),
            ],
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
