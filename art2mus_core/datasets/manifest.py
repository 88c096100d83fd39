"""The manifest of a dataset: a typed, versioned Parquet table with one row for each pair of artwork and music.

Paths are relative to the folder of the manifest, use forward slashes, and stay inside it. Optional columns may be null or
missing. The file stores the version of the schema; readers refuse other versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DatasetError
from ..placing import replacing

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["MANIFEST", "SPLITS", "VERSION", "Pair", "read_manifest", "write_manifest"]

MANIFEST = "manifest.parquet"
VERSION = "1"
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Pair:
    """A pair of artwork and music.

    Attributes:
        id: unique in the manifest.
        split: `train`, `validation` or `test`.
        artwork: path of the picture.
        artwork_sha256: hash of the picture (see `types.Artwork`).
        music: path of the sound.
        seconds: length of the sound.
        sample_rate: sample rate of the sound in hertz.
        source: name of the original dataset.
        licence: licence of both files, an SPDX name or a short text.
        seed: seed of a synthetic pair.
        artwork_caption: caption of the picture.
        music_caption: caption of the sound.
        statistics: measured statistics of the picture.
        character: musical character, with the tonic, from which the sound was composed.
        tempo: beats a minute of a composed sound, whose beat 0 is at 0 s.
        beats_per_bar: its meter.
        mode: its mode, such as `ionian`.
        band: who plays it, such as `jazz trio`.
        comments: what viewers said about the picture, from whose words and the picture the sound was composed.
    """

    id: str
    split: str
    artwork: str
    artwork_sha256: str
    music: str
    seconds: float
    sample_rate: int
    source: str
    licence: str
    seed: int | None = None
    artwork_caption: str | None = None
    music_caption: str | None = None
    statistics: dict[str, float] = field(default_factory=dict)
    character: dict[str, float] = field(default_factory=dict)
    tempo: float | None = None
    beats_per_bar: int | None = None
    mode: str | None = None
    band: str | None = None
    comments: tuple[str, ...] = ()

    @property
    def key(self) -> int | None:
        """The key of a composed sound, as :attr:`~art2mus_core.types.Plan.key`; None if tonic or mode is not known."""
        if "tonic" not in self.character or self.mode not in MAJOR | MINOR:
            return None
        return int(self.character["tonic"]) + 12 * (self.mode in MINOR)


MAJOR, MINOR = {"major", "ionian", "lydian", "mixolydian"}, {"minor", "aeolian", "dorian", "phrygian"}
"""Modes by their third."""

REQUIRED = {each.name for each in fields(Pair) if each.default is MISSING and each.default_factory is MISSING}
"""Columns that every manifest must have."""


def _schema() -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415 - of the extras eval and train

    named = pa.map_(pa.string(), pa.float64())
    kinds = {
        "seconds": pa.float64(),
        "sample_rate": pa.int32(),
        "seed": pa.int64(),
        "statistics": named,
        "character": named,
        "tempo": pa.float64(),
        "beats_per_bar": pa.int32(),
        "comments": pa.list_(pa.string()),
    }
    nullable = {"seed", "artwork_caption", "music_caption", "tempo", "beats_per_bar", "mode", "band", "comments"}
    columns = [pa.field(f.name, kinds.get(f.name, pa.string()), f.name in nullable) for f in fields(Pair)]
    return pa.schema(columns, metadata={"art2mus_manifest": VERSION})


def write_manifest(folder: Path, pairs: Iterable[Pair]) -> Path:
    """Write `manifest.parquet` to `folder` atomically; without any comment, it has no column of comments."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    rows = [asdict(pair) for pair in pairs]
    for row in rows:
        row["statistics"], row["character"] = list(row["statistics"].items()), list(row["character"].items())
    schema = _schema()
    if not any(row["comments"] for row in rows):
        schema = schema.remove(schema.get_field_index("comments"))
    table = pa.Table.from_pylist(rows, schema=schema)
    with replacing(folder / MANIFEST) as partial:
        parquet.write_table(table, partial)
    return folder / MANIFEST


def read_manifest(folder: Path) -> list[Pair]:
    """Read the pairs of the manifest in `folder`.

    Raises:
        DatasetError: no Parquet table, another version, missing columns or columns of another type, or a row without a
            required value.
    """
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import ArrowException, parquet  # noqa: PLC0415

    path = Path(folder) / MANIFEST
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", "a Parquet table", "Make the dataset again.") from error
    version = (table.schema.metadata or {}).get(b"art2mus_manifest", b"none").decode()
    if version != VERSION or not REQUIRED <= set(table.schema.names) <= {each.name for each in fields(Pair)}:
        raise DatasetError(
            f"{path} has manifest version {version} and columns {', '.join(table.schema.names[:5])} ...",
            f"version {VERSION} with {', '.join(sorted(REQUIRED))}",
            "Make the dataset again with this release.",
        )
    try:
        table = table.cast(
            pa.schema([_schema().field(name).with_nullable(nullable=True) for name in table.schema.names])
        )
    except (ArrowException, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(
            f"{path} has a column of another type ({reason})", "the manifest's", "Correct it."
        ) from error
    return [_pair(row, path) for row in table.to_pylist()]


def _pair(row: dict[str, Any], path: Path) -> Pair:
    if empty := [name for name in REQUIRED if row[name] is None]:
        raise DatasetError(f"{path}: pair {row['id']} has no {empty[0]}", "a value in each row", "Correct the row.")
    named = {name: dict(row.get(name) or ()) for name in ("statistics", "character")}
    return Pair(**{**row, **named, "comments": tuple(row.get("comments") or ())})
