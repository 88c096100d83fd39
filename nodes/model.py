"""Load Art2Mus Model: a checkpoint as three of the host's objects."""

from __future__ import annotations

from comfy_api.latest import io

from . import inputs
from .folders import support_names
from .sockets import LanguageSocket

__all__ = ["LoadModel"]

HEADS = ["config", "original"]


class LoadModel(io.ComfyNode):
    """Each output is under the host's memory management."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusLoadModel",
            display_name="Load Art2Mus Model",
            category="Art2Mus",
            description="Loads the networks that make music. The pocket model comes with the pack; other models are "
            "folders in ComfyUI/models/art2mus.",
            search_aliases=["AudioLDM2", "music model", "pocket"],
            inputs=[
                inputs.model_name(),
                io.Combo.Input(
                    "support",
                    options=support_names(),
                    optional=True,
                    tooltip="For published models, which also read a fixed sentence: 'model' asks for the artwork's "
                    "content, 'period' for its time and place, 'emotion' for the feelings it stirs. 'pocket' "
                    "reads none.",
                ),
                io.Combo.Input(
                    "heads",
                    options=HEADS,
                    optional=True,
                    tooltip="For published models: how the denoiser's attention is divided. Leave it at 'config' unless "
                    "the command art2mus heads says otherwise.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model"),
                io.Vae.Output(display_name="vae"),
                LanguageSocket.Output(display_name="language"),
            ],
        )

    @classmethod
    def execute(cls, model: str, support: str = "model", heads: str = "config") -> io.NodeOutput:
        from .assembly import load_parts

        return io.NodeOutput(*load_parts(model, support=support, heads=heads))
