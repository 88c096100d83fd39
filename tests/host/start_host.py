"""Starts ComfyUI's `main.py` where torchvision's and torchaudio's compiled parts don't fit the installed torch.

A CPU build of torch has no wheels of the two beside it. The host needs their Python parts only, so two operator names
are declared and torchaudio's extension is said to be absent; with fitting wheels nothing is changed.

    COMFYUI_HOME=/path/to/ComfyUI python tests/host/start_host.py --cpu --port 8199
    COMFYUI_HOME=/path/to/ComfyUI python tests/host/start_host.py --run SCRIPT ARGUMENTS...
"""

from __future__ import annotations

import os
import runpy
import sys
import types
from pathlib import Path

import torch

OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def forget(package: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]


def mend_torchvision() -> torch.library.Library | None:
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        forget("torchvision")
        library = torch.library.Library("torchvision", "DEF")
        for operator in OPERATORS:
            library.define(operator)
        return library
    return None


def mend_torchaudio() -> None:
    try:
        import torchaudio  # noqa: F401
    except OSError:
        forget("torchaudio")
        absent = types.ModuleType("torchaudio._extension")
        absent._IS_TORCHAUDIO_EXT_AVAILABLE = absent._IS_ALIGN_AVAILABLE = False
        absent.fail_if_no_align = lambda function: function
        sys.modules["torchaudio._extension"] = absent


if __name__ == "__main__":
    home = Path(os.environ["COMFYUI_HOME"]).resolve()
    declared = mend_torchvision()  # the names live as long as this object
    mend_torchaudio()
    os.chdir(home)
    sys.path.insert(0, str(home))
    script = str(home / "main.py")
    if sys.argv[1:2] == ["--run"]:
        script = sys.argv[2]
        del sys.argv[1:3]
    sys.argv[0] = script
    runpy.run_path(script, run_name="__main__")
