"""Bringing a checkpoint here: ask first what is to come, then bring it, file by file.

The hub is asked through huggingface_hub, so that HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE mean what they mean
elsewhere, and what its cache holds is not fetched again. The bytes themselves come through :mod:`.transfer`: the hub's
library begins a file anew after an interruption, and these files are gigabytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CheckpointError, OutputError, SettingError
from ..locking import alone
from .cards import Card, CardFile
from .presence import PARTIAL, holds, look_for
from .remote import Remote, said, size_of
from .transfer import adopt, download

if TYPE_CHECKING:
    from ..types import OnStep

__all__ = ["Parcel", "Plan", "fetch", "plan"]


@dataclass(frozen=True)
class Parcel:
    """One file to be brought.

    Attributes:
        path: below the checkpoint's folder.
        remote: where it comes from.
        cached: where it lies already, in the hub's own cache; it is copied from there.
    """

    path: str
    remote: Remote
    cached: Path | None = None

    @property
    def bytes(self) -> int:
        """Its size, 0 if that is not known."""
        return self.remote.size or 0


@dataclass(frozen=True)
class Plan:
    """What is to be brought, and where to.

    Attributes:
        card: of the checkpoint.
        folder: where its files go.
        parcels: the files that are not there yet; all of them if they are to be fetched anew.
        again: whether files that are there are fetched anew.
    """

    card: Card
    folder: Path
    parcels: tuple[Parcel, ...]
    again: bool = False

    @property
    def bytes(self) -> int:
        """Of all parcels, as far as their sizes are known."""
        return sum(parcel.bytes for parcel in self.parcels)

    @property
    def begun(self) -> int:
        """Bytes that an interrupted download left."""
        partials = (self.folder / f"{parcel.path}{PARTIAL}" for parcel in self.parcels)
        return sum(path.stat().st_size for path in partials if path.is_file())


def plan(card: Card, *, folder: Path | None = None, again: bool = False) -> Plan:
    """Ask what of a checkpoint is still to be brought, and how large it is. Asks nobody if it is all here.

    Args:
        card: of the checkpoint.
        folder: where its files go; a folder of its name below `ART2MUS_HOME` if not given.
        again: bring every file from its source, whatever is here or in the hub's cache.

    Raises:
        SettingError: it comes with the package.
        CheckpointError: its source cannot be reached, or lacks one of the files.
    """
    if card.bundled:
        raise SettingError(f"{card.name} comes with the package", "a checkpoint from elsewhere", "Just use it.")
    here = look_for(card, folder)
    wanted = [file for file in card.files if again or file.path in here.missing]
    if not wanted:
        return Plan(card, here.folder, ())
    if card.repository is None:
        return Plan(card, here.folder, tuple(_plain(card, file) for file in wanted), again)
    cached = [] if again else _cached(card, wanted)
    return Plan(card, here.folder, tuple(cached or _from_hub(card, wanted, here.folder)), again)


def fetch(what: Plan, on_step: OnStep, on_wait: Callable[[str], None] | None = None) -> Path:
    """Bring the files of a plan, each whole and checked or not at all; an interrupted one goes on the next time.

    If another process brings files into the same folder, this one waits, and then brings what is still missing.

    Args:
        what: the plan.
        on_step: told of bytes that are here, of bytes that are to come; the stage is the file.
        on_wait: told, again and again, who is waited for; `on_step` is if not given. Raising in either stops the work.

    Returns:
        The checkpoint's folder.

    Raises:
        CheckpointError: see :func:`.transfer.download`.
        OutputError: too little room on the disk, or a place that cannot be written to.
    """
    from ..types import Step  # noqa: PLC0415 - brings torch with it

    _check_room(what)
    with alone(what.folder, f"fetch of {what.card.name}", on_wait or (lambda said: on_step(Step(said, 0, 1)))):
        before = 0
        for parcel in _missing(what):

            def on_bytes(here: int, parcel: Parcel = parcel, before: int = before) -> None:
                on_step(Step(parcel.path, before + here, max(what.bytes, before + here)))

            path = what.folder / parcel.path
            if parcel.cached:
                adopt(parcel.cached, parcel.remote, path, on_bytes)
            else:
                download(parcel.remote, path, on_bytes)
            before += path.stat().st_size
    return what.folder


def _missing(what: Plan) -> list[Parcel]:
    """What is still to be brought: another fetch may have been here since the plan was made."""
    return [each for each in what.parcels if what.again or not holds(what.folder / each.path, each.remote.size)]


def _check_room(what: Plan) -> None:
    """Refuse before the first byte what will not fit."""
    nearest = next(path for path in (what.folder, *what.folder.absolute().parents) if path.exists())
    free, needed = shutil.disk_usage(nearest).free, what.bytes - what.begun
    if free < needed:
        raise OutputError(
            f"{free / 1e9:.1f} GB are free on the disk of {what.folder}",
            f"{needed / 1e9:.1f} GB for {what.card.name}",
            "Make room, or set ART2MUS_HOME to a folder on another disk.",
        )


def _plain(card: Card, file: CardFile) -> Parcel:
    remote = Remote(f"{card.url}{file.path}", file.size, file.sha256, file.git_blob)
    size = file.size or size_of(remote)
    return Parcel(file.path, Remote(remote.url, size, file.sha256, file.git_blob))


def _cached(card: Card, wanted: list[CardFile]) -> list[Parcel]:
    """All that is wanted, if the hub's cache holds it in the card's revision; nothing if one file is not there."""
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - a second of imports

    found = [try_to_load_from_cache(str(card.repository), file.path, revision=card.revision) for file in wanted]
    if not card.revision or not all(isinstance(path, str) for path in found):
        return []
    return [
        Parcel(file.path, Remote(str(path), file.size or Path(str(path)).stat().st_size, file.sha256), Path(str(path)))
        for file, path in zip(wanted, found, strict=True)
    ]


def _from_hub(card: Card, wanted: list[CardFile], folder: Path) -> list[Parcel]:
    """Sizes and hashes as the hub has them, where the card pins none."""
    from huggingface_hub import HfApi, hf_hub_url  # noqa: PLC0415 - a second of imports
    from huggingface_hub.utils import build_hf_headers  # noqa: PLC0415

    name = str(card.repository)
    with _hub_errors(card, folder):
        answer = HfApi().model_info(name, revision=card.revision, files_metadata=True)
    offered = {file.rfilename: file for file in answer.siblings or []}
    if missing := [file.path for file in wanted if file.path not in offered]:
        raise CheckpointError(
            f"{card.source} lacks {', '.join(missing[:5])}", "the files of its card", "Its authors changed it."
        )
    parcels = []
    for file in wanted:
        there = offered[file.path]
        sha256 = file.sha256 or (there.lfs.sha256 if there.lfs else None)
        remote = Remote(
            hf_hub_url(name, file.path, revision=answer.sha or card.revision),
            size=file.size or there.size,
            sha256=sha256,
            git_blob=None if sha256 else there.blob_id,
            headers={key: value for key, value in build_hf_headers().items() if key.lower() == "authorization"},
        )
        parcels.append(Parcel(file.path, remote))
    return parcels


@contextmanager
def _hub_errors(card: Card, folder: Path) -> Iterator[None]:
    from huggingface_hub.errors import (  # noqa: PLC0415
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    # Below the hub's own error lies that of the library which it speaks through, another one from version to version.
    spoken: type[BaseException] = HfHubHTTPError.__bases__[0]
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise CheckpointError(
            f"HF_HUB_OFFLINE is set and {card.name} is not here",
            "a connection to the hub",
            f"Take HF_HUB_OFFLINE away, or put the files into {folder}.",
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise CheckpointError(
            f"the hub does not have {card.source}",
            "a repository for everyone",
            "It was moved or taken away; if it asks for permission, set HF_TOKEN.",
        ) from error
    except (OSError, ValueError, spoken) as error:
        raise CheckpointError(
            f"the hub cannot be asked for {card.source} ({said(error)})",
            "a connection to the hub",
            "Check the connection and HF_ENDPOINT, and try again.",
        ) from error
