"""Captions of artworks: from a file, from the picture's metadata, or from a captioner.

The captioner is one of `captioners`, such as BLIP, from a folder on this machine.
"""

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

from ..captioners.files import open_captioner
from ..errors import ArtworkError
from ..images.reading import opened, read_artwork
from ..pipelines.stages import Resident
from ..placing import place
from ..types import OnStep, Step
from .config import CaptionChoice
from .fields import read_json
from .pairing import Ids
from .records import Subject
from .systems.system import digest_of

__all__ = ["add_captions", "metadata_caption", "read_captions"]

BATCH = 8
"""Artworks that a captioner describes at once."""

IPTC_CAPTION = (2, 120)
PNG_TEXTS = ("Description", "Title")
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
    """The artworks with captions from the file, the dataset, the picture's metadata or the captioner, the first that has one.

    Args:
        subjects: artworks by id.
        choice: the sources of captions.
        cache: a file that stores the captioner's captions, so that it need not be loaded again.
        dtype: precision of the captioner.
        resident: the caller's memory policy.
        on_step: called after each batch of the captioner.

    Raises:
        EvaluationError: a captions file that cannot be read.
        CheckpointError: a captioner that is missing or damaged.
    """
    written = read_captions(choice.file) if choice.file else {}
    ids = Ids(written)
    known = {}
    for key, each in subjects.items():
        name = ids.find(key) or ids.find(each.picture.stem)
        known[key] = replace(each, caption=written[name]) if name else each
        if choice.metadata and known[key].caption is None:
            known[key] = replace(each, caption=metadata_caption(each.picture))
    if choice.captioner is None:
        return known
    without = [each for each in known.values() if each.caption is None]
    return known | _captioned(without, choice.captioner, cache, dtype=dtype, resident=resident, on_step=on_step)


def read_captions(path: Path) -> dict[str, str]:
    """Captions by id from JSON: {ID: "text"} or, as in items.json, {ID: {"caption": "text"}}; empty ones are left out.

    Raises:
        EvaluationError: a missing file, or other content.
    """
    items = read_json(path, dict[str, str | dict[str, Any]], '{"ID": "text"} or {"ID": {"caption": "text"}}')
    found = {key: item if isinstance(item, str) else item.get("caption") for key, item in items.items()}
    return {key: text.strip() for key, text in found.items() if isinstance(text, str) and text.strip()}


def metadata_caption(path: Path) -> str | None:
    """The caption in a picture's metadata: EXIF ImageDescription, XMP dc:description, IPTC caption, PNG Description or Title.

    Raises:
        ArtworkError: a picture that cannot be opened.
    """
    try:
        with opened(path) as image:
            return next((clean for text in _descriptions(image) if (clean := " ".join(text.split()))), None)
    except (OSError, SyntaxError, ValueError) as error:
        raise ArtworkError(f"{path} cannot be opened ({error})", "a picture file", "Save it again.") from error


def _descriptions(image: Image.Image) -> Iterator[str]:
    yield _text(image.getexif().get(ExifTags.Base.ImageDescription))
    packets = (image.info.get(name) for name in ("xmp", "XML:com.adobe.xmp"))
    if found := next((match for packet in packets if (match := XMP.search(_text(packet)))), None):
        yield html.unescape(found[1])
    yield _text((IptcImagePlugin.getiptcinfo(image) or {}).get(IPTC_CAPTION))  # type: ignore[arg-type]  # `opened` returns a file's
    yield from (_text(image.info.get(name)) for name in PNG_TEXTS)


def _text(value: Any) -> str:  # noqa: ANN401  any value of Pillow's
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value if isinstance(value, str) else ""


def _captioned(
    subjects: Sequence[Subject],
    folder: Path,
    cache: Path,
    *,
    dtype: torch.dtype,
    resident: Resident,
    on_step: OnStep | None,
) -> dict[str, Subject]:
    """Artworks with the captioner's captions, from the cache where it has them."""
    captions = _cached(cache, made_by := digest_of(folder))
    new = [each for each in subjects if each.sha256 not in captions]
    if new:
        captioner = open_captioner(folder, "artworks", dtype=dtype)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            works = [read_artwork(each.picture) for each in batch]
            with resident(captioner.network):
                texts = captioner.describe(works)
            captions |= {each.sha256: text for each, text in zip(batch, texts, strict=True)}
            place(cache, json.dumps({"captioner": made_by, "captions": captions}, indent=1).encode())
            if on_step:
                on_step(Step("caption", start + len(batch), len(new)))
    return {each.id: replace(each, caption=captions[each.sha256]) for each in subjects}


def _cached(cache: Path, made_by: str) -> dict[str, str]:
    try:
        stored = json.loads(cache.read_text(encoding="utf-8"))
        return dict(stored["captions"]) if stored["captioner"] == made_by else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
