"""What may change between a run and its resumption."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...errors import CheckpointError
from ..config import TrainingConfig
from ..objective import Objective
from ..schedule import learning_rate_at

__all__ = ["check_same", "data_digest"]

CHANGEABLE = {
    *("steps", "restarts", "save_minutes", "validate_every", "keep"),
    *("trackers", "preview_every", "previews", "compile", "checkpointing", "faults"),
}
"""Fields that a resumed run may have changed; `steps` and `restarts` if the schedule so far is the same."""

AGAIN = "Choose another run folder, or delete this one to start again."


def data_digest(objective: Objective) -> str:
    """sha256 over the pairs that a run trains on and validates with."""
    total = hashlib.sha256()
    for rows in (objective.train_rows, objective.validation_rows):
        for pair in (objective.data.pairs[row] for row in rows):
            total.update(f"{pair.id} {pair.artwork_sha256} {pair.music} {pair.seconds}\n".encode())
        total.update(b"\n")
    return total.hexdigest()


def check_same(state: Path, note: dict[str, Any], config: TrainingConfig, present: dict[str, Any]) -> None:
    """Check that a state was made with the same configuration and pairs, and like now with or without FSDP.

    Args:
        state: its folder, for the message.
        note: its `complete.json`.
        config: the present configuration.
        present: what the note would now have as `data` and `sharded`.

    Raises:
        CheckpointError: they differ; the message names each differing key with both values.
    """
    made, ours = note["config"], config.model_dump(mode="json")
    differing = _differences({k: v for k, v in made.items() if k not in CHANGEABLE}, ours)
    if not differing and not _same_schedule(made, config, note["step"]):
        differing = [f"{key} {made[key]}, now {ours[key]}" for key in ("steps", "restarts") if made[key] != ours[key]]
    if differing:
        raise CheckpointError(
            f"{state} was made with {'; '.join(differing)}", "the same configuration as before", AGAIN
        )
    if note["sharded"] != present["sharded"]:
        how = "with FSDP" if note["sharded"] else "without FSDP"
        raise CheckpointError(f"{state} was made {how}", "the same way of sharing the weights", "Start it as before.")
    if note["data"] != present["data"]:
        raise CheckpointError(f"{state} was made with other pairs", "the same pairs as before", AGAIN)


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
