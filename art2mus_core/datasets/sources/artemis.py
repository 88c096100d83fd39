"""ArtEmis: what people felt in front of WikiArt's paintings, and why. And its list of paintings that are there twice.

Published at https://www.artemisdataset.org; the list at https://github.com/optas/artemis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ...errors import DatasetError
from ..items import Text, check_path
from .names import without_suffix
from .parsing import check_split, read_json
from .tables import find_file, read_table

__all__ = ["EMOTIONS", "read_artemis", "read_duplicates"]

EMOTIONS = (
    *("amusement", "awe", "contentment", "excitement"),
    *("anger", "disgust", "fear", "sadness"),
    "something else",
)
"""Four that are pleasant, four that are not, and one for all others."""

FILES = ("artemis_dataset_release_v0.csv", "artemis_preprocessed.csv", "artemis.csv")


def read_artemis(folder: Path, table: Path | None = None) -> Iterator[Text]:
    """Yield the utterances in the order of the table; `about` is `STYLE/name`, as WikiArt's ids.

    An id is that of the painting and the number of the utterance about it, such as `Cubism/artist_title/3`.

    Args:
        folder: the folder of the table.
        table: the table itself, if it has another name than the published one.

    Raises:
        DatasetError: no table, another table, an unknown emotion, an empty utterance, or a painting outside the styles' folders.
    """
    path = table or find_file(folder, *FILES)
    if path is None:
        raise DatasetError(
            f"no {' or '.join(FILES)} in {folder}", "ArtEmis' table", "Check the folder, or name the table."
        )
    said: Counter[str] = Counter()
    for number, row in read_table(path, "ArtEmis"):
        where = f"row {number} of {path}"
        emotion, text = row["emotion"].strip(), row["utterance"].strip()
        if emotion not in EMOTIONS:
            raise DatasetError(
                f"{where} has the emotion {emotion!r}", f"one of {', '.join(EMOTIONS)}", "Correct the row."
            )
        if not text:
            raise DatasetError(f"{where} has no utterance", "a text in each row", "Remove the row.")
        about = _painting(row["art_style"], row["painting"], where)
        said[about] += 1
        split = check_split(row.get("split", ""), where)
        yield Text(id=f"{about}/{said[about]}", about=about, text=text, emotion=emotion, split=split)


def read_duplicates(path: Path) -> list[tuple[str, ...]]:
    """Return the groups of ids `STYLE/name` that show one painting.

    Raises:
        DatasetError: not a list of lists of pairs of style and name.
    """
    expected = 'a list of groups, [[["STYLE", "name"], ["STYLE", "name"]], ...]'
    content = read_json(path, expected)
    groups = []
    for number, group in enumerate(content if isinstance(content, list) else [None], 1):
        where = f"group {number} of {path}"
        if not (isinstance(group, list) and len(group) > 1 and all(_is_pair(each) for each in group)):
            raise DatasetError(f"{where} is not two or more pairs of style and name", expected, "Correct the group.")
        groups.append(tuple(_painting(style, name, where) for style, name in group))
    return groups


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) for each in value)


def _painting(style: str, name: str, where: str) -> str:
    if not (style.strip() and name.strip()) or "/" in style:
        raise DatasetError(f"{where} has style {style!r} and painting {name!r}", "both", "Correct it.")
    return check_path(f"{style.strip()}/{without_suffix(name.strip())}", where)
