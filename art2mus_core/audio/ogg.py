"""The pages of an Ogg file (RFC 3533), and the streams that are chained in it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OggPage", "chained", "ogg_pages"]

_HEAD = 27
"""Bytes of a page before its table of segments."""


class OggPage(NamedTuple):
    """Where a page begins and ends, and whether it is the first or the last of its stream."""

    start: int
    end: int
    first: bool
    last: bool


def ogg_pages(content: bytes) -> list[OggPage]:
    """All pages that are whole; what stands between and behind them is passed over."""
    pages, at = [], content.find(b"OggS")
    while at >= 0:
        page = _page(content, at)
        if page:
            pages.append(page)
        at = content.find(b"OggS", page.end if page else at + 1)
    return pages


def chained(content: bytes, pages: list[OggPage]) -> list[bytes]:
    """The streams of a file by themselves: a first page that follows another kind of page begins anew."""
    streams: list[list[OggPage]] = []
    before = None
    for page in pages:
        if before is None or (page.first and not before.first):
            streams.append([])
        streams[-1].append(page)
        before = page
    return [b"".join(content[page.start : page.end] for page in stream) for stream in streams]


def _page(content: bytes, at: int) -> OggPage | None:
    if at + _HEAD > len(content) or content[at + 4] != 0:
        return None
    table = content[at + _HEAD : at + _HEAD + content[at + 26]]
    end = at + _HEAD + content[at + 26] + sum(table)
    return OggPage(at, end, bool(content[at + 5] & 2), bool(content[at + 5] & 4)) if end <= len(content) else None
