"""Names of checkpoints to folders, and what to tell a person who gave one that does not lead to the right folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from ..errors import SettingError
from .cards import read_cards

__all__ = [
    "BUNDLED",
    "aligner_file",
    "describe",
    "folders",
    "home",
    "is_aligner",
    "is_encoder",
    "is_judge",
    "is_prior",
    "known",
    "locate",
    "quoted",
    "spoken",
    "there",
]

PACKAGED = Path(__file__).parents[1]
BUNDLED = "pocket"

WEIGHTS = (".pt", ".safetensors")
"""Suffixes of an aligner in a folder of its own: of those published in 2024, and of those trained here."""

JUDGES = ("clap", "audio-spectrogram-transformer")
"""What transformers calls networks that judge music."""


def home() -> Path:
    """Where checkpoints are kept: `ART2MUS_HOME`, or `art2mus` in the person's data folder."""
    if chosen := os.environ.get("ART2MUS_HOME"):
        return _expanded(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "art2mus"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "art2mus"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "art2mus"


def is_prior(folder: Path) -> bool:
    """Whether a folder holds what makes music of a prompt."""
    return (folder / "model_index.json").is_file()


def is_encoder(folder: Path) -> bool:
    """Whether a picture can be looked at with what lies in a folder: an image encoder of ours, or a CLIP."""
    return (folder / "image_encoder" / "config.json").is_file() or _model_type(folder) == "clip"


def is_judge(folder: Path) -> bool:
    """Whether a folder holds what listens to music when it is scored, and cannot be composed with."""
    return _model_type(folder) in JUDGES or any(path.is_file() for path in folder.glob("vggish*.pth"))


def _model_type(folder: Path) -> object:
    """What transformers says of a folder."""
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return None


def is_aligner(folder: Path) -> bool:
    """Whether a folder holds one file of weights, and no configuration of a network that they could be of."""
    return aligner_file(folder) is not None


def aligner_file(folder: Path) -> Path | None:
    """The one file of weights in a folder for which :func:`is_aligner` holds."""
    files = [path for path in folder.glob("*") if path.suffix.lower() in WEIGHTS and path.is_file()]
    return files[0] if len(files) == 1 and not (folder / "config.json").exists() else None


class Kind(NamedTuple):
    """How a kind of checkpoint is called by a person and on its card, and what its folder is for."""

    noun: str
    card: str
    use: str


KINDS: Mapping[Callable[[Path], bool], Kind] = MappingProxyType(
    {
        is_prior: Kind("model", "prior", "Choose it as the model."),
        is_encoder: Kind("image encoder", "encoder", "Choose it as the image encoder, and a model beside it."),
        is_aligner: Kind("aligner", "aligner", "Choose it as the aligner, and a model beside it."),
        is_judge: Kind("judge", "judge", "Evaluation listens with it; nothing is composed with it."),
    }
)
"""What tells a kind, in the order in which a folder is asked."""


def there(path: str | Path, is_a: Callable[[Path], bool] = Path.is_dir) -> Path | None:
    """A path with its `~` expanded if something of a kind is there; a name that no file can have is nowhere."""
    try:
        expanded = _expanded(path)
        return expanded if is_a(expanded) else None
    except (OSError, ValueError):
        return None


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # the ~ of nobody on this machine
        return Path(path)


def folders(roots: Iterable[Path], is_a: Callable[[Path], bool] = is_prior) -> dict[str, Path]:
    """Folders of a kind below some roots, by name; the first root that has a name wins."""
    found = [path for root in roots if root.is_dir() for path in sorted(root.iterdir()) if there(path, is_a)]
    return {path.name: path for path in reversed(found)}


def known(is_a: Callable[[Path], bool] = is_prior) -> list[str]:
    """Names of a kind that :func:`locate` finds."""
    return [*(name for name in (BUNDLED,) if is_a(PACKAGED / name)), *sorted(folders([home()], is_a))]


def locate(name: str, is_a: Callable[[Path], bool] = is_prior) -> Path:
    """The folder of a checkpoint: `pocket` (comes with the package), a path, or a name below :func:`home`.

    Args:
        name: what a person calls it.
        is_a: what they want it for, a key of `KINDS`; the error speaks of that, the folder may hold something else.

    Raises:
        SettingError: nothing of that name.
    """
    if found := _found(name):
        return found
    noun = KINDS[is_a].noun
    raise SettingError(
        f"no {noun} {name!r}",
        f"one of {', '.join(known(is_a)) or 'none so far'}, or the path of {_a(noun)}'s folder",
        describe(home() / name, is_a)[1],
    )


def _found(name: str) -> Path | None:
    if name == BUNDLED:
        return PACKAGED / BUNDLED
    return (there(name) or there(home() / name)) if name else None


def describe(folder: Path, is_a: Callable[[Path], bool] = is_prior) -> tuple[str, str]:
    """What a folder is that is not of the kind that is wanted, and what to do: its card is asked, then what lies in it.

    Args:
        folder: it may also not be there.
        is_a: the kind that is wanted, a key of `KINDS`.

    Returns:
        What it is, for "NAME is ..."; and a sentence that is right on the command line and in the graph.
    """
    wanted, card = KINDS[is_a], read_cards().get(folder.name)
    if card and card.kind == wanted.card:
        remedy = (
            "Install Art2Mus again."
            if card.bundled
            else f"Run `art2mus fetch {card.name}`, or the node Download Art2Mus Model."
        )
        return f"{_a(wanted.noun)} that is not all here", remedy
    for tells, kind in KINDS.items():
        if card.kind == kind.card if card else there(folder, tells):
            return _a(kind.noun), kind.use
    return f"no {wanted.noun}", f"Check the name, or put it into a folder of its own below {home()}."


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def spoken(folder: Path) -> str:
    """What to call a folder on a command line so that :func:`locate` finds it: its name if that leads there, or its path."""
    found = _found(folder.name)
    return quoted(folder.name if found and found.resolve() == folder.resolve() else folder)


def quoted(word: str | Path) -> str:
    """A word of a command line, in quotes if the shells of this system need them."""
    if sys.platform != "win32":
        return shlex.quote(str(word))
    return str(word) if re.fullmatch(r"[\w.:/\\~+-]+", str(word)) else f'"{word}"'
