"""Downloads checkpoints: first plans which files are needed, then downloads them one by one.

Requests to the hub go through huggingface_hub, so HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE have their usual meaning and files in its
cache are not downloaded again. The content itself is downloaded by :mod:`.transfer`, because the hub's library restarts a file after an
interruption, and these files have gigabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CheckpointError, SettingError
from ..locking import alone
from ..placing import check_room
from .cards import Card, CardFile
from .presence import PARTIAL, holds, length, look_for
from .remote import Remote, reason, size_of
from .transfer import adopt, download

if TYPE_CHECKING:
    from ..types import OnStep

__all__ = ["Parcel", "Plan", "fetch", "plan"]


@dataclass(frozen=True)
class Parcel:
    """One file to download.

    Attributes:
        path: relative to the checkpoint's folder.
        remote: its source.
        cached: a copy in the hub's cache, which is used instead.
    """

    path: str
    remote: Remote
    cached: Path | None = None

    @property
    def bytes(self) -> int:
        """Its size, 0 if unknown."""
        return self.remote.size or 0


@dataclass(frozen=True)
class Plan:
    """The files of a checkpoint to download.

    Attributes:
        card: card of the checkpoint.
        folder: destination.
        parcels: the missing files, or all files with `again`.
        again: whether existing files are downloaded again.
    """

    card: Card
    folder: Path
    parcels: tuple[Parcel, ...]
    again: bool = False

    @property
    def bytes(self) -> int:
        """Size of all parcels, as far as known."""
        return sum(parcel.bytes for parcel in self.parcels)

    @property
    def begun(self) -> int:
        """Bytes received by interrupted downloads."""
        return sum(length(self.folder / f"{parcel.path}{PARTIAL}") for parcel in self.parcels)


def plan(card: Card, *, folder: Path | None = None, again: bool = False) -> Plan:
    """Plan the download of a checkpoint's missing files. No request is sent if it is complete.

    Args:
        card: card of the checkpoint.
        folder: destination; by default a folder with its name in `ART2MUS_HOME`.
        again: download every file from its source, even if it exists or is in the hub's cache.

    Raises:
        SettingError: the checkpoint comes with the package.
        CheckpointError: the source cannot be reached, or lacks one of the files.
    """
    if card.bundled:
        raise SettingError(f"{card.name} comes with the package", "a checkpoint to download", "Use it as it is.")
    here = look_for(card, folder)
    wanted = [file for file in card.files if again or file.path in here.missing]
    if not wanted:
        return Plan(card, here.folder, ())
    if card.repository is None:
        return Plan(card, here.folder, tuple(_plain(card, file) for file in wanted), again)
    cached = [] if again else _cached(card, wanted)
    return Plan(card, here.folder, tuple(cached or _from_hub(card, wanted, here.folder)), again)


def fetch(what: Plan, on_step: OnStep, on_wait: Callable[[str], None] | None = None) -> Path:
    """Download the files of a plan. Each is checked, and written completely or not at all; interrupted downloads are resumed next time.

    If another process downloads into the same folder, this one waits, and then downloads the files that are still missing.

    Args:
        what: the plan.
        on_step: called with the bytes received, of all bytes; the stage is the file.
        on_wait: called repeatedly with a message while waiting; by default `on_step` is. An exception raised in either stops
            the work.

    Returns:
        The checkpoint's folder.

    Raises:
        CheckpointError: see :func:`.transfer.download`.
        OutputError: too little room on the disk, or a folder that cannot be written to.
    """
    from ..types import Step  # noqa: PLC0415 - imports torch

    remedy = "Free some space, or set ART2MUS_HOME to a folder on another disk."
    check_room(what.folder / what.card.name, what.bytes - what.begun, what.card.name, remedy)
    with alone(what.folder, f"fetch of {what.card.name}", on_wait or (lambda message: on_step(Step(message, 0, 1)))):
        before = 0
        for parcel in what.parcels:
            if not what.again and holds(what.folder / parcel.path, parcel.remote.size):
                continue  # another process has downloaded it meanwhile

            def on_bytes(here: int, parcel: Parcel = parcel, before: int = before) -> None:
                on_step(Step(parcel.path, before + here, max(what.bytes, before + here)))

            path = what.folder / parcel.path
            if parcel.cached:
                adopt(parcel.cached, parcel.remote, path, on_bytes)
            else:
                download(parcel.remote, path, on_bytes)
            before += path.stat().st_size
    return what.folder


def _plain(card: Card, file: CardFile) -> Parcel:
    remote = Remote(f"{card.url}{file.path}", file.size, file.sha256, file.git_blob)
    return Parcel(file.path, replace(remote, size=file.size or size_of(remote)))


def _cached(card: Card, wanted: list[CardFile]) -> list[Parcel]:
    """All wanted files from the hub's cache, in the card's revision; an empty list if one is not there."""
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 - a second of imports

    parcels = []
    for file in wanted:
        found = try_to_load_from_cache(str(card.repository), file.path, revision=card.revision)
        if not card.revision or not isinstance(found, str):
            return []
        cached = Path(found)
        parcels.append(Parcel(file.path, Remote(found, file.size or length(cached), file.sha256), cached))
    return parcels


def _from_hub(card: Card, wanted: list[CardFile], folder: Path) -> list[Parcel]:
    """Files on the hub, with the hub's sizes and hashes where the card has none."""
    from huggingface_hub import HfApi, hf_hub_url  # noqa: PLC0415 - a second of imports
    from huggingface_hub.utils import build_hf_headers  # noqa: PLC0415

    name = str(card.repository)
    with _hub_errors(card, folder):
        answer = HfApi().model_info(name, revision=card.revision, files_metadata=True)
    offered = {file.rfilename: file for file in answer.siblings or []}
    if missing := [file.path for file in wanted if file.path not in offered]:
        raise CheckpointError(
            f"{card.source} lacks {', '.join(missing[:5])}",
            "the files of its card",
            "Its authors changed the repository; update Art2Mus.",
        )
    parcels = []
    for file in wanted:
        entry = offered[file.path]
        sha256 = file.sha256 or (entry.lfs.sha256 if entry.lfs else None)
        remote = Remote(
            hf_hub_url(name, file.path, revision=answer.sha or card.revision),
            size=file.size or entry.size,
            sha256=sha256,
            git_blob=None if sha256 else entry.blob_id,
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

    # The hub's error derives from that of its HTTP library, which differs between versions.
    transport: type[BaseException] = HfHubHTTPError.__bases__[0]
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise CheckpointError(
            f"HF_HUB_OFFLINE is set and {card.name} is not installed",
            "a connection to the hub",
            f"Unset HF_HUB_OFFLINE, or put the files into {folder}.",
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise CheckpointError(
            f"the hub does not have {card.source}",
            "a public repository",
            "It was moved or deleted; if it requires permission, set HF_TOKEN.",
        ) from error
    except (OSError, ValueError, transport) as error:
        raise CheckpointError(
            f"the hub cannot be reached for {card.source} ({reason(error)})",
            "a connection to the hub",
            "Check the connection and HF_ENDPOINT, and try again.",
        ) from error
