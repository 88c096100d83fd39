"""The error for a missing package."""

from __future__ import annotations

import sys
from pathlib import Path

from ..art2mus_core.checkpoints.names import quoted
from ..art2mus_core.errors import Art2MusError

__all__ = ["explained"]

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"


def explained(error: ImportError) -> Art2MusError:
    """An ImportError as an error with a remedy: a pip command, or a newer ComfyUI if one of its modules is missing."""
    if (error.name or "").startswith("comfy"):
        return Art2MusError(str(error), "a newer ComfyUI", "Update ComfyUI and start it again.")
    command = f"{quoted(sys.executable)} -m pip install -r {quoted(REQUIREMENTS)}"
    return Art2MusError(
        str(error),
        "the packages that Art2Mus needs",
        f"Run {command} in ComfyUI's folder, with ComfyUI's own Python, and start ComfyUI again.",
    )
