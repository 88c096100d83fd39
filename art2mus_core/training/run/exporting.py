"""The aligner of a run as a file of its own, with a model card; neither the dataset nor a network is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ...aligners.base import AlignerNetwork
from ...aligners.files import OWN, read_header, save_aligner
from ...aligners.kinds import KINDS
from ...checkpoints.cards import read_cards
from ...checkpoints.lora import save_lora
from ...checkpoints.names import home, is_lora, lora_beside
from ...checkpoints.strict import check_finite, fill
from ...digests import file_digest
from ...errors import CheckpointError, SettingError
from ...placing import check_absent, check_place, place, refusals
from .card import card_of
from .documents import read_run
from .saving import AVERAGE, CHECKPOINTS, newest, read_average, read_note, read_progress, state_folder

__all__ = ["CARD", "SUFFIX", "Exported", "export_run", "installed_file"]

CARD, SUFFIX = "README.md", ".safetensors"

SHOWN = 3
"""Files that an error names."""

ORIGIN = ("run", "encoder", "prior", "language")
"""What the header says beside sizes and licence."""


@dataclass(frozen=True)
class Exported:
    """An exported aligner.

    Attributes:
        path: the file.
        card: its model card.
        step: number of steps that it was trained.
        prior: name of the model that it was trained with.
        checkpoint: the folder of that model.
        encoder: the folder of the image encoder, if that is not the model.
        lora: the LoRA of its denoiser, if it was trained with one.
        replaced: files that were there before.
        deleted: the LoRA of the aligner before, if there was one and this aligner has none.
    """

    path: Path
    card: Path
    step: int
    prior: str
    checkpoint: Path
    encoder: Path | None = None
    lora: Path | None = None
    replaced: tuple[Path, ...] = ()
    deleted: Path | None = None


def installed_file(name: str) -> Path:
    """The file of an aligner that is installed under a name of its own.

    Raises:
        SettingError: the name is no name of a folder, that of a known checkpoint, or of a folder with anything but an aligner
            that was exported.
    """
    if name != Path(name).name or name.startswith("."):
        raise SettingError(f"the name {name!r}", "the name of a folder, such as mine", "Choose another name.")
    if name == OWN or name in read_cards():
        owner = "a model's own aligner" if name == OWN else "a known checkpoint"
        raise SettingError(f"the name {name!r}, which is that of {owner}", "a new name", "Choose another name.")
    path = home() / name / f"{name}{SUFFIX}"
    ours = {path.name, lora_beside(path).name, CARD}
    there = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    if others := sorted(each for each in there if each not in ours and not each.startswith(".")):
        raise SettingError(
            f"{path.parent}, which has {', '.join(others[:SHOWN])}",
            "a new folder, or one with an exported aligner alone",
            "Choose another name.",
        )
    if path.is_file():
        read_header(path)
    return path


def export_run(
    run: Path,
    out: Path | None = None,
    *,
    licence: str | None = None,
    step: int | None = None,
    no_replace: bool = False,
) -> Exported:
    """Write the aligner of a run, in half precision, and its model card.

    Args:
        run: the folder of the run.
        out: the file; by default one of the run's name in its folder `export`.
        licence: licence of the weights; by default that of the configuration.
        step: the state of this step; by default the newest.
        no_replace: keep existing files.

    Raises:
        CheckpointError: no run, no such state, or a damaged one.
        SettingError: a run of another stage.
        OutputError: the file cannot be written, or exists.
    """
    told = read_run(run)
    path = out or run / "export" / f"{run.resolve().name}{SUFFIX}"
    _check(run, told, path)
    # A card has the Hub's name in a folder of its own, and the file's name where other files may be.
    own = out is None or path.parent == home() / path.stem
    card = path.with_name(CARD) if own else path.with_suffix(".md")
    lora = lora_beside(path) if "lora" in told["header"] else None
    stale = lora_beside(path) if own and not lora and lora_beside(path).is_file() else None
    files = [path, card, *([lora] if lora else [])]
    if no_replace:
        check_absent([*files, *([stale] if stale else [])])
    replaced = tuple(each for each in files if each.exists())
    state = _state(run, step)
    note = read_note(state)
    header = {**told["header"], **({"licence": licence} if licence else {})}
    _write_parts(path, state, header)
    if stale:
        with refusals(stale):
            stale.unlink()
    about = {**told, "step": note["step"], "config": note["config"]}
    text = card_of(path, read_header(path), about, read_progress(state)["history"])
    place(card, text.encode("utf-8", errors="replace"))
    checkpoint, encoder = Path(told["checkpoint"]["folder"]), told["encoder"] and Path(told["encoder"]["folder"])
    own_encoder = None if encoder == checkpoint else encoder
    return Exported(path, card, int(note["step"]), str(header["prior"]), checkpoint, own_encoder, lora, replaced, stale)


def _check(run: Path, told: Mapping[str, Any], path: Path) -> None:
    """Check that a run has an aligner, and that it can be written to a path.

    Raises:
        SettingError: a run of another stage; or a path, or a name in the run's checkpoint, that is not the aligner's alone.
        OutputError: the path cannot be a file.
    """
    if told["stage"] != "aligner" or not told["header"]:
        raise SettingError(
            f"{run} is a run of the stage {told['stage']}",
            "one of the stage aligner, whose part is used with other models' parts",
            "The parts of other stages are in the checkpoint's folder, which `art2mus train --out` names.",
        )
    if is_lora(path):
        raise SettingError(
            f"an aligner {path.name}",
            "a name that does not end in -lora, which only the LoRA of an aligner has",
            "Choose another name with --out or --install.",
        )
    check_place(path, (SUFFIX,))
    first = Path(told["checkpoint"]["folder"]) / "aligner" / path.name
    if path.parent == home() / path.stem and first.is_file():
        raise SettingError(
            f"the name {path.stem!r}, which {first.parent.parent} has for an aligner in it",
            "a name of which the model has no aligner, because it would be found first",
            "Choose another name.",
        )


def _write_parts(path: Path, state: Path, header: Mapping[str, Any]) -> None:
    """Write each trained part of a state; the aligner to `path`."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in read_average(state).items():
        part, _, key = name.partition(".")
        parts.setdefault(part, {})[key] = tensor
    if "aligner" not in parts or parts.keys() - WRITERS.keys():
        what = f"the parts {', '.join(sorted(parts))}" if parts else "no weights"
        raise CheckpointError(
            f"{state / AVERAGE} has {what}",
            f"an aligner, and nothing but {', '.join(WRITERS)}",
            "Export with the version of Art2Mus that trained it.",
        )
    for part, tensors in parts.items():
        WRITERS[part](path, tensors, header, state / AVERAGE)


