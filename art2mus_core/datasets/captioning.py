"""Captions a dataset's artworks and music by captioners or with published texts, in shards of texts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..audio.reading import read_audio
from ..captioners.endpoint import EndpointCaptioner
from ..captioners.files import open_captioner
from ..captioners.prompts import PROMPTS
from ..digests import folder_digest
from ..endpoints.client import Endpoint
from ..errors import ArtworkError, AudioError, DatasetError
from ..images.reading import read_artwork
from ..interfaces import Captioner
from ..types import OnStep
from .captions import CAPTIONS, FOLDER, CaptionRow
from .faults import OnFault, tried
from .items import Text
from .known import of_same_file
from .roots import read_roots, scanned
from .shards import SIZE, Shards, Spread
from .sides import TABLES
from .tables import ArtworkRow, MusicRow

__all__ = ["InFolder", "Origin", "Remote", "attach", "caption"]

READERS: dict[str, Callable[[Path], Any]] = {"artworks": read_artwork, "music": partial(read_audio, mono=False)}
EMPTY = "empty: the captioner said nothing"


@runtime_checkable
class Origin(Hashable, Protocol):
    """A captioner that can be opened in any process.

    Attributes:
        name: the origin that its captions have.
        batch: works that it gets at once.
    """

    @property
    def name(self) -> str: ...

    @property
    def batch(self) -> int: ...

    def identity(self, kind: str) -> dict[str, str]:
        """What decides its captions, beside the work."""
        ...

    def open(self, kind: str) -> Captioner: ...


@dataclass(frozen=True)
class InFolder:
    """A captioner in a folder on this machine.

    Attributes:
        folder: in transformers' layout.
        device: where it computes.
        batch: works that it gets at once.
    """

    folder: Path
    device: str = "cpu"
    batch: int = 8

    @property
    def name(self) -> str:
        """The folder's name."""
        return _safe(self.folder.resolve().name)

    def identity(self, kind: str) -> dict[str, str]:
        """The digest of the folder, and the question."""
        return {"files": folder_digest(self.folder), "question": PROMPTS[kind]}

    def open(self, kind: str) -> Captioner:
        """The captioner on its device.

        Raises:
            CheckpointError: there is none of this kind of work, or an incomplete one.
        """
        captioner = open_captioner(self.folder, kind)
        captioner.network.to(self.device)
        return captioner


@dataclass(frozen=True)
class Remote:
    """A captioner behind an endpoint.

    Attributes:
        endpoint: its address.
        batch: works that it gets at once; each has a request of its own.
    """

    endpoint: Endpoint
    batch: int = 1

    @property
    def name(self) -> str:
        """The model's name."""
        return _safe(self.endpoint.model)

    def identity(self, kind: str) -> dict[str, str]:
        """The model and the question, whatever the address."""
        return {"model": self.endpoint.model, "question": PROMPTS[kind]}

    def open(self, kind: str) -> Captioner:  # noqa: ARG002  one class for both
        """The captioner; nothing is sent yet."""
        return EndpointCaptioner(self.endpoint)


def caption(
    folder: Path,
    kind: str,
    origin: Origin,
    spread: Spread,
    *,
    retry: bool = False,
    on_step: OnStep | None = None,
    on_fault: OnFault | None = None,
) -> dict[str, int]:
    """Caption the files without a fault of a dataset, in shards. An interrupted run resumes; a content is captioned once.

    Args:
        folder: the dataset, scanned.
        kind: `artworks` or `music`.
        origin: the captioner.
        spread: the engine.
        retry: try files that failed again, one by one.
        on_step: called with the number of files.
        on_fault: called with the row of each file that has no caption.

    Returns:
        The number of rows, of rows with a caption, and of rows with each kind of fault.

    Raises:
        CheckpointError: the captioner is incomplete, or describes other works.
        EvaluationError: an endpoint that refuses all requests.
        SettingError: no key for an endpoint.
        DatasetError: the table is missing or damaged.
    """
    root = read_roots(folder)[kind].resolve()
    work = partial(_caption_rows, root, kind, origin)
    shards, count = _shards(folder, kind, origin.name, origin.identity(kind)), sum(1 for _ in _usable(folder, kind))
    shards.reuse = of_same_file
    rows = _usable(folder, kind)
    telling: dict[str, Any] = {"on_step": on_step, "on_fault": on_fault}
    shards.run(rows, count, work, spread, stage=f"caption {kind}", batch=origin.batch, retry=retry, **telling)
    faults = shards.faults(count)
    return {"rows": count, "captioned": count - faults.total(), **dict(faults.most_common())}


