"""The model card of an exported aligner, in the form of the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...aligners.files import AlignerHeader
from ...checkpoints.cards import read_cards
from ...checkpoints.names import lora_beside
from ...figures.pages import one_line, render

__all__ = ["card_of"]

TEMPLATES = Path(__file__).parent / "templates"

SPDX = {
    *("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "bsd-3-clause"),
    *("gpl-3.0", "agpl-3.0", "openrail", "cc-by-3.0", "cc-by-sa-3.0", "unlicense"),
}
"""Licences that the Hub knows by these names; others are `other` with a name."""


def card_of(path: Path, header: AlignerHeader, told: Mapping[str, Any], history: Sequence[Mapping[str, float]]) -> str:
    """The text of a model card.

    Args:
        path: the aligner's file.
        header: its header.
        told: the run's `run.json`, with `step` and `config` of the exported state.
        history: the state's losses and validation results by step.
    """
    cards = read_cards()
    known = [cards[name] for name in dict.fromkeys((header.prior, header.encoder)) if name in cards]
    results: dict[str, float] = {}
    for entry in history:
        results |= {name: value for name, value in entry.items() if name != "step"}
    options = {name: value for name, value in told["config"]["options"].items() if value is not None}
    if "encoder" in options:
        options["encoder"] = header.encoder  # whose path is that of one machine
    return render(
        TEMPLATES,
        "README.md",
        path=path,
        header=header,
        spdx=(header.licence or "").lower() in SPDX,
        bases=[card.repository for card in known if card.repository],
        needed=known,
        told=told,
        lora=lora_beside(path).name if "lora" in told["header"] else None,
        alone=(header.run or "").startswith("music alone"),
        options=one_line(options),
        results=results,
        versions=one_line(told["machine"]["packages"]),
    )
