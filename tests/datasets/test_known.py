"""Results that are found again by the content of their file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.datasets import shards as room
from art2mus_core.datasets.known import of_same_file
from art2mus_core.datasets.shards import Shards
from art2mus_core.datasets.tables import ArtworkRow
from art2mus_core.errors import DatasetError


@dataclass(frozen=True)
class Word:
    id: str
    content: str
    text: str = ""
    fault: str | None = None


class KilledError(BaseException):
    """What ends a run at once, like the death of its process."""


def write(path: Path, results: Sequence[Word]) -> None:
    path.write_text(json.dumps([list(vars(each).values()) for each in results]), encoding="utf-8")


def read(path: Path) -> list[Word]:
    return [Word(*each) for each in json.loads(path.read_text(encoding="utf-8"))]


def made(folder: Path, network: str = "a") -> Shards[ArtworkRow, Word]:
    return Shards(
        folder, ".txt", write, read, lambda row: [row.id, row.file_sha256], {"network": network}, of_same_file
    )


class Work:
    """Says each content backwards; with contents that fail, and one at which the run is killed."""

    def __init__(self, failing: Iterable[str] = (), killed_at: str | None = None) -> None:
        self.failing, self.killed_at, self.seen = set(failing), killed_at, list[str]()

    def __call__(self, rows: Sequence[ArtworkRow]) -> list[Word]:
        found = []
        for row in rows:
            content = str(row.file_sha256)
            if content == self.killed_at:
                raise KilledError
            self.seen.append(content)
            fault = "odd: this one" if content in self.failing else None
            found.append(Word(row.id, content, "" if fault else content[::-1], fault))
        return found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SIZE", 5)


def rows(contents: Iterable[object]) -> list[ArtworkRow]:
    return [ArtworkRow(f"row {content}", f"{content}.png", file_sha256=f"content {content}") for content in contents]


def run(shards: Shards[ArtworkRow, Word], given: list[ArtworkRow], work: Work, **options: int) -> None:
    shards.run(given, len(given), work, map, stage="say", **options)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_one_new_file_in_the_middle_is_the_only_one_that_is_worked_on(tmp_path: Path):
    shards, again = made(tmp_path / "grown"), Work()
    run(shards, rows(range(13)), Work())
    grown = rows([*range(3), "new", *range(3, 13)])
    run(shards, grown, again, batch=3)
    assert again.seen == ["content new"]
    run(made(tmp_path / "whole"), grown, Work())
    assert content(shards.folder) == content(tmp_path / "whole")


def test_a_file_that_goes_and_one_that_is_renamed_cost_nothing(tmp_path: Path):
    shards, again = made(tmp_path / "shrunk"), Work()
    run(shards, rows(range(11)), Work())
    fewer = rows([*range(4), *range(5, 11)])
    fewer[2] = ArtworkRow("another name", "x.png", file_sha256=fewer[2].file_sha256)
    run(shards, fewer, again)
    assert again.seen == []
    run(made(tmp_path / "whole"), fewer, Work())
    assert content(shards.folder) == content(tmp_path / "whole")
    assert next(iter(shards.results(10))).text == "0 tnetnoc"


def test_another_network_or_a_fault_is_worked_on_again(tmp_path: Path):
    run(made(tmp_path), rows(range(7)), Work(["content 1", "content 6"]))
    moved, other = Work(), Work()
    run(made(tmp_path), rows(["new", *range(7)]), moved)
    assert moved.seen == ["content new", "content 1", "content 6"]
    run(made(tmp_path, "b"), rows(range(7)), other)
    assert len(other.seen) == 7


@settings(max_examples=25)
@given(
    before=st.permutations(range(13)),
    after=st.permutations(range(16)),
    killed=st.lists(st.integers(0, 15), max_size=3),
    batch=st.integers(1, 6),
)
def test_a_table_that_changed_and_a_run_that_was_killed_end_with_the_same_bytes(
    before, after, killed, batch, tmp_path_factory: pytest.TempPathFactory
):
    """A result that was in a shard once is never worked on again, whatever was killed when."""
    folder = tmp_path_factory.mktemp("runs")
    shards, worked = made(folder / "killed"), list[str]()
    run(shards, rows(before), Work(), batch=batch)
    for at in [*killed, None]:
        work = Work(killed_at=f"content {at}")
        try:
            run(shards, rows(after), work, batch=batch)
        except KilledError:
            (shards.folder / ".0123456789abcdef.partial").write_text("half", encoding="utf-8")
        worked += work.seen
    assert not set(worked) & {f"content {each}" for each in before}
    run(made(folder / "whole"), rows(after), Work())
    assert content(shards.folder) == content(folder / "whole")


def test_replaced_shards_survive_a_death_without_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither an error nor Ctrl-C: what is not on the disk by then is lost, but no result that was."""
    shards, again = made(tmp_path), Work()
    run(shards, rows(range(13)), Work())
    monkeypatch.setattr(Shards, "_save", lambda *_: None)
    with pytest.raises(KilledError):
        run(shards, rows(["new", *range(7), "last", *range(7, 13)]), Work(killed_at="content last"))
    assert (tmp_path / "known").is_dir()
    run(shards, rows(["new", *range(7), "last", *range(7, 13)]), again)
    assert again.seen == ["content last"]
    assert not (tmp_path / "known").exists()


def test_what_was_found_before_an_error_is_not_paid_for_twice(tmp_path: Path):
    shards, again = made(tmp_path), Work()
    with pytest.raises(KilledError):
        run(shards, rows(range(13)), Work(killed_at="content 8"))
    run(shards, rows(range(13)), again)
    assert again.seen == [f"content {number}" for number in range(8, 13)]


def test_a_damaged_shard_is_made_again(tmp_path: Path):
    def strict(path: Path) -> list[Word]:
        try:
            return read(path)
        except ValueError as error:
            raise DatasetError(f"{path}", "words", "Run again.") from error

    shards, again = made(tmp_path), Work()
    shards.read = strict
    run(shards, rows(range(8)), Work())
    shards.path(1).write_text("[", encoding="utf-8")
    run(shards, rows(["new", *range(8)]), again)
    assert again.seen == ["content new", *(f"content {number}" for number in (5, 6, 7))]
