"""Load Artwork and Artwork Folder: pictures from the input folder, uploads and packaged samples."""

from __future__ import annotations

from itertools import chain

from comfy_api.latest import io

from ..art2mus_core.digests import file_digest
from .folders import artwork_names, artwork_path, sample_paths
from .packing import pack_file, pack_messages
from .picture_folders import all_pictures, check_room, choose, folder_names, names_of, pictures_of
from .stamps import file_stamps

__all__ = ["ArtworkFolder", "LoadArtwork"]

MOST_PICTURES = 10_000


class LoadArtwork(io.ComfyNode):
    """Loads files that the host's Load Image refuses or distorts: 16-bit, CMYK, very large scans."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusLoadArtwork",
            display_name="Load Artwork",
            category="Art2Mus",
            essentials_category="Audio",
            description="Loads a painting, drawing or photograph. The pack includes samples, so you can press Run right away.",
            search_aliases=["painting", "open artwork", "art to music"],
            inputs=[
                io.Combo.Input(
                    "artwork",
                    options=artwork_names(),
                    default=next(iter(sample_paths()), None),
                    upload=io.UploadType.image,
                    tooltip="A picture in ComfyUI's input folder, or a sample included with Art2Mus.",
                )
            ],
            outputs=[io.Image.Output(display_name="image"), io.Mask.Output(display_name="mask")],
        )

    @classmethod
    def validate_inputs(cls, artwork: str | None) -> bool:
        return artwork is None or artwork_path(artwork).is_file()

    @classmethod
    def fingerprint_inputs(cls, artwork: str | None) -> str | list[str]:
        if artwork is None:  # linked: the file is not known yet, so any change counts
            return file_stamps(artwork_path(name) for name in artwork_names())
        return file_digest(artwork_path(artwork))

    @classmethod
    def execute(cls, artwork: str) -> io.NodeOutput:
        image, mask, notes = pack_file(artwork_path(artwork))
        return io.NodeOutput(image, mask, ui=pack_messages(notes))


class ArtworkFolder(io.ComfyNode):
    """Outputs lists, not a batch, so that every picture keeps its own size."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusArtworkFolder",
            display_name="Artwork Folder",
            category="Art2Mus",
            essentials_category="Audio",
            description="Loads every picture in a folder. The nodes that follow run once for each picture, so every picture "
            "becomes a piece of music.",
            search_aliases=["load images from folder", "image directory", "batch of paintings", "many artworks"],
            inputs=[
                io.Combo.Input(
                    "folder",
                    options=folder_names(),
                    tooltip="ComfyUI's input folder, one of its subfolders with pictures, or the samples included with "
                    "Art2Mus. Press R on the canvas to refresh the lists.",
                ),
                io.Int.Input(
                    "start",
                    default=1,
                    min=1,
                    max=MOST_PICTURES,
                    tooltip="The first picture to load, counted from 1 in file-name order (2 comes before 10).",
                ),
                io.Int.Input(
                    "count",
                    default=0,
                    min=0,
                    max=MOST_PICTURES,
                    tooltip="How many pictures to load. 0 loads all that remain.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="images", is_output_list=True),
                io.Mask.Output(display_name="masks", is_output_list=True),
                io.String.Output(display_name="names", is_output_list=True),
            ],
        )

    @classmethod
    def validate_inputs(cls, folder: str | None) -> bool:
        return folder is None or bool(pictures_of(folder))

    @classmethod
    def fingerprint_inputs(cls, folder: str | None, start: int | None, count: int | None) -> list[str]:
        if folder is None or start is None:  # linked: not known yet, so any change counts
            return file_stamps(all_pictures(folder))
        return file_stamps(choose(folder, start, count))

    @classmethod
    def execute(cls, folder: str, start: int, count: int) -> io.NodeOutput:
        paths = choose(folder, start, count)
        check_room(paths, folder)
        images, masks, notes = zip(*map(pack_file, paths), strict=True)
        return io.NodeOutput(list(images), list(masks), names_of(paths), ui=pack_messages(chain.from_iterable(notes)))