def _write_aligner(path: Path, tensors: dict[str, Tensor], header: Mapping[str, Any], origin: Path) -> None:
    sizes = {name: header[name] for name in ("tokens", "width", "space")}

    def build() -> AlignerNetwork:
        return KINDS[header["kind"]].for_state(tensors, **sizes)

    try:
        with torch.device("meta"):
            empty = build()
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        raise CheckpointError(
            f"{origin} has no {header['kind']} aligner ({type(error).__name__}: {error})",
            "the weights of an aligner",
            "Choose another state.",
        ) from error
    aligner = fill(empty, tensors, origin, build, dtype=torch.float32)
    save_aligner(path, aligner, licence=header["licence"], half=True, **{name: header[name] for name in ORIGIN})


def _write_lora(path: Path, tensors: dict[str, Tensor], header: Mapping[str, Any], origin: Path) -> None:
    check_finite(tensors, origin)
    save_lora(lora_beside(path), tensors, **{**header["lora"], "licence": header["licence"]})


WRITERS: Mapping[str, Callable[[Path, dict[str, Tensor], Mapping[str, Any], Path], None]] = MappingProxyType(
    {"aligner": _write_aligner, "lora": _write_lora}
)
"""What writes a trained part, by its name in `objective.trained`, from the aligner's file, its weights, the header and the file they are from."""


def _state(run: Path, step: int | None) -> Path:
    """The folder of a complete state."""
    if step is None:
        if state := newest(run):
            return state
        raise CheckpointError(
            f"{run} has no complete state yet",
            f"one in {run / CHECKPOINTS}",
            "Train on: the first state is saved after `save_minutes`, at the end, and when training is stopped with Ctrl-C.",
        )
    state = state_folder(run, step)
    there = sorted(each.name for each in (run / CHECKPOINTS).glob("[0-9]*"))
    if state.name not in there:
        raise CheckpointError(
            f"{run} has no state of step {step}", f"one of {', '.join(there) or 'none'}", "Choose another --state."
        )
    try:
        damaged = read_note(state)["files"][AVERAGE] != file_digest(state / AVERAGE)
    except (OSError, ValueError, KeyError, TypeError):
        damaged = True
    if damaged:
        raise CheckpointError(f"{state} is damaged", "a complete state", "Choose another --state.")
    return state
