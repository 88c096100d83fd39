"""Finds and loads the encoders of a folder.

A folder is a checkpoint with an `image_encoder` and perhaps an `audio_encoder` in it, or a CLIP checkpoint in transformers' layout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch

from ..character import Character
from ..checkpoints.folder import check_component, config_file, describes, load_component, read_config
from ..checkpoints.grid import read_grid
from ..checkpoints.names import describe, is_encoder, name_for_command, quoted
from ..checkpoints.weighing import needed
from ..errors import CheckpointError
from ..interfaces import AudioEncoder, ImageEncoder
from ..types import Artwork
from .efficientnet import KIND, STRIDE, EfficientNetEncoder
from .imagebind import TOWERS, is_block
from .pocket import PocketAudioEncoder, PocketImageEncoder, PocketSoundEncoder

__all__ = [
    "CharacterEncoder",
    "check_image_encoder",
    "has_audio_encoder",
    "image_bytes",
    "image_component",
    "image_dtype",
    "image_patches",
    "image_sizes",
    "image_space",
    "load_audio_encoder",
    "load_image_encoder",
]


def image_space(folder: Path) -> str:
    """The name of the space of a folder's image encoder, from its configuration.

    Raises:
        CheckpointError: there is no image encoder, or an unknown one.
    """
    return _image_kind(folder).space(folder)


def image_component(folder: Path) -> str:
    """The subfolder of the weights of a folder's image encoder; `.` for a CLIP. Raises as :func:`image_space`."""
    return _image_kind(folder).component


def image_sizes(folder: Path) -> dict[str, int]:
    """Width `dim` of the embeddings of a folder's image encoder, and `patch_dim` of a patch if it has any; no weight is read.

    Raises:
        CheckpointError: there is no image encoder, or an unknown one, or its files are damaged.
    """
    return _image_kind(folder).sizes(folder)


def image_patches(folder: Path) -> int:
    """How many patches a folder's image encoder makes of an artwork, 0 if it has none. Raises as :func:`image_sizes`."""
    return _image_kind(folder).count(folder)


def image_dtype(folder: Path, dtype: torch.dtype) -> torch.dtype:
    """The precision in which a folder's image encoder computes if `dtype` is chosen. Raises as :func:`image_space`."""
    return _image_kind(folder).precision or dtype


def image_bytes(folder: Path, *, dtype: torch.dtype) -> int:
    """Bytes of memory of a folder's image encoder in a precision. Raises as :func:`image_sizes`."""
    return _image_kind(folder).bytes(folder, dtype)


def check_image_encoder(folder: Path) -> None:
    """Compare the header of the image encoder's weights with its configuration; no weight is read.

    Raises:
        CheckpointError: as :func:`load_image_encoder`, except for values that are not finite.
    """
    _image_kind(folder).check(folder)


def load_image_encoder(folder: Path, *, dtype: torch.dtype, normalised: bool = True) -> ImageEncoder:
    """Load the image encoder of a folder.

    Args:
        folder: a checkpoint, or a CLIP folder.
        dtype: precision of a published encoder; the bundled one is small and stays in float32.
        normalised: embeddings of unit norm; only a CLIP can give others.

    Raises:
        CheckpointError: there is no image encoder, or an unknown or damaged one, or one that cannot give what is asked for.
    """
    return _image_kind(folder).load(folder, dtype, normalised=normalised)


def load_audio_encoder(folder: Path, *, dtype: torch.dtype) -> AudioEncoder:
    """Load the audio encoder in the space of a folder's image encoder.

    Raises:
        CheckpointError: there is no audio encoder, or an unknown or damaged one.
    """
    if not has_audio_encoder(folder):
        raise CheckpointError(
            f"no audio encoder in {folder}",
            "one in the space of the image encoder",
            "Choose an encoder that has one: the bundled model, or ImageBind converted with its audio encoder.",
        )
    return _row(AUDIO_ENCODERS, folder, "audio_encoder")(folder, dtype)


def has_audio_encoder(folder: Path) -> bool:
    """Whether a folder has an audio encoder."""
    return (folder / "audio_encoder" / "config.json").is_file()


def _image_kind(folder: Path) -> _Component | _Clip:
    published = next(iter(folder.glob("*.pth")), None)
    if not is_encoder(folder) and (published or not (folder / "image_encoder").is_dir()):
        raise CheckpointError(
            f"no image encoder in {folder}",
            "image_encoder/config.json or a CLIP checkpoint's config.json, as in pocket, imagebind (converted), "
            "clip-vit-l-14 and clip-vit-h-14",
            f"Convert it first: {_conversion(published)}" if published else describe(folder, is_encoder)[1],
        )
    if not (folder / "image_encoder").is_dir():
        return IMAGE_ENCODERS["clip"]
    return _row(IMAGE_ENCODERS, folder, "image_encoder")


def _conversion(published: Path) -> str:
    """The command that converts a published file into its folder; by default it writes to :func:`home`."""
    folder = published.parent
    out = "" if name_for_command(folder) == "imagebind" else f" --out {quoted(folder)}"
    return f"art2mus convert {quoted(published)}{out}"