def attach(
    folder: Path, kind: str, name: str, texts: Iterable[Text], *, on_step: OnStep | None = None
) -> dict[str, int]:
    """Store published texts as captions of the rows that they are about: whose id, or path without suffix, they name.

    A work keeps all its texts, in the order of the source. Where no row is named, nothing is written.

    Args:
        folder: the dataset, scanned.
        kind: `artworks` or `music`.
        name: of the source.
        texts: what it has.
        on_step: called with the number of rows.

    Returns:
        The number of rows, of rows with a text, and of texts.

    Raises:
        DatasetError: the table is missing or damaged.
    """
    said = dict[str, list[str]]()
    for each in texts:
        said.setdefault(each.about, []).append(_on_one_line(each.text))
    work = partial(_attached, said)
    named = [row for rows in ([row] for row in _usable(folder, kind)) for row in work(rows)]
    told = {
        "rows": len(named),
        "captioned": sum(1 for row in named if row.texts),
        "texts": sum(len(row.texts) for row in named),
    }
    if told["texts"] or (folder / FOLDER / f"{kind}-{name}").is_dir():
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        shards = _shards(folder, kind, name, {"source": name, "texts": digest})
        rows, stage = _usable(folder, kind), f"caption {kind}"
        shards.run(rows, told["rows"], work, map, stage=stage, batch=SIZE, on_step=on_step)
    return told


def _shards(folder: Path, kind: str, name: str, made_with: dict[str, str]) -> Shards[ArtworkRow | MusicRow, CaptionRow]:
    return Shards(
        folder / FOLDER / f"{kind}-{name}",
        ".parquet",
        CAPTIONS.write,
        lambda path: list(CAPTIONS.read(path)),
        lambda row: [row.id, row.path, row.file_sha256],
        dict(made_with),
    )


def _usable(folder: Path, kind: str) -> Iterator[ArtworkRow | MusicRow]:
    table = TABLES[kind]
    return (row for row in table.read(folder / table.file) if row.fault is None)


def _caption_rows(root: Path, kind: str, origin: Origin, rows: Sequence[ArtworkRow | MusicRow]) -> list[CaptionRow]:
    work = partial(_together, root, kind, origin)
    return tried(work, rows, root, _failed, (ArtworkError, AudioError, DatasetError))


def _together(root: Path, kind: str, origin: Origin, rows: Sequence[ArtworkRow | MusicRow]) -> list[CaptionRow]:
    captioner = _opened(origin, kind)
    texts = map(_on_one_line, captioner.describe([READERS[kind](scanned(root, row)) for row in rows]))
    return [
        CaptionRow(row.id, row.file_sha256 or "", (text,)) if text else _failed(row, EMPTY)
        for row, text in zip(rows, texts, strict=True)
    ]


def _failed(row: ArtworkRow | MusicRow, fault: str) -> CaptionRow:
    return CaptionRow(row.id, row.file_sha256 or "", fault=fault)


@lru_cache(maxsize=1)
def _opened(origin: Origin, kind: str) -> Captioner:
    return origin.open(kind)


def _attached(said: dict[str, list[str]], rows: Sequence[ArtworkRow | MusicRow]) -> list[CaptionRow]:
    return [CaptionRow(row.id, row.file_sha256 or "", tuple(_said_of(row, said))) for row in rows]


def _said_of(row: ArtworkRow | MusicRow, said: dict[str, list[str]]) -> list[str]:
    return said.get(row.id) or said.get(Path(row.path).with_suffix("").as_posix()) or []


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _safe(name: str) -> str:
    """A name for a folder."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "captioner"
