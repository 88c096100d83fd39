"""Which encoder a folder holds: found by its configuration, opened by its own loader.

A folder is a checkpoint with an `image_encoder` (and perhaps an `audio_encoder`) in it, or a CLIP checkpoint as
transformers stores it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from ..checkpoints.folder import check_component, load_component, read_config
from ..checkpoints.grid import read_grid
from ..checkpoints.names import describe, is_encoder, quoted, spoken
from ..checkpoints.sizes import needed
from ..errors import CheckpointError
from ..types import AudioEncoder, ImageEncoder
from .imagebind import TOWERS
from .pocket import PocketAudioEncoder, PocketImageEncoder, PocketListener

__all__ = [
    "check_image_encoder",
    "has_audio_encoder",
    "image_bytes",
    "image_component",
    "image_space",
    "load_audio_encoder",
    "load_image_encoder",
]


def image_space(folder: Path) -> str:
    """The name of the space of a folder's image encoder, without opening the encoder.

    Raises:
        CheckpointError: there is none, or none that is known.
    """
    return _image_kind(folder).space(folder)


def image_component(folder: Path) -> str:
    """The subfolder with the weights of a folder's image encoder; a CLIP's lie in the folder itself.

    Raises:
        CheckpointError: there is none, or none that is known.
    """
    return _image_kind(folder).component


def image_bytes(folder: Path, *, dtype: torch.dtype) -> int:
    """Bytes that the image encoder of a folder takes in a precision.

    Raises:
        CheckpointError: there is none, none that is known, or its weights are missing or damaged.
    """
    return _image_kind(folder).bytes(folder, dtype)


def check_image_encoder(folder: Path) -> None:
    """Compare the image encoder of a folder with the header of its weights, of which none is read.

    Raises:
        CheckpointError: as :func:`load_image_encoder`, but for values that are not finite.
    """
    _image_kind(folder).check(folder)


def load_image_encoder(folder: Path, *, dtype: torch.dtype) -> ImageEncoder:
    """The image encoder of a folder.

    Args:
        folder: a checkpoint, or a CLIP folder.
        dtype: precision of a published encoder; the bundled one is small and stays in float32.

    Raises:
        CheckpointError: none is there, of no known kind, or damaged.
    """
    return _image_kind(folder).load(folder, dtype)


def load_audio_encoder(folder: Path, *, dtype: torch.dtype) -> AudioEncoder:
    """The audio encoder beside a folder's image encoder, in the same space.

    Raises:
        CheckpointError: none is there, of no known kind, or damaged.
    """
    if not has_audio_encoder(folder):
        raise CheckpointError(
            f"no audio encoder in {folder}",
            "one that hears in the space of the image encoder",
            "Choose an encoder that has one: the bundled model, or ImageBind converted with its audio tower.",
        )
    return _looked_up(AUDIO_ENCODERS, _kind(folder, "audio_encoder"), folder)(folder, dtype)


def has_audio_encoder(folder: Path) -> bool:
    """Whether a folder's space can be heard."""
    return _holds(folder, "audio_encoder")


def _image_kind(folder: Path) -> _Component | _Clip:
    if not is_encoder(folder):
        published = next(iter(folder.glob("*.pth")), None)
        raise CheckpointError(
            f"no image encoder in {folder}",
            "image_encoder/config.json or a CLIP checkpoint's config.json, as in pocket, imagebind (converted), "
            "clip-vit-l-14 and clip-vit-h-14",
            f"Convert it first: {_conversion(published)}" if published else describe(folder, is_encoder)[1],
        )
    kind = _kind(folder, "image_encoder") if _holds(folder, "image_encoder") else "clip"
    return _looked_up(IMAGE_ENCODERS, kind, folder)


def _conversion(published: Path) -> str:
    """The command; it writes below `home()` if it is not told where."""
    folder = published.parent
    out = "" if spoken(folder) == "imagebind" else f" --out {quoted(folder)}"
    return f"art2mus convert {quoted(published)}{out}"


def _looked_up(table: dict[str, Any], kind: str, folder: Path) -> Any:  # noqa: ANN401
    if kind not in table:
        raise CheckpointError(f"an encoder {kind!r} in {folder}", f"one of {', '.join(table)}", "Use another encoder.")
    return table[kind]


def _holds(folder: Path, name: str) -> bool:
    return (folder / name / "config.json").is_file()


def _kind(folder: Path, name: str) -> str:
    return str(read_config(folder, name).get("model_type", "pocket"))


@dataclass(frozen=True)
class _Component:
    """An `image_encoder` of our own format, whose configuration names its space."""

    component: ClassVar[str] = "image_encoder"

    build: Callable[[dict[str, Any]], Any]
    precision: torch.dtype | None = None

    def space(self, folder: Path) -> str:
        space = read_config(folder, "image_encoder").get("space")
        if not isinstance(space, str):
            raise CheckpointError(
                f"the image encoder of {folder} names no space", "space in its config.json", "Install it again."
            )
        return space

    def bytes(self, folder: Path, dtype: torch.dtype) -> int:
        return needed(folder, ["image_encoder"], self.precision or dtype)

    def check(self, folder: Path) -> None:
        check_component(folder, "image_encoder", self.build)

    def load(self, folder: Path, dtype: torch.dtype) -> ImageEncoder:
        return load_component(folder, "image_encoder", self.build, dtype=self.precision or dtype)


class _Clip:
    """A CLIP folder; what it is opened with takes seconds to import."""

    component: ClassVar[str] = "."

    def space(self, folder: Path) -> str:
        from .clip_files import clip_space  # noqa: PLC0415

        return clip_space(folder)

    def bytes(self, folder: Path, dtype: torch.dtype) -> int:
        return needed(folder, ["."], dtype, unused=lambda key: key.startswith("text_"))

    def check(self, folder: Path) -> None:
        from .clip_files import check_vision  # noqa: PLC0415

        check_vision(folder)

    def load(self, folder: Path, dtype: torch.dtype) -> ImageEncoder:
        from .clip import load_clip_vision  # noqa: PLC0415

        return load_clip_vision(folder, dtype=dtype)


IMAGE_ENCODERS: dict[str, _Component | _Clip] = {
    "pocket": _Component(PocketImageEncoder.from_config, torch.float32),
    "imagebind": _Component(TOWERS["vision"]),
    "clip": _Clip(),
}
"""`model_type` of a configuration to what opens it."""


def _pocket_listener(folder: Path, dtype: torch.dtype) -> AudioEncoder:  # noqa: ARG001
    tower = load_component(folder, "audio_encoder", PocketAudioEncoder.from_config)
    return PocketListener(tower, read_grid(folder)).eval()


def _imagebind_listener(folder: Path, dtype: torch.dtype) -> AudioEncoder:
    return load_component(folder, "audio_encoder", TOWERS["audio"], dtype=dtype)


AUDIO_ENCODERS: dict[str, Callable[[Path, torch.dtype], AudioEncoder]] = {
    "pocket": _pocket_listener,
    "imagebind": _imagebind_listener,
}
