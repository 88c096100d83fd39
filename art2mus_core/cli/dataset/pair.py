"""`art2mus dataset pair`: pair artworks with music by similarity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...errors import SettingError
from ..outputs import AsJson, print_document, print_lines
from ..progress import alone_in, reporting
from .options import DATA, Duplicates, Floor, Mode, Seed, Space, Testing, Validation


def pair(
    data: DATA,
    space: Space = "pocket",
    mode: Mode = "nearest",
    candidates: Annotated[int, typer.Option(help="Pieces that are considered for each artwork.")] = 10,
    floor: Floor = -1.0,
    hubs: Annotated[
        str, typer.Option(help="Pieces near to very many artworks: keep, or corrected by csls or softmax.")
    ] = "csls",
    search: Annotated[
        str, typer.Option(help="Search: exact, or approximate with a measured recall, for millions (extra ann).")
    ] = "exact",
    per_artist: Annotated[int | None, typer.Option(min=1, help="Most pairs of a painter.")] = None,
    per_musician: Annotated[int | None, typer.Option(min=1, help="Most pairs of a musician.")] = None,
    per_genre: Annotated[int | None, typer.Option(min=1, help="Most pairs of a genre of music.")] = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="Use only music whose licence contains this text; may be repeated.")
    ] = None,
    validation: Validation = 0.05,
    test: Testing = 0.05,
    seed: Seed = 0,
    duplicates: Duplicates = None,
    listed: Annotated[
        str | None, typer.Option(help="Take the pairs from a published list: art2mus2024 or articaps.")
    ] = None,
    list_folder: Annotated[Path | None, typer.Option(help="Folder of that list.")] = None,
    as_json: AsJson = False,
) -> None:
    """Pair artworks with music by the similarity of their embeddings, or by a published list.

    art2mus dataset pair DATA --mode one-to-one

    The works of one artist, nearly equal pictures and equal sounds are in
    one split, and pairs are made within a split, so nothing of the test
    split is seen or heard in training. DATA/pairs.parquet has the pairs,
    DATA/pairing.json what was found: hubs before and after, the bound of a
    one-to-one assignment, and what was nearly the same. With --listed, the
    pairs are those of a published list whose files were scanned; nothing
    has to be embedded.

    art2mus dataset pair DATA --listed art2mus2024 --list-folder FOLDER
    """
    if (listed is None) != (list_folder is None):
        raise SettingError("--listed or --list-folder alone", "both or neither", "Add the other one.")

    from ...datasets.listed import pair_listed
    from ...datasets.pairing import Rule
    from ...datasets.pairing import pair as make
    from ...datasets.sources.artemis import read_duplicates

    caps = per_artist, per_musician, per_genre
    rule = Rule(mode, candidates, floor, hubs, search, *caps, tuple(licence or ()), validation, test, seed)
    rule.check()
    groups = read_duplicates(duplicates) if duplicates else []
    with alone_in(data, "pairing"), reporting() as on_step:
        if listed is not None and list_folder is not None:
            shares = {"validation": validation, "test": test}
            told = pair_listed(data, listed, list_folder, shares=shares, seed=seed, duplicates=groups)
        else:
            told = make(data, space, rule, duplicates=groups, on_step=on_step)
    if as_json:
        print_document({"data": str(data), **told})
        return
    print_lines(*described(told))


def described(told: dict[str, Any]) -> list[str]:
    """What was paired, in lines."""
    lines = [f"{name}: {count:,}" for name, count in told.items() if isinstance(count, int)]
    for name, facts in told["splits"].items():
        used, pieces = facts.get("pieces used", 0), facts["music"]
        music = f"{pieces:,} pieces" if used in (0, pieces) else f"{used:,} of {pieces:,} pieces"
        lines.append(f"{name}: {facts['pairs']:,} pairs of {facts['artworks']:,} artworks and {music}")
        lines += searched(facts)
    for kind, reasons in told["united"].items():
        lines += [f"{kind} in one split because they are {reason}: {len(pairs):,}" for reason, pairs in reasons.items()]
    return lines


def searched(facts: dict[str, Any]) -> list[str]:
    """What was found in searching or assigning, in lines."""
    lines = []
    if (hubness := facts.get("hubness")) is not None:
        corrected = facts.get("hubness corrected")
        after = "" if corrected is None else f", corrected {corrected:.1f}"
        lines.append(f"  hubness (skewness of occurrences): {hubness:.1f}{after}")
    if (recall := facts.get("recall")) is not None:
        lines.append(f"  recall of the approximate search, measured: {recall:.3f}")
    if bound := facts.get("certificate"):
        lines.append(f"  total {bound['value']:.6g}, at most {bound['bound']:.6g} is possible (gap {bound['gap']:.3%})")
    return lines
