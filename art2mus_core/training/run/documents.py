"""The documents of a run: its configuration as YAML, and `run.json`, which says with what and on what it was made."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from ...errors import CheckpointError
from ...placing import place
from ..config import TrainingConfig
from ..objective import Objective
from .resuming import Origin
from .saving import CHECKPOINTS

__all__ = ["CONFIG", "RUN", "begin", "continue_run", "is_begun", "machine", "read_run", "weights_of"]

CONFIG, RUN = "config.yaml", "run.json"

PACKAGES = ("art2mus", "torch", "accelerate", "transformers", "peft", "safetensors", "numpy", "av")
"""Packages on whose version the weights or the use of them may depend."""


def is_begun(run: Path) -> bool:
    """Whether a run has states that can be resumed, and its documents."""
    return (run / RUN).is_file() and any((run / CHECKPOINTS).glob("[0-9]*"))


def begin(run: Path, objective: Objective, origin: Origin, command: Sequence[str], made_on: dict[str, Any]) -> None:
    """Write the documents of a new run; those of an earlier one without a state are replaced.

    Args:
        run: its folder.
        objective: what is trained.
        origin: what it is trained on.
        command: the command and its arguments.
        made_on: what :func:`machine` returns.

    Raises:
        OutputError: a file cannot be written.
    """
    config, data = objective.config, objective.data
    rows = {"train": objective.train_rows, "validation": objective.validation_rows}
    licences = Counter(data.pairs[row].licence for row in objective.train_rows)
    document = {
        "stage": config.stage,
        "command": list(command),
        "started": _now(),
        "machine": made_on,
        "data": {
            "folder": str(data.folder),
            "name": data.folder.resolve().name,
            "sha256": origin["data"],
            "content": origin["content"],
            "pairs": {split: len(each) for split, each in rows.items()},
            "left_out": len(data.left_out),
            "faults": [*map(vars, data.faults.frequent())],
            "licences": dict(licences.most_common()),
        },
        "checkpoint": {"folder": str(objective.checkpoint.resolve()), "sha256": origin["parts"].get("checkpoint", {})},
        "encoder": _encoder(objective, origin),
        "weights": weights_of(objective),
        "header": objective.header(),
        "resumed": [],
    }
    _write_config(run, config)
    _write(run, document)


def continue_run(run: Path, config: TrainingConfig, step: int, command: Sequence[str], made_on: dict[str, Any]) -> None:
    """Replace the configuration by the present one, and add to `run.json` that the run was resumed after `step` steps.

    Raises:
        CheckpointError: the file is missing or damaged.
        OutputError: it cannot be written.
    """
    document = read_run(run)
    if step < config.steps:
        document["resumed"].append({"step": step, "at": _now(), "command": list(command), "machine": made_on})
        _write(run, document)
    _write_config(run, config)


def read_run(run: Path) -> dict[str, Any]:
    """The content of `run.json`.

    Raises:
        CheckpointError: the folder has no such file, or it is damaged.
    """
    path = run / RUN
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if (
            isinstance(document, dict)
            and {"stage", "data", "checkpoint", "encoder", "header", "resumed"} <= document.keys()
        ):
            return document
        reason = "is another kind of file"
    except FileNotFoundError:
        reason = "is missing"
    except (OSError, ValueError, RecursionError) as error:
        reason = f"cannot be read ({' '.join(str(error).split())})"
    raise CheckpointError(f"{path} {reason}", "the folder of a run of `art2mus train`", "Choose another run folder.")


def machine(device: torch.device, processes: int = 1) -> dict[str, Any]:
    """What the run computes on: versions, platform, device and number of processes."""
    return {
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "processes": processes,
    }


def weights_of(objective: Objective) -> dict[str, int]:
    """Numbers of the weights that are trained, and of those that are frozen."""
    trained = sum(each.numel() for each in objective.trained.parameters() if each.requires_grad)
    return {"trained": trained, "frozen": sum(each.numel() for each in objective.parameters()) - trained}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _encoder(objective: Objective, origin: Origin) -> dict[str, Any] | None:
    """The image encoder, if the stage has one beside the checkpoint's parts."""
    digests = origin["parts"].get("encoder")
    return digests and {"folder": str(getattr(objective, "encoder", objective.checkpoint).resolve()), "sha256": digests}


def _write_config(run: Path, config: TrainingConfig) -> None:
    import yaml  # noqa: PLC0415

    fields = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    place(
        run / CONFIG,
        f"# The configuration of this run's latest start, with all that its command changed.\n{fields}".encode(),
    )


def _write(run: Path, document: dict[str, Any]) -> None:
    place(run / RUN, (json.dumps(document, indent=1) + "\n").encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
