from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from art2mus_core.errors import ArtworkError
from art2mus_core.images import formats
from art2mus_core.images.listing import describe_skipped, find_artworks, list_artworks
from art2mus_core.images.reading import read_artwork


def lay(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_a_folder_lists_its_artworks(tmp_path):
    lay(tmp_path, "b.PNG", "a.jpg", ".hidden.png", "notes.txt")
    (tmp_path / "inner.png").mkdir()
    assert names(list_artworks(tmp_path), tmp_path) == ["a.jpg", "b.PNG"]
    with pytest.raises(ArtworkError, match="cannot be listed"):
        list_artworks(tmp_path / "nowhere")
    with pytest.raises(ArtworkError, match="cannot be listed"):
        list_artworks(tmp_path / "a.jpg")


def test_suffixes_are_lower_case_with_their_dot():
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in formats.suffixes())
    usual = "apng bmp dib gif ico j2k jfif jp2 jpe jpeg jpf jpg jpx mpo pbm pcx pgm png pnm ppm sgi tga tif tiff webp"
    assert {f".{suffix}" for suffix in usual.split()} <= set(formats.suffixes())
    assert not {".eps", ".pdf", ".wmf", ".psd"} & set(formats.suffixes())


@pytest.mark.parametrize("suffix", formats.suffixes())
def test_what_is_listed_is_read(tmp_path, suffix):
    """Every suffix under which Pillow writes one of the formats, in upper case as cameras have it."""
    kind = Image.EXTENSION.get(suffix)
    if kind not in Image.SAVE or suffix in {".pfm", ".bw"}:
        pytest.skip("Pillow does not write it, or not in colour")
    path = tmp_path / f"one{suffix.upper()}"
    try:
        Image.new("RGB", (16, 16), (200, 30, 40)).save(path, kind)
    except (OSError, KeyError) as error:  # a library that this Pillow was built without
        pytest.skip(str(error))
    assert list_artworks(tmp_path) == [path]
    if suffix != ".pbm":
        red, _, blue = read_artwork(path).pixels[:, 8, 8].tolist()
        assert red > 180
        assert blue < 60


def test_folders_of_folders_are_looked_into_when_asked(tmp_path, link):
    lay(tmp_path, "b.png", "z/a.jpg", "c/d/e.webp", "c/x.png", ".git/f.png", "__MACOSX/g.png")
    link(tmp_path / "c" / "d" / "up", tmp_path)
    link(tmp_path / "again", tmp_path / "z")
    found = find_artworks(tmp_path, recursive=True)
    assert names(found.artworks, tmp_path) == ["b.png", "again/a.jpg", "c/x.png", "c/d/e.webp"]
    assert found.skipped == ()
    flat = find_artworks(tmp_path)
    assert names(flat.artworks, tmp_path) == ["b.png"]
    assert [path.name for path, _ in flat.skipped] == ["again", "c", "z"]
    assert describe_skipped(flat.skipped, 1) == "skipped 3 folders: again, c, z (a folder, not searched)"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the system lets this user list everything")
def test_a_folder_that_cannot_be_listed_ends_nothing(tmp_path):
    lay(tmp_path, "a.png", "locked/b.png")
    (tmp_path / "locked").chmod(0)
    found = find_artworks(tmp_path, recursive=True)
    (tmp_path / "locked").chmod(0o700)
    assert names(found.artworks, tmp_path) == ["a.png"]
    assert "cannot be listed" in found.skipped[0].reason


def test_a_link_to_itself_ends_nothing(tmp_path, link):
    lay(tmp_path, "a.png")
    link(tmp_path / "self", "self")
    found = find_artworks(tmp_path, recursive=True)
    assert names(found.artworks, tmp_path) == ["a.png"]
    assert [path.name for path, _ in found.skipped] == ["self"]


def test_what_is_skipped_is_said_by_reason(tmp_path, link):
    lay(tmp_path, "a.png", "Thumbs.db", ".DS_Store", "desktop.ini", "IMG_1.CR2", "IMG_2.CR2", "film.mp4", "work.PSD")
    lay(tmp_path, *(f"notes {number}.txt" for number in range(7)))
    link(tmp_path / "gone.png", "nowhere.png")
    found = find_artworks(tmp_path)
    assert describe_skipped(found.skipped, len(found.artworks)) == (
        "skipped 12 of 13 files: IMG_1.CR2, IMG_2.CR2 (a camera's raw file: export it as TIFF), film.mp4 (a video), "
        "gone.png (a broken link), notes 0.txt, notes 1.txt, notes 2.txt and 4 more (not a picture), "
        "work.PSD (a drawing program's file: export it as PNG)"
    )
    assert describe_skipped([], 5) == ""


def test_a_missing_plug_in_is_named(tmp_path, monkeypatch):
    absent = [plug_in._replace(module="no_such_module") for plug_in in formats.PLUG_INS]
    monkeypatch.setattr("art2mus_core.images.listing.PLUG_INS", absent)
    monkeypatch.setattr("art2mus_core.images.listing.suffixes", lambda: (".png",))
    lay(tmp_path, "a.HEIC", "b.jxl")
    assert [reason for _, reason in find_artworks(tmp_path).skipped] == [
        "needs a plug-in: pip install pillow-heif",
        "needs a plug-in: pip install pillow-jxl-plugin",
    ]


@pytest.mark.parametrize("plug_in", formats.PLUG_INS, ids=lambda plug_in: plug_in.format)
def test_installed_plug_ins_read(tmp_path, plug_in):
    if not plug_in.installed:
        pytest.skip(f"without {plug_in.package}")
    assert plug_in.format in formats.formats()
    for suffix in plug_in.suffixes:
        path = tmp_path / f"one{suffix}"
        Image.new("RGB", (64, 48), (200, 30, 40)).save(path, plug_in.format)
        assert list_artworks(tmp_path) == [path]
        assert read_artwork(path).pixels.shape == (3, 48, 64)
        path.unlink()


def test_listing_loads_no_network_library():
    code = "import sys; from art2mus_core.images.listing import samples; samples(); print(*sys.modules)"
    root = Path(__file__).parents[2]
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ).stdout.split()
    assert not {"torch", "numpy", "pillow_heif", "pillow_jxl", "PIL.EpsImagePlugin"} & set(loaded)
