"""A dataset on one static page: counts, histograms, and a contact sheet of pairs that can be played."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DatasetError, SettingError
from ..figures.gallery import Card, Embedded, Track, heard, problems_of, thumbnail
from ..figures.pages import SUFFIXES, counted, one_line, render
from ..figures.paper import LINES
from ..placing import check_place, place
from ..types import OnStep, Step
from .captions import METADATA, captions_of
from .facts import Captions, Facts, Histogram, facts_of, faults_of
from .joining import Joined
from .manifest import SPLITS
from .pairing import PAIRING
from .reading import read_any_rows
from .tables import ArtworkRow, MusicRow

__all__ = ["PAGE", "SHOWN", "TEMPLATES", "TITLE", "Sheet", "captions_by_kind", "draw", "read_pairing", "write_report"]

PAGE = "report.html"
TITLE = "Artworks and music"
SHOWN = 24
"""Pairs of a contact sheet."""

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 360
"""Of the longer side of a thumbnail in pixels."""

EXCERPT = Embedded("64k", 30.0)
"""Of sounds within the page: 24 of them are six megabytes."""

MEDIA = "links", "embedded", "none"


@dataclass(frozen=True)
class Sheet:
    """The contact sheet of a page.

    Attributes:
        pairs: how many are shown.
        seed: by which they are drawn.
        media: `links` to the sounds, their beginnings `embedded` in the page as Opus, or `none`, neither sounds nor pictures.
    """

    pairs: int = SHOWN
    seed: int = 0
    media: str = "links"

    def check(self) -> None:
        """Check the values.

        Raises:
            SettingError: an unknown word, or no pair.
        """
        if self.media not in MEDIA or self.pairs < 1:
            raise SettingError(
                f"{self.pairs} pairs and media {self.media!r}", f"1 or more, and {', '.join(MEDIA)}", "Choose others."
            )


def write_report(
    folder: Path,
    out: Path,
    sheet: Sheet | None = None,
    *,
    rows: Sequence[Joined] | None = None,
    title: str = TITLE,
    no_replace: bool = False,
    on_step: OnStep | None = None,
) -> list[str]:
    """Write the page, completely or not at all. It loads nothing from the network and works as a local file.

    Args:
        folder: the dataset, paired or of another known format.
        out: the page.
        sheet: its contact sheet; the default one if not given.
        rows: the pairs, if not all of the dataset.
        title: of the page.
        no_replace: refuse to replace an existing page.
        on_step: called with the number of pairs on the contact sheet.

    Returns:
        The files that cannot be read, each with the reason, which the page also shows.

    Raises:
        OutputError: another suffix, a place that cannot be written, or a page that must not be replaced.
        SettingError: a contact sheet that cannot be drawn.
        DatasetError: a table is missing or damaged, or there is no pair.
    """
    sheet = sheet or Sheet()
    sheet.check()
    check_place(out, SUFFIXES)
    rows = read_any_rows(folder) if rows is None else rows
    if not rows:
        raise DatasetError(f"no pair in {folder}", "at least one", "Pair with `art2mus dataset pair`.")
    captions = captions_by_kind(folder, rows)
    facts = facts_of(rows, captions)
    chosen = draw(rows, sheet.pairs, sheet.seed)
    cards = []
    for done, row in enumerate(chosen, start=1):
        cards.append(_card(row, captions, out.parent, sheet.media))
        if on_step:
            on_step(Step("report", done, len(chosen)))
    problems = list(problems_of(cards))
    made = read_pairing(folder)
    page = _page(chosen, cards, sheet, title=title, facts=facts, faults=faults_of(folder), made=made)
    place(out, page.encode("utf-8", errors="replace"), no_replace=no_replace)
    return problems


def captions_by_kind(folder: Path, rows: Sequence[Joined]) -> Captions:
    """The captions of both sides of pairs.

    Raises:
        DatasetError: stored captions are damaged.
    """
    return {
        "artworks": captions_of(folder, "artworks", (row.artwork for row in rows)),
        "music": captions_of(folder, "music", (row.music for row in rows)),
    }


def read_pairing(folder: Path) -> list[tuple[str, str]]:
    """What is known about how the pairs were chosen, as names and texts; empty if nothing is.

    Raises:
        DatasetError: the note is damaged.
    """
    path = folder / PAIRING
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        known = {**found, **found.get("rule", {})}
        left_out = {"rule", "splits", "united"}
        return [
            (name.replace("_", " "), one_line(value))
            for name, value in known.items()
            if name not in left_out and value not in (None, [])
        ]
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise DatasetError(f"{path} cannot be read ({error})", "a JSON object", "Pair again.") from error


def draw(rows: Sequence[Joined], count: int, seed: int) -> list[Joined]:
    """Some pairs in the order of the table: the most and the least similar one, and others drawn in turn from each split.

    Args:
        rows: the pairs.
        count: how many; all if there are fewer.
        seed: of the draw, which depends on the ids alone.
    """
    scored = sorted((row.pair.score, place) for place, row in enumerate(rows) if row.pair.score is not None)
    chosen = dict.fromkeys(place for _, place in (scored[-1:] + scored[:1])[:count])
    drawn = sorted(
        range(len(rows)), key=lambda place: hashlib.sha256(f"{seed} {rows[place].pair.id}".encode()).digest()
    )
    queues = [[place for place in drawn if rows[place].pair.split == split] for split in SPLITS]
    for turn in range(max(map(len, queues))):
        chosen |= dict.fromkeys(queue[turn] for queue in queues if turn < len(queue))
        if len(chosen) >= count:
            break
    return [rows[place] for place in sorted(list(chosen)[:count])]


def _card(row: Joined, captions: Captions, folder: Path, media: str) -> Card:
    artwork, music = row.artwork, row.music
    picture, problem = None, ""
    track = Track("music", _named(music), row.pair.id, None, about=_about(music, captions["music"]))
    if media != "none":
        picture, problem = thumbnail(row.files[0], LONGEST)
        track = heard(track, row.files[1], folder, EXCERPT if media == "embedded" else None)
    caption = ", ".join(str(each) for each in (artwork.creator, artwork.year) if each)
    said = (("comment", comment) for comment in row.comments)
    about = (*said, *_about(artwork, captions["artworks"]))
    return Card(row.pair.id, artwork.title or artwork.id, row.pair.split, caption, picture, (track,), about, problem)


def _named(music: MusicRow) -> str:
    return " · ".join(each for each in (music.title or music.id, music.creator) if each)


def _about(item: ArtworkRow | MusicRow, captions: Any) -> tuple[tuple[str, str], ...]:  # noqa: ANN401
    known = (("genres", ", ".join(item.genres)), ("licence", item.licence), ("attribution", item.attribution))
    told = (each for each in captions.get(item.id, ()) if each[0] != METADATA)  # the card has it in other words
    return (*told, *((name, text) for name, text in known if text))


def _page(
    rows: Sequence[Joined],
    cards: Sequence[Card],
    sheet: Sheet,
    *,
    title: str,
    facts: Facts,
    faults: Sequence[Histogram],
    made: Sequence[tuple[str, str]],
) -> str:
    """The page with the drawn pairs and their cards."""
    total = facts.counts[-1]
    values = {row.pair.id: [row.pair.score, row.pair.rank, round(row.music.length, 3)] for row in rows}
    measures = [
        {"title": "similarity", "unit": "cosine", "decimals": 3},
        {"title": "rank", "unit": "", "decimals": 0},
        {"title": "length", "unit": "s", "decimals": 1},
    ]
    return render(
        TEMPLATES,
        "dataset.html",
        title=title,
        facts=[
            counted(total.pairs, "pair"),
            counted(total.artworks, "artwork"),
            counted(total.pieces, "piece") + " of music",
            f"{total.hours:,.1f} hours",
        ],
        notes=[],
        counts=facts.counts,
        histograms=facts.histograms,
        faults=faults,
        cards=cards,
        sheet=sheet,
        groups=[each.split for each in facts.counts if each.split in SPLITS],
        systems=["music"],
        data={"measures": measures, "values": {"music": values}},
        made=made,
        colours=[LINES[1]],
    )
