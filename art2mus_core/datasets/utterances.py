"""The pairs of ArtiCaps as training reads them: an artwork, an utterance about it as a comment, and a clip."""

from __future__ import annotations

from pathlib import Path

from ..errors import DatasetError
from .articaps import TEXT_PAIRS, TextPairRow
from .joining import read_files
from .manifest import Pair
from .tables import ARTWORKS, MUSIC, ArtworkRow, MusicRow

__all__ = ["read_utterances"]

CLIP = 10.0
"""Seconds of a clip of MusicCaps, for one whose file is not there."""


def read_utterances(folder: Path) -> list[Pair]:
    """Read the rows of `articaps.parquet` whose artworks and clips were scanned into the same folder; ids are those of both.

    Of the target, the clip's file alone is read: its caption, keywords and labels are not part of a pair. A pair of a file that was not
    scanned, or has a fault, names the file that should be there: training leaves it out and counts it, up to the share `faults`.

    Raises:
        DatasetError: a side was not scanned, no row has both files, or a table is damaged.
    """
    if unknown := [table.file for table in (ARTWORKS, MUSIC) if not (folder / table.file).is_file()]:
        raise DatasetError(
            f"{folder / TEXT_PAIRS.file} without {' and '.join(unknown)}",
            "the paintings and the clips that it names",
            "Scan them into the same folder: `art2mus dataset scan DATA --artworks wikiart --artwork-source wikiart --music clips`. "
            "Files of clips are named after their ids, VIDEO_START_END.",
        )
    seen, heard = (
        {row.id: (path, row) for path, row in read_files(folder, kind).items()} for kind in ("artworks", "music")
    )
    rows = list(TEXT_PAIRS.read(folder / TEXT_PAIRS.file))
    if not any(row.input_artwork in seen and row.target_clip in heard for row in rows):
        [first, *_] = rows
        raise DatasetError(
            f"{folder} has no artwork and clip of any of the {len(rows)} rows of {TEXT_PAIRS.file}, which begin with "
            f"{first.input_artwork} and {first.target_clip}",
            f"scanned files of these ids; there are {len(seen)} artworks and {len(heard)} pieces of music",
            "Name the files after the ids, and scan again with `art2mus dataset scan`.",
        )
    lost = "", None
    return [_pair(row, *seen.get(row.input_artwork, lost), *heard.get(row.target_clip, lost)) for row in rows]


def _pair(
    row: TextPairRow,
    picture: str,
    artwork: ArtworkRow | MusicRow | None,
    sound: str,
    clip: ArtworkRow | MusicRow | None,
) -> Pair:
    seconds, rate = (clip.length, clip.sample_rate or 0) if isinstance(clip, MusicRow) else (CLIP, 0)
    licences = (each.licence or "not stated" if each else "not stated" for each in (artwork, clip))
    return Pair(
        id=row.id,
        split=row.split,
        artwork=picture or f"artworks/{row.input_artwork}.jpg",
        artwork_sha256=(isinstance(artwork, ArtworkRow) and artwork.sha256) or "",
        music=sound or f"music/{row.target_clip}.wav",
        seconds=seconds,
        sample_rate=rate,
        source="articaps",
        licence="; ".join(dict.fromkeys(licences)),
        comments=(row.input_text,),
    )
