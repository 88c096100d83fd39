"""The columns of a release, which the library `datasets` reads as pictures, sounds, texts and numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .facts import Captions
from .joining import Joined
from .tables import ArtworkRow, MusicRow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["COLUMNS", "MADE_FROM", "MEDIA", "record_of", "schema_of"]

MADE_FROM = b"art2mus_rows"
"""Key of a file's metadata for the digest of its rows."""

ITEM = {
    "id": "unique on its side",
    "path": "of the file, relative to the folder of its source",
    "title": "of the work",
    "creator": "who made it",
    "year": "of the work",
    "genres": "styles and genres, the broadest first",
    "licence": "as the source states it",
    "attribution": "whom to name, and where it is from",
    "captions": "their origins and texts, the least specific first",
    "file_sha256": "of the file's content",
}
ARTWORK = ITEM | {"sha256": "of the upright sRGB pixels", "width": "in pixels", "height": "in pixels"}
MUSIC = ITEM | {"seconds": "decoded length", "sample_rate": "in hertz", "channels": "of the file"}
MEDIA = {"image": "Image", "audio": "Audio"}
"""Columns of files, and what `datasets` calls their features."""

COLUMNS = {
    "image": "the picture, as its file",
    "audio": "the sound, as its file",
    "id": "of the pair",
    "similarity": "cosine of the two embeddings; empty if a list paired them",
    "rank": "of the piece among those most similar to the artwork; empty if pairs were assigned or listed",
    **{f"artwork_{name}": text for name, text in ARTWORK.items()},
    **{f"music_{name}": text for name, text in MUSIC.items()},
}
"""What the columns of a release with media are."""

KINDS = {
    "year": "int64",
    "width": "int64",
    "height": "int64",
    "sample_rate": "int64",
    "channels": "int64",
    "rank": "int64",
    "seconds": "float64",
    "similarity": "float64",
}
"""Columns that are no texts."""


def record_of(row: Joined, captions: Captions) -> dict[str, Any]:
    """The columns of a pair without its media."""
    pair = row.pair
    return {
        "id": pair.id,
        "similarity": pair.score,
        "rank": pair.rank,
        **{f"artwork_{name}": value for name, value in _item(row.artwork, ARTWORK, captions["artworks"]).items()},
        **{f"music_{name}": value for name, value in _item(row.music, MUSIC, captions["music"]).items()},
    }


def _item(
    item: ArtworkRow | MusicRow, names: Mapping[str, str], captions: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, Any]:
    known: dict[str, Any] = {**vars(item), "genres": list(item.genres)}
    known["captions"] = [{"origin": origin, "text": text} for origin, text in captions.get(item.id, ())]
    if isinstance(item, MusicRow):
        known["seconds"] = item.length
    return {name: known[name] for name in names}


def schema_of(*, embed: bool, made_from: str) -> pa.Schema:
    """The schema of a data file, with the features of its media in the metadata, as `datasets` writes them.

    Args:
        embed: with the columns of media.
        made_from: digest of the rows.
    """
    import pyarrow as pa  # noqa: PLC0415

    text = pa.string()
    types = {
        "genres": pa.list_(text),
        "captions": pa.list_(pa.struct([("origin", text), ("text", text)])),
        **{name: pa.type_for_alias(kind) for name, kind in KINDS.items()},
    }
    held = pa.struct([("bytes", pa.binary()), ("path", text)])
    columns = [
        (name, held if name in MEDIA else types.get(name.split("_", 1)[1] if "_" in name else name, text))
        for name in COLUMNS
        if embed or name not in MEDIA
    ]
    metadata = {MADE_FROM: made_from.encode()}
    if embed:
        features = {name: {"_type": feature} for name, feature in MEDIA.items()}
        metadata[b"huggingface"] = json.dumps({"info": {"features": features}}).encode()
    return pa.schema(columns, metadata=metadata)
