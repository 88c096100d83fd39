"""Load Artwork: a picture from the input folder, an upload, or a packaged sample."""

from __future__ import annotations

import hashlib

from comfy_api.latest import io

from ..art2mus_core.errors import ArtworkError
from ..art2mus_core.images.reading import read_artwork
from .folders import artwork_names, artwork_path, sample_paths
from .packing import pack_artwork, pack_mask

__all__ = ["LoadArtwork"]


class LoadArtwork(io.ComfyNode):
    """Reads what the host's own Load Image refuses or distorts: 16-bit, CMYK, huge scans."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusLoadArtwork",
            display_name="Load Artwork",
            category="Art2Mus",
            description="Reads a painting, drawing or photograph. The samples come with the pack and can be played right away.",
            search_aliases=["painting", "open artwork", "art to music"],
            inputs=[
                io.Combo.Input(
                    "artwork",
                    options=artwork_names(),
                    default=next(iter(sample_paths()), None),
                    upload=io.UploadType.image,
                    tooltip="A picture in ComfyUI's input folder, or a sample that comes with Art2Mus.",
                )
            ],
            outputs=[io.Image.Output(display_name="image"), io.Mask.Output(display_name="mask")],
        )

    @classmethod
    def validate_inputs(cls, artwork: str | None) -> bool | str:
        try:
            return artwork is None or artwork_path(artwork).is_file()
        except ArtworkError as error:
            return str(error)

    @classmethod
    def fingerprint_inputs(cls, artwork: str) -> str:
        with artwork_path(artwork).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @classmethod
    def execute(cls, artwork: str) -> io.NodeOutput:
        path = artwork_path(artwork)
        picture = read_artwork(path)
        return io.NodeOutput(pack_artwork(picture), pack_mask(path, picture))
