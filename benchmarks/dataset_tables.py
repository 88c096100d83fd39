"""Counts what the published tables of the dataset sources hold, with the readers of `datasets/sources`.

    python benchmarks/dataset_tables.py FOLDER

FOLDER has any of musiccaps.csv, audioset_ontology.json, art2mus_pairs.json, artemis_dups.json, fma_genres.csv, fma_raw_genres.csv,
fma_not_found.json, and wikiart/ with the lists of styles, genres and artists. Prints a Markdown table; tables that are not there are left out.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from art2mus_core.datasets.sources.art2mus2024 import read_art2mus2024
from art2mus_core.datasets.sources.artemis import read_duplicates
from art2mus_core.datasets.sources.fma_lists import lineage, read_genres, read_missing
from art2mus_core.datasets.sources.musiccaps import below, read_musiccaps, read_ontology
from art2mus_core.datasets.sources.names import match_names, name_key, repair, without_suffix
from art2mus_core.datasets.sources.parsing import parse_list, read_json
from art2mus_core.datasets.sources.tables import read_table
from art2mus_core.datasets.sources.wikiart import read_wikiart
from art2mus_core.datasets.sources.wikiart_lists import find_list, read_classes, read_list

Rows = Iterator[tuple[str, int]]
COPY = re.compile(r"\(\d+\)$")


def musiccaps(path: Path) -> Rows:
    texts = list(read_musiccaps(path.parent, path))
    rows = [row for _, row in read_table(path, "MusicCaps")]
    aspects = [parse_list(row["aspect_list"], "a row") for row in rows]
    yield "rows", len(texts)
    yield "distinct clips", len({text.id for text in texts})
    yield "distinct videos", len({row["ytid"] for row in rows})
    yield "distinct captions", len({row["caption"] for row in rows})
    yield "captions with line breaks", sum("\n" in row["caption"] or "\r" in row["caption"] for row in rows)
    yield "ids that begin with -", sum(row["ytid"].startswith("-") for row in rows)
    yield "ids that begin with _", sum(row["ytid"].startswith("_") for row in rows)
    yield "rows that repeat an aspect", sum(len(set(each)) < len(each) for each in aspects)
    yield (
        "rows that repeat an aspect but for blanks",
        sum(len({a.strip() for a in each}) < len(each) for each in aspects),
    )
    yield "spans of 10 s", sum(int(row["end_s"]) - int(row["start_s"]) == 10 for row in rows)
    yield "starts that are no multiple of 10", sum(int(row["start_s"]) % 10 > 0 for row in rows)
    yield "rows of the evaluation", sum(text.split == "test" for text in texts)
    balanced = [row["is_audioset_eval"] for row in rows if row["is_balanced_subset"] == "True"]
    yield "balanced rows", len(balanced)
    yield "balanced rows of the evaluation", balanced.count("True")
    yield (
        "rows without the label /m/04rlf (Music)",
        sum("/m/04rlf" not in row["audioset_positive_labels"].split(",") for row in rows),
    )


def ontology(path: Path) -> Rows:
    labels = read_ontology(path)
    under = below(labels, "Music")
    yield "nodes", len(labels)
    yield "below Music", len(under)
    yield "with several parents", sum(len(label.parents) > 1 for label in labels.values())
    yield "with several parents, below Music", sum(len(labels[each].parents) > 1 for each in under)


def wikiart(folder: Path) -> Rows:
    works = list(read_wikiart(folder))
    names = {kind: _names(folder, kind) for kind in ("style", "genre", "artist")}
    styles = names["style"]
    counts = Counter(name for _, name in styles)
    broken = {name for name in counts if repair(name) != name}
    usual = sum(_repaired_as_usual(name) for name in broken)
    copies = [path for path in styles if COPY.search(path[1])]
    yield "works", len(works)
    yield "rows of styles", len(styles)
    yield "rows of genres", len(names["genre"])
    yield "rows of artists", len(names["artist"])
    yield "distinct names", len(counts)
    yield "names in two styles", sum(count > 1 for count in counts.values())
    yield "names beyond ASCII", sum(not name.isascii() for name in counts)
    yield "names that are repaired", len(broken)
    yield "names that are repaired to letters of their UTF-8", sum(_restored(name) for name in broken)
    yield "names that the usual repair restores", usual
    yield "keys of several names", sum(len(group) > 1 for group in _groups(counts).values())
    yield "names (n)", len(copies)
    known = set(styles)
    yield (
        "names (n) without a plain one in their style",
        sum((style, COPY.sub("", name)) not in known for style, name in copies),
    )
    yield "names (n) without a plain one in any style", sum(COPY.sub("", name) not in counts for _, name in copies)
    yield (
        "collisions in a style if (n) is left out",
        sum(count > 1 for count in Counter((s, COPY.sub("", n)) for s, n in styles).values()),
    )
    shortened = Counter(COPY.sub("", name) for name in counts)
    yield "collisions of distinct names if (n) is left out", sum(count > 1 for count in shortened.values())
    yield "names _not_detected_", sum("_not_detected_" in name for _, name in styles)
    yield "classes of styles whose folder has another name", _renamed(folder)
    rows = {kind: _splits(folder, kind) for kind in names}
    yield (
        "works in the other split of genres than of styles",
        sum(split != rows["style"][work] for work, split in rows["genre"].items() if work in rows["style"]),
    )
    yield "works with several genres", sum(len(work.genres) > 2 for work in works)
    yield "works of genres that no list of styles has", len(rows["genre"].keys() - rows["style"].keys())


def _groups(names) -> dict[str, list[str]]:
    groups = defaultdict(list)
    for name in names:
        groups[name_key(name)].append(name)
    return groups


def _repaired_as_usual(name: str) -> bool:
    try:
        return name.encode("latin-1").decode("utf-8") != name
    except UnicodeError:
        return False


def _restored(name: str) -> bool:
    """Whether the repaired name becomes the name again in the way in which it was damaged."""
    return repair(name).encode().decode("latin-1").lower() == name


def _names(folder: Path, kind: str) -> list[tuple[str, str]]:
    paths = [path for part in ("train", "val") for _, path, _ in read_list(find_list(folder, f"{kind}_{part}"))]
    return [tuple(without_suffix(path).split("/")) for path in paths]


def _splits(folder: Path, kind: str) -> dict[str, str]:
    return {path: part for part in ("train", "val") for _, path, _ in read_list(find_list(folder, f"{kind}_{part}"))}


def _renamed(folder: Path) -> int:
    classes = read_classes(folder, "style")
    pairs = {
        (label, path.split("/")[0].replace("_", " "))
        for part in ("train", "val")
        for _, path, label in read_list(find_list(folder, f"style_{part}"))
    }
    return sum(classes[label] != style for label, style in pairs)


def pairs(path: Path) -> Rows:
    matches = list(read_art2mus2024(path.parent, path))
    names = [without_suffix(match.artwork) for match in matches]
    yield "rows", len(matches)
    yield "distinct pictures", len(set(names))
    yield "distinct clips", len({match.music for match in matches})
    yield "names in ASCII", sum(name.isascii() for name in names)
    yield "names with percent escapes", sum("%" in name for name in names)
    if not (lists := path.parent / "wikiart").is_dir():
        return
    known = {name for _, name in _names(lists, "style")}
    matched = match_names(names, known)
    exact = sum(name in known for name in names)
    yield "names in WikiArt's lists as they stand", exact
    yield "further names after normalising", len(matched.found) - exact
    yield "ambiguous names", len(matched.ambiguous)
    lone = Counter(COPY.sub("", name) for name in known)
    left = [name for name in names if name not in matched.found and name not in matched.ambiguous]
    yield "further names if a lone (n) were left out", sum(lone[name] == 1 for name in left)


def duplicates(path: Path) -> Rows:
    groups = read_duplicates(path)
    yield "groups", len(groups)
    yield "groups of more than two", sum(len(group) > 2 for group in groups)
    same = [group for group in groups if len({work.split("/")[1] for work in group}) == 1]
    yield "groups of one name", len(same)
    yield "groups of several names", len(groups) - len(same)
    if (lists := path.parent / "wikiart").is_dir():
        splits = {work.id: work.split for work in read_wikiart(lists)}
        yield "ids that WikiArt's lists don't have", sum(work not in splits for group in groups for work in group)
        yield (
            "groups that straddle the split of styles",
            sum(len({splits.get(work) for work in group} - {None}) > 1 for group in groups),
        )


def genres(path: Path) -> Rows:
    read = read_genres(path)
    yield "rows", len(read)
    yield "at the top", sum(genre.parent is None for genre in read.values())
    yield "their own parent", sum(genre.parent == number for number, genre in read.items())
    yield "deepest", max(len(lineage(read, number)) for number in read)
    if "raw" not in path.name:
        yield "without tracks", sum(row["#tracks"] == "0" for _, row in read_table(path, "FMA's genres"))


def missing(path: Path) -> Rows:
    audio, clips = read_missing(path)
    yield "tracks without audio", len(audio)
    yield "tracks without a clip", len(clips)
    yield "both", len(audio & clips)
    for key, numbers in read_json(path, "lists").items():
        yield f"entries of {key}", len(numbers)


COUNTS: dict[str, Callable[[Path], Rows]] = {
    "musiccaps.csv": musiccaps,
    "audioset_ontology.json": ontology,
    "wikiart": wikiart,
    "art2mus_pairs.json": pairs,
    "artemis_dups.json": duplicates,
    "fma_genres.csv": genres,
    "fma_raw_genres.csv": genres,
    "fma_not_found.json": missing,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    print("| table | what | count |\n|---|---|---|")
    for name, count in COUNTS.items():
        if (folder / name).exists():
            for what, number in count(folder / name):
                print(f"| {name} | {what} | {number:,} |")


if __name__ == "__main__":
    main()
