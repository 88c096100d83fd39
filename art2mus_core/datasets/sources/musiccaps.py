"""MusicCaps: captions by musicians of ten seconds of videos, which have to be fetched elsewhere. And AudioSet's ontology, which names labels.

Published with https://arxiv.org/abs/2301.11325. Some ids of videos begin with `-`: never pass them to a command without `--` or `./`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ...errors import DatasetError
from ..items import Text
from .parsing import Unique, parse_integer, parse_list, read_json
from .tables import find_file, read_table

__all__ = ["Label", "below", "read_musiccaps", "read_ontology"]

FILES = ("musiccaps-public.csv", "musiccaps.csv")
ONTOLOGY = ("audioset_ontology.json", "ontology.json")


class Label(NamedTuple):
    """A class of AudioSet with the ids of those directly above and below it; several may be above."""

    name: str
    parents: tuple[str, ...]
    children: tuple[str, ...]


def read_musiccaps(folder: Path, table: Path | None = None, ontology: Path | None = None) -> Iterator[Text]:
    """Yield the captions in the order of the table; id and `about` are `VIDEO_START_END`, in seconds.

    Keywords are the aspects, each once. Labels are AudioSet's ids, or their names with an ontology. The split is that of AudioSet: its
    evaluation is `test`.

    Args:
        folder: the folder of the table, and of the ontology if there is one.
        table: the table itself, if it has another name than the published one.
        ontology: AudioSet's ontology, if it has another name than the published one.

    Raises:
        DatasetError: no table, another table, a clip twice, or a cell that cannot be read.
    """
    path = table or find_file(folder, *FILES)
    if path is None:
        raise DatasetError(
            f"no {' or '.join(FILES)} in {folder}", "MusicCaps' table", "Check the folder, or name the table."
        )
    names_file = ontology or find_file(folder, *ONTOLOGY)
    names = read_ontology(names_file) if names_file else {}
    unique = Unique("clip", path)
    for number, row in read_table(path, "MusicCaps"):
        where = f"row {number} of {path}"
        if not (text := row["caption"].strip()) or not (video := row["ytid"].strip()):
            raise DatasetError(f"{where} without a video or a caption", "both in each row", "Remove the row.")
        start, end = (parse_integer(row[name], where) for name in ("start_s", "end_s"))
        clip = unique.add(f"{video}_{start}_{end}", f"row {number}")
        yield Text(
            id=clip,
            about=clip,
            text=text,
            keywords=tuple(dict.fromkeys(str(aspect).strip() for aspect in parse_list(row["aspect_list"], where))),
            labels=_labels(row["audioset_positive_labels"], names),
            split="test" if _word(row["is_audioset_eval"], where) else "train",
            part_of=video,
        )


def _labels(cell: str, names: Mapping[str, Label]) -> tuple[str, ...]:
    labels = dict.fromkeys(filter(None, (label.strip() for label in cell.split(","))))
    return tuple(names[label].name if label in names else label for label in labels)


def _word(cell: str, where: str) -> bool:
    if (word := cell.strip().lower()) not in {"true", "false"}:
        raise DatasetError(f"{where} has {cell!r}", "True or False", "Correct the row.")
    return word == "true"


def read_ontology(path: Path) -> dict[str, Label]:
    """Return AudioSet's classes by id, in the order of the file.

    Raises:
        DatasetError: not AudioSet's JSON, an id twice, or a child that is not in the file.
    """
    expected = "AudioSet's ontology, a list of objects with id, name and child_ids"
    unique, parents = Unique("class", path), dict[str, list[str]]()
    nodes: dict[str, tuple[str, tuple[str, ...]]] = {}
    content = read_json(path, expected)
    for number, node in enumerate(content if isinstance(content, list) else [None], 1):
        name, children = (node.get(key) for key in ("name", "child_ids")) if isinstance(node, dict) else (None, None)
        if not (isinstance(name, str) and isinstance(children, list) and isinstance(node.get("id"), str)):
            raise DatasetError(f"{path} has no class as number {number}", expected, "Fetch the file again.")
        nodes[unique.add(node["id"], f"number {number}")] = (name, tuple(map(str, children)))
        for child in children:
            parents.setdefault(str(child), []).append(node["id"])
    if lost := [child for child in parents if child not in nodes]:
        raise DatasetError(
            f"{path} without the class {lost[0]}, which is below another", expected, "Fetch the file again."
        )
    return {each: Label(name, tuple(parents.get(each, ())), children) for each, (name, children) in nodes.items()}


def below(labels: Mapping[str, Label], name: str) -> set[str]:
    """Return the ids of all classes below those of a name, without these themselves."""
    found: set[str] = set()
    waiting = [child for label in labels.values() if label.name == name for child in label.children]
    while waiting:
        if (each := waiting.pop()) not in found:
            found.add(each)
            waiting += labels[each].children
    return found
