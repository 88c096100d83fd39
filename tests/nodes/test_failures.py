"""What the browser is told of a failure: short names, no places on the disk."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path

import pydantic
import pytest
import torch

PACK = Path(__file__).resolve().parents[2]


@pytest.fixture
def failures(pack, host_folders):
    return pack("nodes.failures")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{base}/input/a b.png is cut", "input/a b.png is cut"),
        ("{base}/models/art2mus/my model/x.json", "models/art2mus/my model/x.json"),
        ("'{base}/output' is a file", "'output' is a file"),
        ("of {base}", "of base"),
        ("[Errno 2] No such file: '/big/disk/x.png'", "[Errno 2] No such file: 'x.png'"),
        ("/a/b/c.bin, (/d/e) and C:\\Users\\ada\\f.txt; /g/", "c.bin, (e) and f.txt; g"),
        ("from https://host.org/a/b, and/or 3/4 s, ~/models", "from https://host.org/a/b, and/or 3/4 s, ~/models"),
        ("art2mus/music / 2", "art2mus/music / 2"),
    ],
)
def test_places_become_names(failures, host_folders, text, said):
    said = said.replace("of base", f"of {host_folders.name}")
    assert failures.without_paths(text.format(base=host_folders)) == said


def test_folders_outside_of_the_hosts_are_called_by_their_last_name(failures, tmp_path, monkeypatch):
    import folder_paths

    place = tmp_path.parent / "another disk" / "music models"
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {"art2mus": ([str(place)], set())})
    assert failures.without_paths(f"{place}/clip/config.json") == "music models/clip/config.json"


class Record(pydantic.BaseModel):
    number: int


def raised(failures, act) -> Exception:
    with pytest.raises(Exception) as found:  # noqa: PT011  any kind
        failures.redact_errors(act)()
    return found.value


ACTS = {
    "file": lambda: Path("/nowhere/x.png").read_bytes(),
    "torch": lambda: torch.zeros(2) + torch.zeros(3),
    "underivable": lambda: Record(number="x"),
    "bytes": b"\xff".decode,
    "key": lambda: {}["/a/b"],
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_any_error_keeps_its_name_and_its_words(failures, act):
    with pytest.raises(Exception) as plain:  # noqa: PT011
        act()
    told = raised(failures, act)
    kind = type(told)
    assert (kind.__module__, kind.__qualname__) == ("builtins", type(plain.value).__name__)
    assert str(told) == failures.without_paths(str(plain.value))
    assert told.__cause__ is not None  # the log has the whole
    if not isinstance(plain.value, pydantic.ValidationError):  # which can't be derived from
        assert isinstance(told, type(plain.value))
    assert str(PACK / "nodes") not in "".join(traceback.format_tb(told.__traceback__)[1:])


def test_our_errors_keep_their_parts(pack, failures):
    kind = pack("art2mus_core.errors").ArtworkError

    def act():
        raise kind("/a/b.png is cut", "a picture", "Copy it.")

    told = raised(failures, act)
    assert str(told) == "b.png is cut; expected a picture. Copy it."
    assert (told.expected, told.remedy) == ("a picture", "Copy it.")
    assert kind.__module__.endswith("art2mus_core.errors")  # itself it is as it was
    assert pickle.loads(pickle.dumps(kind("a", "b", "c"))).came == "a"


def test_a_stop_is_none(failures):
    class Stop(BaseException): ...

    def act():
        raise Stop

    with pytest.raises(Stop):
        failures.redact_errors(act)()


def test_every_node_tells_in_this_way(nodes):
    for name, node in nodes.items():
        for method in {"execute", "validate_inputs", "check_lazy_status"} & vars(node).keys():
            assert getattr(node, method).__func__.__name__ == method
            assert hasattr(getattr(node, method).__func__, "__wrapped__"), (name, method)


def test_the_host_still_sees_what_is_to_be_checked(nodes):
    import inspect

    asked = inspect.getfullargspec(nodes["Art2MusArtworkFolder"].validate_inputs)
    assert (asked.args, asked.varkw) == (["cls", "folder"], None)


def test_a_check_that_fails_unforeseen_refuses(nodes):
    said = nodes["Art2MusLoadArtwork"].validate_inputs("a\0b.png")
    assert isinstance(said, str)
    assert said
