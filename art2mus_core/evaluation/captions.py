"""From an artwork to a caption: words that somebody wrote down, that the picture's file carries, or that a captioner finds."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import ExifTags, Image, IptcImagePlugin

from ..errors import ArtworkError, EvaluationError
from ..images.reading import opened, read_artwork
from ..pipelines.stages import Resident
from ..placing import place
from ..types import OnStep, Step
from .config import CaptionChoice
from .pairing import Ids
from .records import Subject
from .systems.system import digest_of

__all__ = ["add_captions", "metadata_caption", "read_captions"]

BATCH = 8
"""Artworks that a captioner sees at once."""

IPTC_CAPTION = (2, 120)
PNG_WORDS = ("Description", "Title")
XMP = re.compile(r"<dc:description>.*?<rdf:li[^>]*>(.*?)</rdf:li>", re.DOTALL)


def add_captions(
    subjects: Mapping[str, Subject],
    choice: CaptionChoice,
    cache: Path,
    *,
    dtype: torch.dtype,
    resident: Resident,
    on_step: OnStep | None = None,
) -> dict[str, Subject]:
    """The artworks with what captions there are: from the file, the dataset, the picture's metadata, the captioner.

    Args:
        subjects: artworks by id.
        choice: where captions come from.
        cache: a file where the captioner's words are kept, so that it is not opened again for them.
        dtype: precision of the captioner.
        resident: the caller's memory policy.
        on_step: told of every artwork that the captioner has described.

    Raises:
        EvaluationError: a captions file that holds none.
        CheckpointError: a captioner that is not here.
    """
    written = read_captions(choice.file) if choice.file else {}
    ids = Ids(written)
    known = {}
    for key, each in subjects.items():
        name = ids.find(key) or ids.find(each.picture.stem)
        known[key] = replace(each, caption=written[name]) if name else each
    if choice.metadata:
        for key, each in known.items():
            known[key] = replace(each, caption=each.caption or metadata_caption(each.picture))
    if choice.captioner is None:
        return known
    mute = [each for each in known.values() if each.caption is None]
    return known | _captioned(
        mute, folder=choice.captioner, cache=cache, dtype=dtype, resident=resident, on_step=on_step
    )


def read_captions(path: Path) -> dict[str, str]:
    """Captions by id, from JSON: {ID: "words"} or, as in items.json, {ID: {"caption": "words"}}; others are left out.

    Raises:
        EvaluationError: no such file, or another content.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = {key: row if isinstance(row, str) else row.get("caption") for key, row in rows.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise EvaluationError(
            f"{path} holds no captions ({type(error).__name__}: {error})",
            '{"ID": "words"} or {"ID": {"caption": "words"}}',
            "Mend the file, or name another.",
        ) from error
    return {key: words.strip() for key, words in found.items() if isinstance(words, str) and words.strip()}


def metadata_caption(path: Path) -> str | None:
    """What a picture's file says of it: EXIF ImageDescription, XMP dc:description, IPTC caption, or PNG's Description or Title.

    Raises:
        ArtworkError: it cannot be opened.
    """
    try:
        with opened(path) as image:
            return next((clean for words in _said(image) if (clean := " ".join(words.split()))), None)
    except (OSError, SyntaxError, ValueError) as error:
        raise ArtworkError(f"{path} cannot be opened ({error})", "a picture file", "Save it again.") from error


def _said(image: Image.Image) -> Iterator[str]:
    yield _text(image.getexif().get(ExifTags.Base.ImageDescription))
    packets = (image.info.get(name) for name in ("xmp", "XML:com.adobe.xmp"))
    if found := next((match for packet in packets if (match := XMP.search(_text(packet)))), None):
        yield html.unescape(found[1])
    written = IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]  # what a path opens is a file's
    yield _text(written.get(IPTC_CAPTION))
    yield from (_text(image.info.get(name)) for name in PNG_WORDS)


def _text(value: Any) -> str:  # noqa: ANN401  whatever Pillow finds
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value if isinstance(value, str) else ""


def _captioned(
    subjects: Sequence[Subject],
    *,
    folder: Path,
    cache: Path,
    dtype: torch.dtype,
    resident: Resident,
    on_step: OnStep | None,
) -> dict[str, Subject]:
    """Artworks with the captioner's words, those that it said before from the cache."""
    said = _kept(cache, by := digest_of(folder))
    new = [each for each in subjects if each.sha256 not in said]
    if new:
        from .captioner import open_captioner  # noqa: PLC0415 - brings transformers with it

        captioner = open_captioner(folder, dtype=dtype, resident=resident)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            words = captioner.describe([read_artwork(each.picture) for each in batch])
            said |= {each.sha256: text for each, text in zip(batch, words, strict=True)}
            place(cache, json.dumps({"captioner": by, "captions": said}, indent=1).encode())
            if on_step:
                on_step(Step("caption", start + len(batch), len(new)))
    return {each.id: replace(each, caption=said[each.sha256]) for each in subjects}


def _kept(cache: Path, by: str) -> dict[str, str]:
    try:
        held = json.loads(cache.read_text(encoding="utf-8"))
        return dict(held["captions"]) if held["captioner"] == by else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
