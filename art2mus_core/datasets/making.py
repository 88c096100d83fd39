"""Two folders become a dataset: list, scan, embed, split, pair and report."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..encoders.files import image_space
from ..types import OnStep, Step
from .embedding import embed
from .faults import OnFault
from .listing import list_source
from .pairing import Rule, pair
from .reporting import PAGE, SHOWN, write_report
from .scanning import SHORTEST, scan_artworks, scan_music
from .shards import Spread

__all__ = ["Plan", "make"]

HEAVY = {"scan artworks": 1, "scan music": 8, "embed artworks": 6, "embed music": 12, "report": 12}
"""How long a file takes in each stage, relative to the first; measured with pictures of 640 pixels and 10 s of music."""


@dataclass(frozen=True)
class Plan:
    """What to make a dataset from.

    Attributes:
        pictures: folder of artworks.
        music: folder of music.
        checkpoint: folder of the encoders.
        picture_source: layout of the pictures, a name in `sources`.
        music_source: layout of the music.
        shortest: least length of music in seconds.
        rule: how pairs are chosen.
    """

    pictures: Path
    music: Path
    checkpoint: Path
    picture_source: str = "folder"
    music_source: str = "folder"
    shortest: float = SHORTEST
    rule: Rule = field(default_factory=Rule)


def make(
    plan: Plan,
    folder: Path,
    spread: Spread,
    *,
    device: str = "cpu",
    on_step: OnStep | None = None,
    on_fault: OnFault | None = None,
) -> dict[str, Any]:
    """Make a dataset in `folder`; an interrupted run resumes. The files stay where they are.

    Args:
        plan: sources, encoders and rule.
        folder: of the dataset.
        spread: the engine.
        device: of the encoders.
        on_step: called with the share of all work that is done, in thousandths.
        on_fault: called with each file that has a fault.

    Returns:
        Counts of each stage by its name, and what was found in pairing.

    Raises:
        SettingError: an unknown source, or a rule that cannot be followed.
        DatasetError: a source that cannot be listed, or no pair.
        CheckpointError: no such encoders.
    """
    plan.rule.check()
    space = image_space(plan.checkpoint)
    pictures = list_source(folder, "artworks", plan.pictures, plan.picture_source)
    music = list_source(folder, "music", plan.music, plan.music_source)
    counts = {"artworks": pictures.count, "music": music.count}
    files = {stage: counts[stage.split()[1]] if " " in stage else SHOWN for stage in HEAVY}
    reported = _overall(files, on_step)
    telling: dict[str, Any] = {"on_step": reported, "on_fault": on_fault}
    told: dict[str, Any] = {
        "scan artworks": scan_artworks(pictures, folder, spread, **telling),
        "scan music": scan_music(music, folder, spread, shortest=plan.shortest, **telling),
    }
    for kind in counts:
        told[f"embed {kind}"] = embed(folder, kind, plan.checkpoint, spread, device=device, **telling)
    told["pair"] = pair(folder, space, plan.rule)
    told["report"] = {"files that cannot be read": len(write_report(folder, folder / PAGE, on_step=reported))}
    return told


def _overall(files: dict[str, int], on_step: OnStep | None) -> OnStep | None:
    """An `on_step` for all stages that take long, from steps of each, by the number of files in each."""
    if on_step is None:
        return None
    weights = {stage: HEAVY[stage] * files[stage] for stage in HEAVY}
    total = sum(weights.values())
    names = list(HEAVY)

    def overall(step: Step) -> None:
        before = sum(weights[name] for name in names[: names.index(step.stage)])
        share = (before + weights[step.stage] * step.done / max(step.total, 1)) / total
        on_step(Step(step.stage, round(1000 * share), 1000))

    return overall
