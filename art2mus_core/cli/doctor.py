"""`art2mus doctor`: report on this machine, the usable models, and the commands that repair the others."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import typer

from ..errors import Art2MusError
from .machine import TESTED, advice, compare, examine_cpu
from .models import next_command
from .outputs import AsJson, installed_version, print_document, print_lines, table
from .progress import importing

if TYPE_CHECKING:
    from ..checkpoints.cards import Card
    from ..checkpoints.presence import Presence

LIBRARIES = tuple(TESTED["newest"]["versions"])
"""Distributions that composing needs, as listed in `[project] dependencies`."""

VARIABLES = ("ART2MUS_HOME", "HF_HUB_OFFLINE", "HF_ENDPOINT", "HF_HOME", "OMP_NUM_THREADS")
"""Environment variables that change where models are found, and the number of threads."""


def doctor(
    as_json: AsJson = False,
) -> None:
    """Report on this machine and its models, with commands that repair problems. Exit code 2 if nothing can be composed."""
    found = _examine()
    if as_json:
        print_document(found)
    else:
        print_lines(*_lines(found))
    if found["mend"]:
        raise typer.Exit(2)


def _examine() -> dict[str, Any]:
    from ..checkpoints.cards import read_cards
    from ..checkpoints.memory import available, total
    from ..checkpoints.names import home

    libraries = {name: _version(name) for name in LIBRARIES}
    models = _models(read_cards(), ready=None not in libraries.values())
    nearest = next(path for path in (home(), *home().absolute().parents) if path.exists())
    return {
        "version": installed_version(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": libraries,
        "tested": {name: compare(name, installed) for name, installed in libraries.items() if installed},
        "tested_on": {kind: TESTED[kind]["date"] for kind in TESTED},
        "devices": _devices() if libraries["torch"] else [],
        "memory": {"total": total(), "available": available()} if _version("psutil") else None,
        "home": str(home()),
        "disk_free": shutil.disk_usage(nearest).free,
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "models": models,
        "mend": _mend(libraries, models),
    }


def _mend(libraries: dict[str, str | None], models: list[dict[str, Any]]) -> list[str]:
    """The commands to run before anything can be composed."""
    if missing := [name for name, installed in libraries.items() if installed is None]:
        return [f"python -m pip install {' '.join(missing)}"]
    if any(model["usable"] for model in models if model["bundled"] or model["needs"]):
        return []
    from ..checkpoints.names import BUNDLED, PACKAGED, quoted

    if (PACKAGED.parent / ".git").exists():  # a clone restores the bundled model from its history
        return [f"git -C {quoted(PACKAGED.parent)} checkout -- {PACKAGED.name}/{BUNDLED}"]
    return ["python -m pip install --force-reinstall --no-deps art2mus"]


def _models(cards: dict[str, Card], *, ready: bool) -> list[dict[str, Any]]:
    """The state of the checkpoint of each card; `ready` if the libraries that open checkpoints are installed."""
    from ..checkpoints.presence import look_for

    found = {name: look_for(card) for name, card in cards.items()}
    troubles = {name: _trouble(presence) if ready else "libraries are missing" for name, presence in found.items()}
    return [_model(found[name], [found[need] for need in card.needs], troubles) for name, card in cards.items()]


def _model(presence: Presence, needs: list[Presence], troubles: dict[str, str | None]) -> dict[str, Any]:
    card = presence.card
    wrong = [part for part in (*needs, presence) if troubles[part.card.name]]
    parts = sorted(wrong or [presence], key=lambda part: part.complete)
    return {
        "name": card.name,
        "kind": card.kind,
        "bundled": card.bundled,
        "downloaded": card.bundled or presence.folder.is_dir(),
        "here": presence.complete,
        "usable": not wrong,
        "needs": list(card.needs),
        "folder": str(presence.folder),
        "missing": list(presence.missing),
        "trouble": next((troubles[part.card.name] for part in reversed(wrong)), None),
        "mend": [command for part in parts if (command := next_command(part))],
    }


def _trouble(presence: Presence) -> str | None:
    """The error of the code that opens a checkpoint, if it cannot be used; only headers are read.

    Its card does not matter: files that composing does not open may be missing, and weights may have another precision.
    """
    with importing():
        from ..aligners.files import find_aligner, read_header
        from ..captioners.files import kinds_of
        from ..encoders.files import check_image_encoder
        from ..evaluation.embedders.opening import check_installed
        from ..pipelines.choice import Choice
        from ..pipelines.mel_parts import open_mel_parts
        from ..pipelines.parts import open_parts

    kind, folder = presence.card.kind, presence.folder
    whole = kind == "prior" and presence.card.bundled
    try:
        if kind == "commented":
            open_mel_parts(Choice(str(folder))).check()
        if kind == "prior":
            parts = open_parts(Choice(str(folder)))
            _ = parts.constants
            parts.check()
        if kind == "judge":
            check_installed(folder)
        if kind == "captioner":
            kinds_of(folder)
        if kind == "encoder" or whole:
            check_image_encoder(folder)
        if kind == "aligner" or whole:
            read_header(find_aligner(folder, str(folder / "aligner/model.safetensors" if whole else folder)))
    except Art2MusError as error:
        return str(error)
    return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _devices() -> list[dict[str, Any]]:
    with importing():
        import torch

    found = [examine_cpu()]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        card = torch.cuda.get_device_properties(index)
        found.append({"name": f"cuda:{index}", "what": card.name, "memory": card.total_memory})
    if torch.backends.mps.is_available():
        found.append({"name": "mps", "what": "Apple's GPU"})
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    from ..checkpoints.presence import amount

    memory, named = found["memory"], found["variables"]
    rows: list[tuple[str, ...]] = [
        ("art2mus", f"{found['version']}, Python {found['python']}, {found['system']}"),
        *((name, _library(name, installed, found["tested"])) for name, installed in found["libraries"].items()),
        ("tested", f"oldest libraries on {found['tested_on']['oldest']}, newest on {found['tested_on']['newest']}"),
        *((device["name"], _device(device)) for device in found["devices"]),
        *([("memory", f"{amount(memory['total'])}, {amount(memory['available'])} of it free")] if memory else []),
        ("models", f"{found['home']}, {amount(found['disk_free'])} free on its disk"),
        *named.items(),
    ]
    models = [(model["name"], _verdict(model)) for model in found["models"]]
    slow = [line for device in found["devices"][:1] for line in advice(device)]
    return [*table(rows), *slow, "", *table(models), *(f"To repair: {command}" for command in found["mend"])]


def _library(name: str, installed: str | None, tested: dict[str, dict[str, str]]) -> str:
    if installed is None:
        return "missing"
    versions = tested[name]
    verdict = {
        "older": f"older than {versions['oldest']}, the oldest allowed; run: python -m pip install --upgrade {name}",
        "tested": "tested",
        "between": f"between {versions['oldest']} and {versions['newest']}, which were tested",
        "newer": f"newer than {versions['newest']}, the newest tested",
    }
    return f"{installed}, {verdict[versions['verdict']]}"


def _device(device: dict[str, Any]) -> str:
    from ..checkpoints.presence import amount

    count = device.get("threads", 0)
    threads = f", {count} thread{'s' if count > 1 else ''}" if count else ""
    memory = f", {amount(device['memory'])}" if "memory" in device else ""
    return f"{device['what']}{threads}{memory}"


def _verdict(model: dict[str, Any]) -> str:
    missing = f"{', '.join(model['missing'][:3])} missing"
    commands = ", then ".join(model["mend"])
    if not model["usable"]:
        if model["bundled"] and not model["here"]:
            return f"damaged: {missing}"
        return f"{'not usable' if model['downloaded'] else 'not downloaded'}: {commands or model['trouble']}"
    if not model["here"]:
        return f"usable, not complete: {commands or missing}"
    if model["kind"] in {"judge", "captioner"}:
        return "usable, for evaluation"
    return "usable" if model["bundled"] else f"usable, with {' and '.join(model['needs']) or 'an aligner'}"
