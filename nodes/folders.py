"""Files in the host's folders: artworks to read, music to write, models to load."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import folder_paths

from ..art2mus_core.checkpoints.names import (
    folders,
    is_aligner,
    is_commented,
    is_encoder,
    is_lora,
    is_prior,
    known,
    locate,
)
from ..art2mus_core.errors import ArtworkError, OutputError
from ..art2mus_core.images.listing import list_artworks, samples

__all__ = [
    "LONGEST_NAME",
    "OutputFile",
    "aligner_name",
    "aligner_names",
    "artwork_names",
    "artwork_path",
    "check_name",
    "commented_folders",
    "commented_names",
    "encoder_names",
    "joint_encoder_names",
    "model_folder",
    "model_names",
    "model_roots",
    "output_file",
    "sample_path",
    "sample_paths",
    "support_names",
    "temp_file",
]


LONGEST_NAME = 255 - len("_00001_.flac")
"""Most bytes in a part of a path before its number and suffix; file systems allow 255."""

UNREADABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and bytes that are not Unicode."""


def sample_paths() -> dict[str, Path]:
    """Packaged artworks by the names that the nodes list, such as `silver forest (sample)`."""
    return {f"{name.replace('_', ' ')} (sample)": path for name, path in samples().items()}


def sample_path(name: str) -> Path | None:
    """The packaged artwork of that name, also in the form of version 0.1, `Sample: dawn`; None if there is none."""
    return sample_paths().get(f"{name.removeprefix('Sample: ')} (sample)" if name.startswith("Sample: ") else name)


def artwork_names() -> list[str]:
    """Names of pictures in the host's input folder, then of the packaged samples."""
    folder = Path(folder_paths.get_input_directory())
    files = [path.name for path in list_artworks(folder)] if folder.is_dir() else []
    return [*files, *sample_paths()]


def artwork_path(name: str) -> Path:
    """The file of a name from :func:`artwork_names`, or of the host's form `name [output]`.

    Raises:
        ArtworkError: there is no such file.
    """
    path = sample_path(name)
    if path is None and folder_paths.exists_annotated_filepath(name):
        path = Path(folder_paths.get_annotated_filepath(name))
    if path is None or not path.is_file():
        raise ArtworkError(
            f"no artwork {name!r}", "a picture in ComfyUI's input folder or a sample", "Upload it or pick another."
        )
    return path


class OutputFile(NamedTuple):
    """A file to be written below the host's `output` or `temp` folder, which `type` names."""

    path: Path
    subfolder: str
    type: str

    @property
    def result(self) -> dict[str, str]:
        """The entry that the front end loads the file by."""
        return {"filename": self.path.name, "subfolder": self.subfolder, "type": self.type}


def check_name(name: str) -> None:
    """Check that a file of that name can be written below the output folder.

    Raises:
        OutputError: the name leads out of the output folder, is empty or too long, or its folder is not writable.
    """
    if UNREADABLE.search(name):
        raise OutputError(
            f"the name {name!r}", "printable characters on one line", "Write a name such as art2mus/music."
        )
    if not Path(name).name.strip(". "):
        raise OutputError(f"the name {name!r}", "a file name", "Write a name such as art2mus/music.")
    longest = max(Path(name).parts, key=lambda part: len(part.encode()))
    if len(longest.encode()) > LONGEST_NAME:
        came = f"the name {longest[:40]!r}... of {len(longest.encode())} bytes"
        raise OutputError(came, f"{LONGEST_NAME} at most", "Write a shorter name.")
    root = Path(folder_paths.get_output_directory()).resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise OutputError(f"the name {name!r}", "a path inside ComfyUI's output folder", "Write it without '..'.")
    above = next((folder for folder in path.parents if folder.exists()), root)
    if not above.is_dir():
        raise OutputError(f"{above} is a file", "a folder", "Write another name.")
    if above.exists() and not os.access(above, os.W_OK):
        raise OutputError(
            f"the folder {above} cannot be written to", "one that can", "Change its permissions, or the name."
        )


