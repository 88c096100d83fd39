"""Stamps of the files that nodes read by a chosen name: the host runs a node again once one of them was overwritten.

A name is None if it comes from another node: it is not known yet, so a change of any file that it could stand for counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from ..art2mus_core.checkpoints.names import is_encoder
from .folders import (
    aligner_name,
    aligner_names,
    commented_folders,
    commented_names,
    encoder_names,
    joint_encoder_names,
    model_folder,
    model_names,
)

__all__ = [
    "aligner_stamps",
    "commented_stamps",
    "encoder_stamps",
    "file_stamps",
    "joint_encoder_stamps",
    "model_stamps",
]

IMAGE, AUDIO = "image_encoder", "audio_encoder"
"""Subfolders of a checkpoint with its encoders. A CLIP has none."""

ELSEWHERE = ("aligner", IMAGE, AUDIO)
"""Subfolders that other nodes read than the one that loads the model."""


def file_stamps(paths: Iterable[Path]) -> list[str]:
    """Path, size and modification time of each file."""
    states = ((path, path.stat()) for path in paths)
    return [f"{path} {state.st_size} {state.st_mtime_ns}" for path, state in states]


def model_stamps(model: str | None) -> list[str]:
    """Of a checkpoint that generates music from the language of audio, without its aligners and encoders.

    Raises:
        SettingError: there is no such checkpoint.
    """
    places = map(model_folder, _meant(model, model_names))
    return file_stamps(path for place in places for path in _files(place, unread=ELSEWHERE))


def commented_stamps(model: str | None) -> list[str]:
    """Of a checkpoint that reads comments, and of the one that has its image encoder. Raises as :func:`commented_folders`."""
    places = [place for each in _meant(model, commented_names) for place in commented_folders(each)]
    return file_stamps(path for place in dict.fromkeys(places) for path in _files(place))


def encoder_stamps(encoder: str | None) -> list[str]:
    """Of a checkpoint's image encoder.

    Raises:
        SettingError: there is no such checkpoint.
    """
    return _encoder_stamps(_meant(encoder, encoder_names), [IMAGE])


def joint_encoder_stamps(encoder: str | None) -> list[str]:
    """Of a checkpoint's image encoder and audio encoder. Raises as :func:`encoder_stamps`."""
    return _encoder_stamps(_meant(encoder, joint_encoder_names), [IMAGE, AUDIO])


def aligner_stamps(aligner: str | None, model: str | None = None) -> list[str]:
    """Of the file of an aligner, for a checkpoint; for each checkpoint where they have aligners of the same name.

    Raises:
        SettingError: there is no such checkpoint.
    """
    from ..art2mus_core.aligners.files import aligner_path

    places = [model_folder(each) for each in _meant(model, model_names)]
    chosen = [aligner_name(each) for each in _meant(aligner, aligner_names)]
    found = (aligner_path(place, name) for place in places for name in chosen)
    return file_stamps(path for path in dict.fromkeys(found) if path)


def _meant(name: str | None, names: Callable[[], list[str]]) -> list[str]:
    return names() if name is None else [name]


def _encoder_stamps(encoders: Iterable[str], components: Collection[str]) -> list[str]:
    folders = [model_folder(each, is_encoder) for each in encoders]
    inside = {folder: [folder / name for name in components if (folder / name).is_dir()] for folder in folders}
    return file_stamps(path for folder in folders for place in inside[folder] or [folder] for path in _files(place))


def _files(folder: Path, unread: Collection[str] = ()) -> list[Path]:
    """The files below a folder; a subfolder may be a link, which a search of the whole folder would not follow."""
    places = [place for place in sorted(folder.iterdir()) if place.name not in unread]
    paths = [path for place in places for path in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    return [path for path in paths if path.is_file()]
