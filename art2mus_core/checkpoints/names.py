"""Names of checkpoints to folders."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import SettingError

__all__ = ["BUNDLED", "folders", "home", "is_aligner", "is_encoder", "is_prior", "known", "locate"]

PACKAGED = Path(__file__).parents[1]
BUNDLED = "pocket"


def home() -> Path:
    """Where checkpoints are kept: `ART2MUS_HOME`, or `art2mus` in the person's data folder."""
    if chosen := os.environ.get("ART2MUS_HOME"):
        return Path(chosen).expanduser()
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
    if (folder / "image_encoder" / "config.json").is_file():
        return True
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type") == "clip"
    except (OSError, ValueError, AttributeError):
        return False


def is_aligner(folder: Path) -> bool:
    """Whether a folder holds one aligner and nothing else."""
    files = [path for suffix in ("*.pt", "*.safetensors") for path in folder.glob(suffix)]
    return len(files) == 1 and not (folder / "config.json").exists()


def folders(roots: Iterable[Path], is_a: Callable[[Path], bool] = is_prior) -> dict[str, Path]:
    """Folders of a kind below some roots, by name; the first root that has a name wins."""
    found = [path for root in roots if root.is_dir() for path in sorted(root.iterdir()) if is_a(path)]
    return {path.name: path for path in reversed(found)}


def known(is_a: Callable[[Path], bool] = is_prior) -> list[str]:
    """Names of a kind that :func:`locate` finds."""
    return [*(name for name in (BUNDLED,) if is_a(PACKAGED / name)), *sorted(folders([home()], is_a))]


def locate(name: str) -> Path:
    """The folder of a checkpoint: `pocket` (comes with the package), a path, or a name below :func:`home`.

    Raises:
        SettingError: nothing of that name.
    """
    if name == BUNDLED:
        return PACKAGED / BUNDLED
    for folder in (Path(name).expanduser(), home() / name):
        if name and folder.is_dir():
            return folder
    raise SettingError(
        f"no model {name!r}",
        f"one of {', '.join(known())}, or the path of a checkpoint folder",
        f"Check the name, or put the folder into {home()}.",
    )
