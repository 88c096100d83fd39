"""Stores: computed once, resumed to the same bytes, and never another network's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.errors import Art2MusError, DatasetError
from art2mus_core.training.features.pieces import Pieces
from art2mus_core.training.features.shard_files import Computed, open_shard, read_shard, write_shard
from art2mus_core.training.features.sources import Source
from art2mus_core.training.features.stores import Feature, Store, complete_store, open_store
from art2mus_core.types import Step

COLUMNS = {"squares": {"network": "one"}, "halves": {"network": "two"}}


class KilledError(BaseException):
    """What ends a run at once, like the death of its process."""


class Work:
    """Two columns for each file; some files fail, and at one the run is killed."""

    def __init__(self, failing: Iterable[int] = (), killed_at: int | None = None) -> None:
        self.failing, self.killed_at, self.seen = set(failing), killed_at, list[int]()

    def __call__(self, sources: Sequence[Source]) -> list[Computed]:
        self.seen += [number_of(source) for source in sources]
        if self.killed_at in map(number_of, sources):
            raise KilledError
        return [self.computed(source) for source in sources]

    def computed(self, source: Source) -> Computed:
        number = number_of(source)
        if number in self.failing:
            return Computed(source.content, {}, "DatasetError: this one")
        values = {"squares": np.full((number % 4 + 1, 2, 3), number**2, np.float16), "halves": np.array([number / 2])}
        return Computed(source.content, values)


def number_of(source: Source) -> int:
    return int(source.content)


def files(count: int, first: int = 0) -> list[Source]:
    return [Source(f"{number}.flac", str(number)) for number in range(first, first + count)]


def opened(root: Path, sources: Sequence[Source], work: Work, **options: object) -> Store:
    feature = Feature("numbers", options.pop("columns", COLUMNS), work, batch=2, size=5)
    return open_store(root, feature, sources, map, **options)


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_rows_are_computed_once_and_told(tmp_path: Path):
    steps, work = list[Step](), Work(failing=[7])
    store = opened(tmp_path, files(13), work, on_step=steps.append)
    assert work.seen == list(range(13))
    assert (steps[-1].stage, steps[-1].done, steps[-1].total) == ("numbers", 13, 13)
    squares, halves = store.column("squares"), store.column("halves")
    assert squares.lengths.tolist() == [0 if number == 7 else number % 4 + 1 for number in range(13)]
    assert squares.shape == (13, 2, 3)
    for number in set(range(13)) - {7}:
        assert squares[number].tolist() == np.full((number % 4 + 1, 2, 3), number**2).tolist()
        assert halves[number].tolist() == [number / 2]
    assert store.faults == {7: "DatasetError: this one"}
    again = opened(tmp_path, files(13), never := Work())
    assert (never.seen, again.faults) == ([], store.faults)
    np.testing.assert_array_equal(again.column("squares")[11], squares[11])
    index = json.loads((store.folder / "index.json").read_text())
    assert (index["name"], index["rows"], index["failed"], index["columns"]) == ("numbers", 13, 1, COLUMNS)
    assert (index["shapes"], index["types"]) == (
        {"squares": [2, 3], "halves": []},
        {"squares": "float16", "halves": "float64"},
    )


@pytest.mark.parametrize("moments", [(1,), (8,), (3, 11)], ids=str)
def test_a_run_that_was_killed_ends_with_the_same_bytes(tmp_path: Path, moments: tuple[int, ...]):
    opened(tmp_path / "whole", files(13), Work(failing=[2]))
    for moment in moments:
        with pytest.raises(KilledError):
            opened(tmp_path / "killed", files(13), Work(failing=[2], killed_at=moment))
        assert complete_store(tmp_path / "killed", COLUMNS, files(13)) is None
    opened(tmp_path / "killed", files(13), last := Work(failing=[2]))
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert len(last.seen) < 13 or moments == (1,)


def test_failures_are_tried_again_when_asked(tmp_path: Path):
    opened(tmp_path, files(12), Work(failing=[4, 10]))
    assert opened(tmp_path, files(12), without := Work()).faults.keys() == {4, 10}
    store = opened(tmp_path, files(12), again := Work(failing=[10]), retry=True)
    assert (without.seen, again.seen) == ([], [4, 10])
    assert store.faults.keys() == {10}
    assert store.column("halves")[4].tolist() == [2.0]


@pytest.mark.parametrize("damage", [b"", b"nothing", None], ids=["empty", "another file", "one bit"])
def test_a_damaged_shard_is_made_again_alone(tmp_path: Path, damage: bytes | None):
    store = opened(tmp_path, files(13), Work())
    before, shard = contents(tmp_path), store.folder / "000001.safetensors"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if damage is None else damage)
    opened(tmp_path, files(13), work := Work())
    assert work.seen == [5, 6, 7, 8, 9]
    assert contents(tmp_path) == before


def test_files_that_are_added_leave_the_others_as_they_are(tmp_path: Path):
    opened(tmp_path, files(12), Work())
    more = [*files(3), *files(2, 50), *files(9, 3)]
    store = opened(tmp_path, more, work := Work())
    assert work.seen == [50, 51]
    assert [store.column("halves")[row].item() for row in range(14)] == [number_of(each) / 2 for each in more]
    assert opened(tmp_path, files(4), fewer := Work()).column("halves").lengths.tolist() == [1] * 4
    assert fewer.seen == []


def test_columns_of_another_network_have_another_store(tmp_path: Path):
    first = opened(tmp_path, files(3), Work())
    other = {**COLUMNS, "halves": {"network": "three"}}
    second = opened(tmp_path, files(3), work := Work(), columns=other)
    assert work.seen == [0, 1, 2]
    assert first.folder != second.folder
    assert complete_store(tmp_path, {"halves": {"network": "three"}}, files(3)).folder == second.folder
    assert complete_store(tmp_path, {"halves": {"network": "four"}}, files(3)) is None
    assert complete_store(tmp_path, {"thirds": {"network": "two"}}, files(3)) is None


def test_a_store_with_more_columns_is_used(tmp_path: Path):
    whole = opened(tmp_path, files(6), Work())
    part = opened(tmp_path, files(6), work := Work(), columns={"halves": {"network": "two"}})
    assert (work.seen, part.folder) == ([], whole.folder)
    assert not whole.has({"squares": {"network": "two"}})


def test_an_index_about_something_else_is_refused(tmp_path: Path):
    path = opened(tmp_path, files(3), Work()).folder / "index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps({**index, "columns": {"halves": {"network": "another"}}}))
    with pytest.raises(DatasetError, match=r'index\.json is about .*another.*; expected .*"one".* Delete the folder'):
        opened(tmp_path, files(3), Work())


def test_an_index_that_cannot_be_read_is_written_again(tmp_path: Path):
    path = opened(tmp_path, files(3), Work()).folder / "index.json"
    before = path.read_bytes()
    path.write_text("{")
    opened(tmp_path, files(3), work := Work())
    assert (path.read_bytes(), work.seen) == (before, [])


def test_a_store_may_have_only_failures(tmp_path: Path):
    store = opened(tmp_path, files(7), Work(failing=range(7)))
    assert len(store.faults) == 7
    assert store.column("squares").lengths.tolist() == [0] * 7


def test_a_store_that_is_written_anew_while_it_is_read_is_told(tmp_path: Path):
    store = opened(tmp_path, files(6), Work())
    column = store.column("halves")
    opened(tmp_path, files(6, 3), Work())
    with pytest.raises(Art2MusError, match=r"000000\.safetensors cannot be read any more .*written anew"):
        column[1]


def test_no_file_of_a_store_stays_open(tmp_path: Path):
    psutil = pytest.importorskip("psutil")
    before = len(psutil.Process().open_files())
    store = opened(tmp_path, files(40), Work())
    assert store.column("squares")[33].shape == (2, 2, 3)
    assert len(psutil.Process().open_files()) == before


ARRAYS = st.sampled_from([np.float32, np.float16, np.int16, np.uint8])


@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=6), kind=ARRAYS, turned=st.booleans())
def test_values_come_back_as_they_were(tmp_path_factory, lengths: list[int], kind: type, turned: bool):
    path, rng = tmp_path_factory.mktemp("shard") / "000000.safetensors", np.random.default_rng(len(lengths))
    arrays = [rng.integers(0, 99, (5, 3, length) if turned else (length, 3, 5)).astype(kind) for length in lengths]
    arrays = [array.T if turned else array for array in arrays]
    write_shard(path, [Computed(str(row), {"values": array}) for row, array in enumerate(arrays)])
    back = read_shard(path)
    assert [each.content for each in back] == [str(row) for row in range(len(arrays))]
    assert all(np.array_equal(each.values["values"], array) for each, array in zip(back, arrays, strict=True))
    assert open_shard(path).values["values"].dtype == kind


def test_a_file_that_is_no_shard_is_refused(tmp_path: Path):
    (tmp_path / "a.safetensors").write_bytes(b"\x05\x00\x00\x00\x00\x00\x00\x00{}   ")
    with pytest.raises(DatasetError, match="cannot be read"):
        open_shard(tmp_path / "a.safetensors")


def test_crops_lie_within_their_pieces():
    pieces = Pieces.of(np.repeat([0, 1, 2], [5, 3, 9]) + np.arange(17) / 100, np.array([5, 3, 9]))
    rows = np.array([2, 0, 1, 2, 0])
    crops = pieces.crops(rows, 3, np.array([0.0, 0.999, 0.999, 0.999, 0.5]))
    assert np.array_equal(crops.astype(int), np.repeat(rows, 3).reshape(5, 3))
    np.testing.assert_allclose(crops[:, 0] % 1, [0.08, 0.02, 0.05, 0.14, 0.01], atol=1e-6)
    np.testing.assert_allclose(pieces.crops(rows, 2)[:, 0], [pieces[row][0] for row in rows], rtol=1e-6)


@given(share=st.floats(0, 1, exclude_max=True), length=st.integers(1, 7))
def test_crops_lie_within_one_excerpt(share: float, length: int):
    """Three excerpts of seven frames, which begin at 2, 30 and 11 of their piece."""
    begins = Pieces.of(np.array([2.5, 30, 11], np.float32), np.array([3]))
    values = np.concatenate([np.arange(7) + begin for begin in (2.5, 30, 11)])
    pieces = Pieces.of(values, np.array([21]))
    excerpts = Pieces(pieces.arrays, pieces.places, 3, begins)
    place = (np.array([0]), length, np.array([share]))
    [crop] = excerpts.crops(*place)
    assert np.array_equal(np.diff(crop), np.ones(length - 1))
    assert excerpts.firsts(*place).tolist() == [crop[0]]
    assert excerpts.shortest(np.array([0])) == 7


def test_every_excerpt_is_drawn():
    pieces = Pieces(Pieces.of(np.arange(21), np.array([21])).arrays, np.array([[0, 0, 21]]), 3)
    shares = np.linspace(0, 1, 99, endpoint=False)
    starts = pieces.starts(np.zeros(99, int), 6, shares)
    assert sorted(set(starts.tolist())) == [0, 1, 7, 8, 14, 15]


def test_a_shard_that_the_system_refuses_is_told_in_its_words(tmp_path: Path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_shard(tmp_path / "shard", [Computed("a", {"latent": np.zeros(9999, np.float32)})])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.strerror == "File too large"
