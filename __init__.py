"""Entry point of the Art2Mus node pack for ComfyUI; imports the nodes only when ComfyUI requests them."""

WEB_DIRECTORY = "./web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]


async def comfy_entrypoint() -> object:
    """Return the extension that lists the pack's nodes (ComfyUI's V3 interface)."""
    from .nodes.extension import Art2MusExtension  # noqa: PLC0415

    return Art2MusExtension()
