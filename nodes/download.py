"""Download Art2Mus Model: fetches a published model into ComfyUI's model folder once its licence is accepted."""

from __future__ import annotations

from comfy_api.latest import io

from .failures import without_paths
from .fetching import check_licence, download, is_ready, published_names
from .packing import pack_messages

__all__ = ["DownloadModel"]


class DownloadModel(io.ComfyNode):
    """Makes no connection before the licence is accepted."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusDownloadModel",
            display_name="Download Art2Mus Model",
            category="Art2Mus",
            description="Downloads a published model into ComfyUI/models/art2mus and prepares it for use. You can stop at "
            "any time: the next run resumes. Afterwards press R on the canvas to refresh the lists.",
            search_aliases=["fetch model", "AudioLDM2", "ImageBind", "CLIP", "get checkpoint", "licence"],
            is_output_node=True,
            inputs=[
                io.Combo.Input(
                    "model",
                    options=published_names(),
                    tooltip="A published model. Press Run with accept_licence off to read its licence, its size and "
                    "its source.",
                ),
                io.Boolean.Input(
                    "accept_licence",
                    default=False,
                    tooltip="On: you have read the model's licence and accept it. Off: nothing is downloaded.",
                ),
            ],
            outputs=[io.Combo.Output(display_name="model")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None, accept_licence: bool | None) -> bool:  # noqa: FBT001  the socket's
        if model is not None and accept_licence is not None:
            check_licence(model, accepted=accept_licence)
        return True

    @classmethod
    def fingerprint_inputs(cls, model: str | None, accept_licence: bool | None) -> list[str]:  # noqa: FBT001  the socket's
        return [name for name in ([model] if model else published_names()) if is_ready(name)]

    @classmethod
    def execute(cls, model: str, accept_licence: bool) -> io.NodeOutput:  # noqa: FBT001  the socket's
        check_licence(model, accepted=accept_licence)
        from .memory import host_memory

        message = without_paths(download(model, host_memory().reporter))
        return io.NodeOutput(model, ui=pack_messages([message]))
