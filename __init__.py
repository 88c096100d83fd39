"""ComfyUI's door to Art2Mus. What is behind it is imported when the host asks for it."""

WEB_DIRECTORY = "./web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]


async def comfy_entrypoint() -> object:
    """The pack's nodes, as ComfyUI's V3 interface wants them."""
    from .nodes.extension import Art2MusExtension  # noqa: PLC0415

    return Art2MusExtension()
