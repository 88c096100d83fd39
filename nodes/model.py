"""Load Art2Mus Model: a checkpoint as MODEL, VAE and ART2MUS_LANGUAGE."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from . import inputs
from .folders import support_names
from .sockets import LanguageSocket
from .stamps import model_stamps

__all__ = ["LoadModel"]

HEADS = ["config", "original"]


class LoadModel(io.ComfyNode):
    """The host's memory manager loads and frees each output."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusLoadModel",
            display_name="Load Art2Mus Model",
            category="Art2Mus",
            description="Loads a model that generates music. The pocket model is included with the pack; other models are "
            "folders in ComfyUI/models/art2mus.",
            search_aliases=["AudioLDM2", "music model", "pocket"],
            inputs=[
                inputs.model_name(),
                io.Combo.Input(
                    "support",
                    options=support_names(),
                    optional=True,
                    tooltip="The fixed sentence that published models read in addition to the artwork: about its content ('model'), "
                    "its period and place ('period'), or the emotion it evokes ('emotion'). 'pocket' reads no text.",
                ),
                io.Combo.Input(
                    "heads",
                    options=HEADS,
                    optional=True,
                    tooltip="For published models: how the denoiser's attention is split into heads. Keep 'config' unless "
                    "the command art2mus heads recommends 'original'.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model"),
                io.Vae.Output(display_name="vae"),
                LanguageSocket.Output(display_name="language"),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, model: str | None, **_: Any) -> list[str]:  # noqa: ANN401  the other sockets
        return model_stamps(model)

    @classmethod
    def execute(cls, model: str, support: str = "model", heads: str = "config") -> io.NodeOutput:
        from .assembly import load_parts

        return io.NodeOutput(*load_parts(model, support=support, heads=heads))
