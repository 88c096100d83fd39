"""A report as one static HTML file: tables, plots, and a gallery that plays the music beside its artworks."""

from __future__ import annotations

from pathlib import Path

from ...figures.gallery import problems_of
from ...figures.pages import SUFFIXES, counted, one_line, render
from ...figures.paper import LINES, SOFT
from ...placing import check_place, place
from ...types import OnStep
from ..records import Collection
from ..results import Report
from .gallery import REFERENCE, cards_of, piece_values
from .plots import scatter_rows
from .tables import tables_of

__all__ = ["write_page"]

TEMPLATES = Path(__file__).parent / "templates"


def write_page(
    report: Report,
    collection: Collection,
    out: Path,
    *,
    embed: bool = False,
    title: str = "",
    no_replace: bool = False,
    on_step: OnStep = lambda _: None,
) -> list[str]:
    """Write the page, completely or not at all. It loads nothing from the network and works as a local file.

    Artworks are thumbnails within the page. Sounds are links relative to the page's folder, so that page and music can be
    moved together.

    Args:
        report: the results; with an empty report, the page has only the gallery.
        collection: the artworks and music.
        out: the page; its folder is created if necessary.
        embed: include the sounds in the page as Opus, so that it can be sent by itself.
        title: title of the page; the folder's name if empty.
        no_replace: refuse to replace an existing page.
        on_step: called after each artwork.

    Returns:
        The files that cannot be read, each with the reason, which the gallery also shows.

    Raises:
        OutputError: another suffix, a place that cannot be written, or a page that must not be replaced.
    """
    out = Path(out)
    check_place(out, SUFFIXES)
    systems = [*dict.fromkeys([*collection.systems, *report.pieces, *([REFERENCE] if collection.reference else [])])]
    cards = cards_of(collection, systems, out.parent, embed=embed, on_step=on_step)
    problems = list(problems_of(cards))
    unread = [f"{counted(len(problems), 'file')} cannot be read; the gallery shows the reasons."] if problems else []
    page = render(
        TEMPLATES,
        "report.html",
        title=title or collection.folder.resolve().name,
        facts=_facts(collection),
        made=[(key, one_line(value)) for key, value in report.made.items()],
        notes=[*report.notes, *(note for note in collection.notes if note not in report.notes), *unread],
        systems=systems,
        tables=tables_of(report, systems),
        scatters=scatter_rows(report.scatters, systems),
        cards=cards,
        groups=collection.groups,
        data=piece_values(report),
        colours=[SOFT if name == REFERENCE else LINES[index % len(LINES)] for index, name in enumerate([*systems, ""])],
    )
    place(out, page.encode("utf-8", errors="replace"), no_replace=no_replace)
    return problems


def _facts(collection: Collection) -> list[str]:
    counts = collection.groups
    groups = f" ({', '.join(f'{n:,} {group}' for group, n in counts.items())})" if len(counts) > 1 else ""
    pieces = sum(map(len, collection.systems.values()))
    return [
        f"{counted(len(collection.subjects), 'artwork')}{groups}",
        counted(len(collection.systems), "system"),
        counted(pieces, "piece"),
    ]