def output_file(name: str, suffix: str) -> OutputFile:
    """The next free file of that name below the host's output folder.

    Args:
        name: file name, which may contain subfolders.
        suffix: file suffix with its dot.

    Raises:
        OutputError: see :func:`check_name`.
    """
    check_name(name)
    return _next_file(name, suffix, folder_paths.get_output_directory(), "output")


def temp_file(name: str, suffix: str) -> OutputFile:
    """A new file below the host's temp folder. Its name is unique, so that a browser never shows a cached older one."""
    return _next_file(f"art2mus/{name}_{secrets.token_hex(4)}", suffix, folder_paths.get_temp_directory(), "temp")


def _next_file(name: str, suffix: str, root: str, kind: str) -> OutputFile:
    folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(name, root)
    return OutputFile(Path(folder) / f"{stem}_{counter:05}_{suffix}", subfolder, kind)


def model_roots() -> list[Path]:
    """Model folders: those in `extra_model_paths.yaml`, then `models/art2mus`."""
    own = str(Path(folder_paths.models_dir) / "art2mus")
    paths, _ = folder_paths.folder_names_and_paths.setdefault("art2mus", ([own], set()))
    return [Path(path) for path in dict.fromkeys([*paths, own])]


def _names(is_a: Callable[[Path], bool]) -> list[str]:
    return list(dict.fromkeys([*known(is_a), *sorted(folders(model_roots(), is_a))]))


def model_names() -> list[str]:
    """Checkpoints that generate music from the language of audio, the bundled one first."""
    return _names(lambda folder: is_prior(folder) and not is_commented(folder))


def commented_names() -> list[str]:
    """Checkpoints that generate music from artworks and comments, the bundled one first."""
    return _names(is_commented)


def encoder_names() -> list[str]:
    """Checkpoints with an image encoder, the bundled one first."""
    return _names(is_encoder)


def joint_encoder_names() -> list[str]:
    """Checkpoints that encode pictures and audio in one space, the bundled one first."""
    return _names(lambda folder: is_encoder(folder) and (folder / "audio_encoder" / "config.json").is_file())


def model_folder(name: str, is_a: Callable[[Path], bool] = is_prior) -> Path:
    """The folder of a checkpoint; the host's model folders are searched before the core's.

    Args:
        name: name of the folder.
        is_a: whether a folder is of the required kind.

    Raises:
        SettingError: there is no checkpoint of that name.
    """
    return folders(model_roots(), Path.is_dir).get(name) or locate(name, is_a)


def commented_folders(name: str) -> tuple[Path, Path]:
    """The folder of a checkpoint from :func:`commented_names`, and the one that has its image encoder, often the same.

    Raises:
        SettingError: there is no such checkpoint, or no encoder of the name that it has.
        CheckpointError: its `model_index.json` cannot be read.
    """
    from ..art2mus_core.checkpoints.folder import read_index

    folder = model_folder(name, is_commented)
    encoder = None if is_encoder(folder) else read_index(folder).get("encoder")
    return folder, model_folder(encoder, is_encoder) if isinstance(encoder, str) else folder


def aligner_names() -> list[str]:
    """`model` for the checkpoint's own aligner, then all files in `aligner` subfolders, then folders that are aligners."""
    return list(dict.fromkeys(["model", *_names_in("aligner"), *_names(is_aligner)]))


def support_names() -> list[str]:
    """`model` for the checkpoint's own text constants, then all files in `constants` subfolders."""
    return list(dict.fromkeys(["model", *_names_in("constants")]))


def _names_in(subfolder: str) -> list[str]:
    """Names of the weight files in that subfolder of every checkpoint."""
    places = [model_folder(name) / subfolder for name in model_names()]
    return [path.stem for place in places for path in sorted(place.glob("*.safetensors")) if not is_lora(path)]


def aligner_name(name: str) -> str:
    """The path of an aligner in the host's model folders; otherwise the name itself, which the core resolves."""
    return str(folders(model_roots(), is_aligner).get(name, name))
