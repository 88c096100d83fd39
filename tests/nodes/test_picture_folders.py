from __future__ import annotations

import os
import sys
from itertools import pairwise

import pytest
import torch
from PIL import Image


@pytest.fixture
def node(nodes):
    return nodes["Art2MusArtworkFolder"]


@pytest.fixture
def shown(host_folders):
    """Three pictures of different sizes in input/shown, and what is none."""
    folder = host_folders / "input" / "shown"
    folder.mkdir()
    for number in (2, 10, 1):
        Image.new("RGB", (number, 5), (number, 0, 0)).save(folder / f"work {number}.png")
    (folder / "notes.txt").write_text("none")
    return folder


def test_folders_with_pictures_are_offered(node, shown, host_folders, link):
    (host_folders / "input" / "empty").mkdir()
    (host_folders / "input" / ".hidden").mkdir()
    deep = host_folders / "input" / "shown" / "deep"
    deep.mkdir()
    Image.new("RGB", (1, 1)).save(deep / "a.png")
    Image.new("RGB", (1, 1)).save(host_folders / "input" / ".hidden" / "a.png")
    link(host_folders / "input" / "loop", host_folders / "input")
    assert node.GET_SCHEMA().inputs[0].options == ["Samples", "input", "input/shown", "input/shown/deep"]


def test_four_levels_of_folders_are_offered(node, host_folders):
    place = host_folders / "input"
    for name in "abcde":
        place = place / name
        place.mkdir()
        Image.new("RGB", (1, 1)).save(place / "a.png")
    assert node.GET_SCHEMA().inputs[0].options[-1] == "input/a/b/c/d"


def test_what_memory_does_not_hold_is_not_begun(pack, node, shown):
    module, errors = pack("nodes.picture_folders"), pack("art2mus_core.errors")
    paths = module.pictures_of("input/shown")
    needed = (1 + 2 + 10) * 5 * 12
    module.check_room(paths, "input/shown", free=needed)
    with pytest.raises(errors.ArtworkError, match="3 pictures of input/shown takes") as caught:
        module.check_room(paths, "input/shown", free=needed - 1)
    assert "set count" in caught.value.remedy


def test_the_node_asks_for_room_first(pack, node, shown):
    """A picture whose header promises what no machine has."""
    header = b"P6 16000 16000 255\n"
    for number in range(9000):
        (shown / f"{number}.ppm").write_bytes(header)
    with pytest.raises(pack("art2mus_core.errors").ArtworkError, match="set count"):
        node.execute("input/shown", 1, 0)


def test_a_fresh_install_plays_samples(node):
    images, masks, names = node.execute("Samples", 1, 0).args
    assert len(images) == len(masks) == len(names) == 8
    assert len({image.shape for image in images}) > 1
    assert "silver_forest" in names


def test_pictures_come_in_the_order_in_which_a_person_counts(node, shown):
    images, masks, names = node.execute("input/shown", 1, 0).args
    assert names == ["work 1", "work 2", "work 10"]
    assert [image.shape for image in images] == [(1, 5, width, 3) for width in (1, 2, 10)]
    assert [mask.shape for mask in masks] == [(1, 5, width) for width in (1, 2, 10)]


@pytest.mark.parametrize(("start", "count", "wanted"), [(2, 0, ["2", "10"]), (1, 1, ["1"]), (2, 99, ["2", "10"])])
def test_a_part_can_be_chosen(node, shown, start, count, wanted):
    assert node.execute("input/shown", start, count).args[2] == [f"work {number}" for number in wanted]


def test_too_late_a_start_is_told(pack, node, shown):
    with pytest.raises(pack("art2mus_core.errors").ArtworkError, match=r"picture 4 of input/shown; expected 1 to 3"):
        node.execute("input/shown", 4, 0)


