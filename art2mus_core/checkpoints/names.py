"""Names of checkpoints to folders."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import SettingError

__all__ = ["home", "known", "locate"]

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


def known() -> list[str]:
    """Names that :func:`locate` finds."""
    below = home()
    folders = sorted(below.iterdir()) if below.is_dir() else []
    return [BUNDLED, *(folder.name for folder in folders if (folder / "model_index.json").is_file())]


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
