"""What a person is told when a package is missing that a node needs."""

from __future__ import annotations

import sys
from pathlib import Path

from ..art2mus_core.checkpoints.names import quoted
from ..art2mus_core.errors import Art2MusError

__all__ = ["explained"]

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


def explained(error: ImportError) -> Art2MusError:
    """An import that failed, as an error that can be mended: with pip, or by a newer host where it is the host's part."""
    if (error.name or "").startswith("comfy"):
        return Art2MusError(str(error), "a newer ComfyUI", "Update ComfyUI and start it again.")
    command = f"{quoted(sys.executable)} -m pip install -r {quoted(REQUIREMENTS)}"
    return Art2MusError(
        str(error),
        "the packages that Art2Mus needs",
        f"Run {command} in ComfyUI's folder, with ComfyUI's own Python, and start ComfyUI again.",
    )
