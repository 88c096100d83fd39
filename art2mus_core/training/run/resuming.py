"""What a run is trained on, and what of it may change when it is resumed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ...digests import file_digest
from ...errors import CheckpointError, SettingError
from ...types import Step
from ..config import TrainingConfig
from ..features.dataset import FEATURES, Dataset
from ..features.sources import Side
from ..objective import Objective, read_options
from ..schedule import learning_rate_at

__all__ = ["Origin", "check_same", "origin_of"]

Origin = dict[str, Any]
"""What :func:`origin_of` returns."""

CHANGEABLE = {
    *("steps", "restarts", "save_minutes", "validate_every", "keep"),
    *("trackers", "preview_every", "previews", "compile", "checkpointing", "faults"),
}
"""Fields that a resumed run may have changed; `steps` and `restarts` if the schedule so far is the same."""

AGAIN = "Choose another run folder, or delete this one to start again."


def origin_of(objective: Objective, *, sharded: bool) -> Origin:
    """What decides the weights of a run beside its configuration, as its states have it.

    Args:
        objective: what is trained.
        sharded: whether each process has a part of the weights (FSDP).

    Returns:
        Digests: `data` of the pairs; `content` of the files that the loss depends on, their `artworks` or `music`, each None if a file is not there;
        `parts` as of :meth:`Objective.parts`. And `sharded`.
    """
    data, rows = objective.data, np.concatenate([objective.train_rows, objective.validation_rows])
    return {
        "data": _pairs_digest(objective),
        "content": {name: _content_digest(data, data.side(name), rows) for name in objective.sides},
        "parts": objective.parts(),
        "sharded": sharded,
    }


def _content_digest(data: Dataset, side: Side, rows: np.ndarray) -> str | None:
    """sha256 over the content of the files of some pairs; a dataset without tables has to be read for it."""
    used = np.unique(side.of[rows])
    files = side.files if -1 in used else [side.files[row] for row in used]  # those of no pair are all used
    digests = list[str]()
    for count, source in enumerate(files, 1):
        try:
            digests.append(source.sha256 or file_digest(data.folder / source.path))
        except OSError:
            return None
        if data.on_step and not source.sha256:
            data.on_step(Step("content of files", count, len(files)))
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _pairs_digest(objective: Objective) -> str:
    """sha256 over the pairs that a run trains on and validates with."""
    total = hashlib.sha256()
    for rows in (objective.train_rows, objective.validation_rows):
        for pair in (objective.data.pairs[row] for row in rows):
            total.update(f"{pair.id} {pair.artwork_sha256} {pair.music} {pair.seconds}\n".encode())
        total.update(b"\n")
    return total.hexdigest()


def check_same(state: Path, note: dict[str, Any], objective: Objective, present: Origin) -> None:
    """Check that a state was made with the same configuration, pairs, files and parts, and like now with or without FSDP.

    Args:
        state: its folder, for the message.
        note: its `complete.json`.
        objective: what would be trained.
        present: its :func:`origin_of`.

    Raises:
        CheckpointError: they differ; the message names each differing key of the configuration with both values.
    """
    same_encoder = note.get("parts", {}).get("encoder") == present["parts"].get("encoder", {})
    _check_config(state, note, objective, {"encoder"} if same_encoder else set())
    if note["sharded"] != present["sharded"]:
        how = "with FSDP" if note["sharded"] else "without FSDP"
        raise CheckpointError(f"{state} was made {how}", "the same way of sharing the weights", "Start it as before.")
    if note["data"] != present["data"]:
        raise CheckpointError(f"{state} was made with other pairs", "the same pairs as before", AGAIN)
    stale = f" If files were replaced, delete {objective.data.folder / FEATURES} first."
    for kind, where, more in (("content", objective.data.folder, stale), ("parts", objective.checkpoint, "")):
        if changed := _changed(note.get(kind, {}), present[kind]):
            raise CheckpointError(
                f"{state} was made with other content of {', '.join(changed)} than now ({where})",
                f"the same {kind} as before",
                f"{AGAIN}{more}",
            )


def _check_config(state: Path, note: dict[str, Any], objective: Objective, renamed: set[str]) -> None:
    """Check the configuration, but for options that name the same part in another way."""
    config, done = objective.config, note["step"]
    made, ours = note["config"], config.model_dump(mode="json")
    if (before := _settled(made, objective)) and (now := _settled(ours, objective)):
        made, ours = before, now
    for fields in (made, ours):
        fields["options"] = {name: value for name, value in fields["options"].items() if name not in renamed}
    differing, advice = _differences({k: v for k, v in made.items() if k not in CHANGEABLE}, ours), AGAIN
    if not differing and not _same_schedule(made, config, done):
        differing = [f"{key} {made[key]}, now {ours[key]}" for key in ("steps", "restarts") if made[key] != ours[key]]
        if done <= made["steps"] < config.steps:
            restarts = [*(each for each in made["restarts"] if each < made["steps"]), made["steps"]]
            advice = f"{AGAIN} To lengthen the run, set `restarts: {restarts}`, too."
    if differing:
        raise CheckpointError(
            f"{state} was made with {'; '.join(differing)}", "the same configuration as before", advice
        )


def _settled(fields: dict[str, Any], objective: Objective) -> dict[str, Any] | None:
    """A configuration with all defaults, which may be given or left out; None if another version or stage wrote it."""
    try:
        config = TrainingConfig(**fields)
        options = read_options(config, type(objective.options)).model_dump(mode="json")
        return {**config.model_dump(mode="json"), "model": objective.settled(config.model), "options": options}
    except (ValidationError, SettingError):
        return None


def _changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The names of digests that differ; unknown ones are taken to be the same."""
    found = list[str]()
    for name in before.keys() & now.keys():
        one, other = before[name], now[name]
        if isinstance(one, dict) and isinstance(other, dict):
            found += sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))
        elif one is not None and other is not None and one != other:
            found.append(name)
    return sorted(found)


def _same_schedule(made: dict[str, Any], config: TrainingConfig, done: int) -> bool:
    """Whether the learning rates of all finished steps are the same."""
    if done > config.steps:
        return False
    try:
        before = TrainingConfig(**made)
    except ValidationError:  # written by another version
        return False
    return all(learning_rate_at(step, before) == learning_rate_at(step, config) for step in range(done))


def _differences(made: dict[str, Any], ours: dict[str, Any], above: str = "") -> list[str]:
    """The keys whose values differ, with both; of nested fields the innermost ones."""
    found = []
    for key, before in made.items():
        name, now = f"{above}{key}", ours.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            both = dict.fromkeys([*before, *now])
            found += _differences({each: before.get(each) for each in both}, now, f"{name}.")
        elif before != now:
            found.append(f"{name} {before}, now {now}")
    return found