def _row(table: dict[str, Any], folder: Path, name: str) -> Any:  # noqa: ANN401
    """The entry for the `model_type` of a component."""
    kind = str(read_config(folder, name).get("model_type", "pocket"))
    if kind not in table:
        raise CheckpointError(f"an encoder {kind!r} in {folder}", f"one of {', '.join(table)}", "Use another encoder.")
    return table[kind]


@runtime_checkable
class CharacterEncoder(ImageEncoder, Protocol):
    """An image encoder that sees the musical character of artworks."""

    def characters(self, artworks: list[Artwork]) -> list[Character]: ...


@dataclass(frozen=True)
class _Component:
    """An `image_encoder` in our format; its configuration names its space."""

    component: ClassVar[str] = "image_encoder"
    build: Callable[[dict[str, Any]], Any]
    precision: torch.dtype | None = None
    patches: str | None = None
    side: str | int = 0
    stored: Callable[[str], bool] = lambda _: False
    """The field of the configuration with the width of a patch; the side of a patch in pixels, or its field; see `load_component`."""

    def space(self, folder: Path) -> str:
        space = read_config(folder, "image_encoder").get("space")
        if not isinstance(space, str) or not space:
            has = "no field space" if space is None else f"the space {space!r}"
            raise CheckpointError(
                f"{config_file(folder, 'image_encoder')} has {has}",
                "the name of the embedding space, a text",
                "Install it again.",
            )
        return space

    def sizes(self, folder: Path) -> dict[str, int]:
        config = read_config(folder, "image_encoder")
        with describes(config_file(folder, "image_encoder"), "an image encoder"):
            fields = {"dim": "dim", **({"patch_dim": self.patches} if self.patches else {})}
            return {name: int(config[field]) for name, field in fields.items()}

    def count(self, folder: Path) -> int:
        config = read_config(folder, "image_encoder")
        with describes(config_file(folder, "image_encoder"), "an image encoder"):
            return ceil(config["size"] / config.get(str(self.side), self.side)) ** 2 if self.side else 0

    def bytes(self, folder: Path, dtype: torch.dtype) -> int:
        return needed(folder, ["image_encoder"], self.precision or dtype, stored=self.stored)

    def check(self, folder: Path) -> None:
        _ = self.space(folder)
        check_component(folder, "image_encoder", self.build)

    def load(self, folder: Path, dtype: torch.dtype, *, normalised: bool) -> ImageEncoder:
        space = self.space(folder)
        if not normalised:
            unit = f"the image encoder in {folder}, of the space {space!r}, whose embeddings all have unit norm"
            raise CheckpointError(unit, "one that gives embeddings before they are normalised", "Choose a CLIP.")
        return load_component(folder, "image_encoder", self.build, dtype=self.precision or dtype, stored=self.stored)


class _Clip:
    """A CLIP folder; its modules are imported on use, because that takes seconds."""

    component: ClassVar[str] = "."
    precision: ClassVar[torch.dtype | None] = None

    @property
    def module(self) -> Any:  # noqa: ANN401
        from . import clip  # noqa: PLC0415

        return clip

    def space(self, folder: Path) -> str:
        return str(self.module.clip_space(folder))

    def sizes(self, folder: Path) -> dict[str, int]:
        return dict(self.module.clip_sizes(folder))

    def count(self, folder: Path) -> int:
        return int(self.module.clip_patches(folder))

    def bytes(self, folder: Path, dtype: torch.dtype) -> int:
        return needed(folder, ["."], dtype, unused=lambda key: key.startswith("text_"))

    def check(self, folder: Path) -> None:
        self.module.check_clip(folder)

    def load(self, folder: Path, dtype: torch.dtype, *, normalised: bool) -> ImageEncoder:
        encoder: ImageEncoder = self.module.load_clip(folder, dtype=dtype, normalised=normalised)
        return encoder


IMAGE_ENCODERS: dict[str, _Component | _Clip] = {
    KIND: _Component(EfficientNetEncoder.from_config, torch.float32, "channels", STRIDE),
    "pocket": _Component(PocketImageEncoder.from_config, torch.float32),
    "imagebind": _Component(TOWERS["vision"], patches="width", side="patch", stored=is_block),
    "clip": _Clip(),
}
"""Image encoders by `model_type`; `pocket` is that of models trained with version 0.1, `clip` is a folder in transformers' layout."""


def _pocket(folder: Path, dtype: torch.dtype) -> AudioEncoder:  # noqa: ARG001
    tower = load_component(folder, "audio_encoder", PocketAudioEncoder.from_config)
    return PocketSoundEncoder(tower, read_grid(folder)).eval()


def _imagebind(folder: Path, dtype: torch.dtype) -> AudioEncoder:
    return load_component(folder, "audio_encoder", TOWERS["audio"], dtype=dtype, stored=is_block)


AUDIO_ENCODERS: dict[str, Callable[[Path, torch.dtype], AudioEncoder]] = {"pocket": _pocket, "imagebind": _imagebind}
"""Audio encoders by `model_type`."""
