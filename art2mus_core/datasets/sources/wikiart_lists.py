"""The lists of WikiArt's archive: `style_train.csv` and its like (path and class), and the names of the classes.

They have no header. The artists' lists have no suffix either, but a first line that describes the columns, blank lines, and an empty
column in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...errors import DatasetError
from ..items import check_path
from .parsing import parse_integer
from .tables import find_file, read_rows

__all__ = ["find_list", "read_classes", "read_list"]


def find_list(lists: Path, name: str) -> Path | None:
    """Return a list by its name without suffix, such as `style_train`; None if there is none."""
    return find_file(lists, f"{name}.csv", f"{name}.txt", name)


def read_list(path: Path) -> Iterator[tuple[int, str, int]]:
    """Yield row number, path `STYLE/name.jpg` and class of each row.

    Raises:
        DatasetError: the list cannot be read, or a row is not a path inside a style's folder and a number.
    """
    for number, row in read_rows(path):
        cells = [cell.strip() for cell in row]
        while len(cells) > 2 and not cells[-2]:
            del cells[-2]
        picture = ",".join(cells[:-1])
        if number == 1 and not cells[-1].isdigit() and not {"/", "."} & set("".join(cells)):
            continue  # the line that describes the columns
        where = f"row {number} of {path}"
        picture = check_path(picture, where)
        if picture.count("/") != 1:
            raise DatasetError(f"{where} has {picture!r}", "STYLE/name.jpg and a class", "Correct the row.")
        yield number, picture, parse_integer(cells[-1], where)


def read_classes(lists: Path, kind: str) -> dict[int, str]:
    """Return the names of the classes by number, with blanks for underscores.

    Args:
        lists: the folder of the lists.
        kind: `style`, `genre` or `artist`; the file is `KIND_class`, with or without `.txt`.

    Raises:
        DatasetError: no such file, a line that is not a number and a name, or a number twice.
    """
    path = find_file(lists, f"{kind}_class.txt", f"{kind}_class", f"{kind}_class.csv")
    if path is None:
        raise DatasetError(f"{lists} has lists of {kind}s without {kind}_class.txt", "their names", "Add the file.")
    names: dict[int, str] = {}
    for number, row in read_rows(path):
        label, _, name = ",".join(row).strip().partition(" ")
        where = f"row {number} of {path}"
        index = parse_integer(label, where)
        if index in names or not name:
            raise DatasetError(f"{where} has {index} {name!r}", "each number once, with a name", "Correct the row.")
        names[index] = name.strip().replace("_", " ")
    return names