@pytest.mark.parametrize("name", ["input/..", "input/../output", "input/link"])
def test_no_name_leads_out(node, host_folders, name, link):
    (host_folders / "output" / "a.png").write_bytes(b"")
    link(host_folders / "input" / "link", host_folders / "output")
    assert "leads out of ComfyUI's input folder" in node.validate_inputs(name)


def test_a_picture_that_lies_elsewhere_is_left_out(node, shown, host_folders, link):
    Image.new("RGB", (1, 1)).save(host_folders / "secret.png")
    link(shown / "b.png", host_folders / "secret.png")
    link(shown / "c.png", shown / "work 1.png")
    assert node.validate_inputs("input/shown") is True
    assert node.execute("input/shown", 1, 0).args[2] == ["c", "work 1", "work 2", "work 10"]


@pytest.mark.parametrize("name", ["input/gone", "/etc", "..", "", "elsewhere"])
def test_what_is_not_there_is_told(node, host_folders, name):
    said = name.removeprefix("/")  # no place on the disk is sent to the browser
    assert f"no folder {said!r}; expected one of Samples, input" in node.validate_inputs(name)


def test_a_folder_without_pictures_is_told(node, host_folders):
    assert "input contains no picture" in node.validate_inputs("input")
    assert node.validate_inputs("Samples") is True
    assert node.validate_inputs(None) is True


def test_a_damaged_picture_is_named(pack, node, shown):
    (shown / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(pack("art2mus_core.errors").ArtworkError, match=r"cut\.png is"):
        node.execute("input/shown", 1, 0)


def test_the_fingerprint_sees_every_change(node, shown):
    def mark():
        return node.fingerprint_inputs("input/shown", 1, 0)

    marks = [mark(), mark()]
    Image.effect_noise((2, 5), 9).convert("RGB").save(shown / "work 2.png")
    marks.append(mark())
    os.utime(shown / "work 2.png", (1, 1))
    marks.append(mark())
    Image.new("RGB", (1, 1)).save(shown / "new.png")
    marks.append(mark())
    (shown / "work 10.png").unlink()
    marks.append(mark())
    assert marks[0] == marks[1]
    assert all(first != second for first, second in pairwise(marks[1:]))


@pytest.mark.parametrize(
    ("folder", "start", "count"), [("input/shown", None, 1), ("input/shown", 1, None), (None, 1, 1)]
)
def test_a_linked_choice_could_be_any_picture(node, shown, folder, start, count):
    first = node.fingerprint_inputs(folder, start, count)
    assert first == node.fingerprint_inputs(folder, start, count)
    os.utime(shown / "work 10.png", (1, 1))
    assert first != node.fingerprint_inputs(folder, start, count)


def test_masks_of_opaque_pictures_may_be_written_to(node, shown):
    """Other packs' nodes do; every value is one of its own."""
    first, second, *_ = node.execute("input/shown", 1, 0).args[1]
    first[0, 0, 0] = 1
    assert first.sum() == 1
    assert not second.any()


def test_masks_are_what_is_transparent(node, host_folders):
    Image.new("RGBA", (3, 2), (9, 9, 9, 0)).save(host_folders / "input" / "a.png")
    _, (mask,), _ = node.execute("input", 1, 0).args
    assert torch.equal(mask, torch.ones(1, 2, 3))


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_names_are_such_that_music_can_be_called_so(node, nodes, host_folders):
    folder = host_folders / "input" / "odd"
    folder.mkdir()
    for name in (b"caf\xe9.png", ("long " * 50)[:-1].encode() + b".png", "海 1.png".encode()):
        Image.new("RGB", (3, 3)).save(os.fsdecode(os.fsencode(folder) + b"/" + name), "PNG")
    names = node.execute("input/odd", 1, 0).args[2]
    assert "caf\\xe9" in names
    assert "海 1" in names
    assert all(nodes["Art2MusSaveAudio"].validate_inputs(name) is True for name in names)
    assert len(set(names)) == 3
