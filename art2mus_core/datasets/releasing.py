"""A dataset as a folder that the library `datasets` loads and others can check: Parquet, a card, a page and checksums.

It is written into a hidden folder within the target and moved at the end, the checksums last; so nothing unfinished looks finished.
The same dataset gives the same bytes: there are no dates, no names of machines and no paths outside the sources in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..digests import file_digest
from ..errors import DatasetError, OutputError
from ..figures.pages import render
from ..placing import check_room, make_folder, place, refusals
from ..types import OnStep, Step
from .columns import COLUMNS, MEDIA
from .facts import Captions, Facts, Histogram, facts_of
from .joining import Joined, read_rows
from .packing import Media, Pack, packs_of
from .pairing import Rule
from .reporting import SHOWN, TEMPLATES, TITLE, Sheet, captions_by_kind, read_pairing, write_report

__all__ = ["CARD", "CHECKSUMS", "DATA", "PAGE", "release"]

DATA, PAGE, CARD, CHECKSUMS = "data", "index.html", "README.md", "SHA256SUMS"
PARTS = DATA, PAGE, CARD, CHECKSUMS
"""What a release consists of, in the order in which it is put in place."""

WORK = ".art2mus.partial"
"""The folder within a release that is not complete; it tells that the folder is one of ours."""

OWN = ".art2mus."
"""How the names of our files in an unfinished release begin: the folder above, and those of a lock."""

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
"""Numbers of rows below which the Hub's size categories are, and their names."""

BAR = 30
"""Characters of the longest bar of the card."""


def release(
    folder: Path,
    out: Path,
    *,
    embed: bool = True,
    licences: Sequence[str] = (),
    pairs: int = SHOWN,
    seed: int = 0,
    title: str = TITLE,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Write a release of a dataset into a new folder; an interrupted one is completed.

    Args:
        folder: the dataset, paired.
        out: the folder of the release.
        embed: include pictures and sounds, as they are; otherwise their paths and hashes only.
        licences: texts of which one must be in the licence of a piece of music, in any case; none for all pieces.
        pairs: how many pairs the page shows.
        seed: by which these are drawn.
        title: of the card and the page.
        on_step: called with the number of pairs in each stage.

    Returns:
        The number of pairs, of data files, and of bytes in them.

    Raises:
        DatasetError: a table is missing or damaged, there is no pair, or a file is missing or has changed since it was scanned.
        OutputError: the folder has something else in it, or cannot be written, or the disk has too little room.
        SettingError: a number of pairs out of range.
    """
    sheet = Sheet(pairs, seed, "embedded" if embed else "none")
    sheet.check()
    rows = _kept(folder, licences)
    packs = packs_of(rows, Media() if embed else None)
    captions = captions_by_kind(folder, rows)
    card = _card(title, facts_of(rows, captions), read_pairing(folder), embed=embed, licences=licences)
    with _unfinished(out) as work:
        _write_data(work / DATA, packs, captions, on_step)
        write_report(folder, work / PAGE, sheet, rows=rows, title=title, on_step=on_step)
        place(work / CARD, card.encode("utf-8", errors="replace"))
        files = [work / CARD, *sorted((work / DATA).iterdir()), work / PAGE]
        lines = (f"{file_digest(path)}  {path.relative_to(work).as_posix()}\n" for path in files)
        place(work / CHECKSUMS, "".join(lines).encode())
        size = sum(path.stat().st_size for path in files)
    return {"pairs": len(rows), "data files": len(packs), "bytes": size}


def _kept(folder: Path, licences: Sequence[str]) -> list[Joined]:
    rule = Rule(licences=tuple(licences))
    rows = [row for row in read_rows(folder) if rule.allows(row.music.licence)]
    if not rows:
        wanted = f" with music under {' or '.join(licences)}" if licences else ""
        raise DatasetError(f"no pair in {folder}{wanted}", "at least one", "Pair with `art2mus dataset pair`.")
    return rows


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """A folder in which a release is made; its content is put in place at the end. What an interrupted release left is in it.

    Raises:
        OutputError: `out` is a file, or has something else in it.
    """
    make_folder(out)
    work = out / WORK
    there = {path.name for path in out.iterdir() if not path.name.startswith(OWN)}
    if others := sorted(there - set(PARTS if work.is_dir() else ())):
        raise OutputError(f"{out} has {', '.join(others[:5])} in it", "an empty folder", "Choose another one.")
    make_folder(work)
    try:
        with refusals(out):
            for name in there:
                (out / name).rename(work / name)
            for path in work.glob(".*.partial"):
                path.unlink()
        make_folder(work / DATA)
        yield work
        with refusals(out):
            for name in PARTS:
                (work / name).rename(out / name)
            work.rmdir()
    finally:
        for empty in (work / DATA, work):
            with suppress(OSError):
                empty.rmdir()


def _write_data(folder: Path, packs: Sequence[Pack], captions: Captions, on_step: OnStep | None) -> None:
    names = {pack.name for pack in packs}
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()
    needed = sum(sum(pack.sizes) for pack in packs) - sum(path.stat().st_size for path in folder.iterdir())
    check_room(folder / CARD, needed, "the pictures and sounds")
    done, total = 0, sum(len(pack.rows) for pack in packs)

    def on_row() -> None:
        nonlocal done
        done += 1
        if on_step:
            on_step(Step("release", done, total))

    for pack in packs:
        pack.write(folder / pack.name, captions, on_row)


def _card(title: str, facts: Facts, pairing: Sequence[tuple[str, str]], *, embed: bool, licences: Sequence[str]) -> str:
    total, single = facts.counts[-1], len(facts.counts) == 1
    return render(
        TEMPLATES,
        CARD,
        title=" ".join(title.split()),
        size=next((name for most, name in SIZES if total.pairs < most), "n>1M"),
        embed=embed,
        licences=licences,
        counts=facts.counts,
        splits=[each.split for each in facts.counts if single or each is not total],
        histograms=[(each, _drawn(each)) for each in facts.histograms],
        columns={name: text for name, text in COLUMNS.items() if embed or name not in MEDIA},
        pairing=pairing,
    )


def _drawn(histogram: Histogram) -> list[str]:
    """A histogram as lines of text, names on the left."""
    names = [" ".join(name.split()) for name, _ in histogram.bars]
    counts = [f"{count:,}" for _, count in histogram.bars]
    width, digits, most = max(map(len, names)), max(map(len, counts)), max(count for _, count in histogram.bars)
    lines = [
        f"{name:<{width}}  {text:>{digits}}  {'█' * math.ceil(BAR * count / most)}".rstrip()
        for name, text, (_, count) in zip(names, counts, histogram.bars, strict=True)
    ]
    return [*lines, *([f"and {histogram.others:,} others: {histogram.rest:,}"] if histogram.others else [])]
