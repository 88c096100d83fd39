from __future__ import annotations

import pytest
from PIL import Image


@pytest.fixture
def folders(pack, host_folders):
    return pack("nodes.folders")


def test_a_fresh_install_lists_samples_and_one_is_chosen(nodes, folders):
    names = folders.artwork_names()
    assert names
    assert all(name.endswith(" (sample)") for name in names)
    assert all(folders.artwork_path(name).is_file() for name in names)
    assert nodes["Art2MusLoadArtwork"].GET_SCHEMA().inputs[0].default in names


def test_samples_are_found_by_the_names_of_released_workflows(folders):
    for name in folders.artwork_names():
        assert folders.artwork_path(f"Sample: {name.removesuffix(' (sample)')}") == folders.artwork_path(name)
    assert folders.sample_path("Sample: gone") is folders.sample_path("silver forest") is None


def test_names_in_lists_differ_in_their_first_signs(folders):
    names = folders.artwork_names()
    assert len({name[:6] for name in names}) == len(names)


def test_own_pictures_come_first(folders, host_folders):
    for name in ("b.png", "a.png", "notes.txt"):
        (host_folders / "input" / name).write_bytes(b"")
    assert folders.artwork_names()[:2] == ["a.png", "b.png"]
    assert "notes.txt" not in folders.artwork_names()


def test_a_missing_artwork_is_named(nodes):
    answer = nodes["Art2MusLoadArtwork"].validate_inputs("gone.png")
    assert "no artwork 'gone.png'" in answer
    assert "Upload it or pick another" in answer
    assert nodes["Art2MusLoadArtwork"].validate_inputs(None) is True


def test_the_fingerprint_is_the_content(nodes, host_folders):
    prints = []
    for colour in ("red", "blue", "red"):
        Image.new("RGB", (4, 3), colour).save(host_folders / "input" / "a.png")
        prints.append(nodes["Art2MusLoadArtwork"].fingerprint_inputs("a.png"))
    assert prints[0] == prints[2] != prints[1]


def test_a_linked_name_could_be_any_artwork(nodes, host_folders):
    node, path = nodes["Art2MusLoadArtwork"], host_folders / "input" / "a.png"
    prints = [node.fingerprint_inputs(None)]
    for size in (4, 5):
        Image.new("RGB", (size, 3)).save(path)
        prints.append(node.fingerprint_inputs(None))
    assert prints[-1] == node.fingerprint_inputs(None)
    assert len(set(map(tuple, prints))) == 3


def test_no_two_runs_share_a_temp_file(folders, host_folders):
    assert folders.temp_file("music", ".flac").path != folders.temp_file("music", ".flac").path


def test_loading_gives_image_and_mask(nodes, host_folders):
    Image.new("RGBA", (5, 3), (255, 0, 0, 255)).save(host_folders / "input" / "a.png")
    image, mask = nodes["Art2MusLoadArtwork"].execute("a.png").args
    assert image.shape == (1, 3, 5, 3)
    assert image[0, 0, 0].tolist() == [1, 0, 0]
    assert not mask.any()


def test_how_a_file_had_to_be_read_is_told(nodes, host_folders):
    Image.new("RGB", (5, 3)).save(host_folders / "input" / "plain.png")
    Image.new("RGB", (5, 3)).save(host_folders / "input" / "odd.png", icc_profile=b"nothing")
    jpeg = host_folders / "input" / "endless.jpg"
    Image.effect_noise((300, 200), 60).convert("RGB").save(jpeg)
    jpeg.write_bytes(jpeg.read_bytes()[:-2])
    load = nodes["Art2MusLoadArtwork"]
    assert load.execute("plain.png").ui is None
    (line,) = load.execute("odd.png").ui["text"]
    assert line.startswith("odd.png: ")
    assert "profile" in line
    assert load.execute("endless.jpg").ui["text"] == [
        "endless.jpg: its end marker is missing, but the picture is complete"
    ]
    lines = nodes["Art2MusArtworkFolder"].execute("input", 1, 0).ui["text"]
    assert [text.partition(": ")[0] for text in lines] == ["endless.jpg", "odd.png"]
    assert nodes["Art2MusArtworkFolder"].execute("input", 3, 0).ui is None


def test_the_hosts_model_folder_wins(folders, host_folders, monkeypatch, pack):
    monkeypatch.setenv("ART2MUS_HOME", str(host_folders / "home"))
    for root in ("home", "models/art2mus"):
        folder = host_folders / root / "mine"
        folder.mkdir(parents=True)
        (folder / "model_index.json").write_text("{}")
    (host_folders / "models" / "art2mus" / "unfinished").mkdir()
    assert folders.model_names() == ["pocket", "mine"]
    assert folders.model_folder("mine") == host_folders / "models" / "art2mus" / "mine"
    with pytest.raises(pack("art2mus_core.errors").SettingError, match="no model 'other'"):
        folders.model_folder("other")


def test_aligners_of_all_checkpoints_are_listed(folders, host_folders):
    folder = host_folders / "models" / "art2mus" / "mine"
    (folder / "aligner").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    for name in ("model", "model-lora", "monochrome"):
        (folder / "aligner" / f"{name}.safetensors").write_bytes(b"")
    assert folders.aligner_names() == ["model", "monochrome"]


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../b"])
def test_names_cannot_leave_the_output_folder(nodes, name):
    assert "inside ComfyUI's output folder" in nodes["Art2MusSaveAudio"].validate_inputs(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a\nb", "printable characters on one line"),
        ("a\0b", "printable characters on one line"),
        ("caf\udce9", "printable characters on one line"),
        ("x" * 244, "243 at most"),
        ("海" * 82, "243 at most"),
        ("y" * 300 + "/a", "243 at most"),
        ("%yeer%", "a placeholder such as"),
        ("taken/a", "a folder"),
        ("taken/b/c", "a folder"),
    ],
)
def test_names_that_cannot_be_written_are_refused_at_once(nodes, host_folders, name, expected):
    (host_folders / "output" / "taken").write_bytes(b"")
    answer = nodes["Art2MusSaveAudio"].validate_inputs(name)
    assert f"expected {expected}" in answer
    assert str(host_folders) not in answer
    with pytest.raises(Exception, match=f"expected {expected}"):
        nodes["Art2MusSaveAudio"].check_lazy_status(name=name, audio=None)


@pytest.mark.parametrize("name", ["x" * 243, "海" * 81, "a:b?", "made/new/folder/x", "%Any.widget%", "100%", "a.b.c"])
def test_other_names_are_taken(nodes, name):
    assert nodes["Art2MusSaveAudio"].validate_inputs(name) is True


def test_the_name_is_looked_at_before_the_music_is_asked_for(nodes):
    ask = nodes["Art2MusSaveAudio"].check_lazy_status
    assert ask(name="a", audio=None, format="FLAC") == ["audio"]
    assert ask(name="a", audio=None, cover=None, format="FLAC", quality="standard") == ["audio", "cover"]
    assert ask(name="a", audio={}, cover=0, format="FLAC") == []
    with pytest.raises(Exception, match="a node of the graph"):
        ask(name="%Sampler.seed%", audio=None)


@pytest.mark.parametrize(("kind", "quality"), [("FLAC", "320k"), ("MP3", "24 bit"), ("Opus", "V0"), ("WAV", "64k")])
def test_a_quality_of_another_format_is_refused_at_once(nodes, kind, quality):
    assert f"{kind} of the quality" in nodes["Art2MusSaveAudio"].validate_inputs("a", kind, quality)


def test_qualities_offered_are_the_cores(nodes, pack):
    coding, saving = pack("art2mus_core.audio.coding"), pack("nodes.saving")
    known = {quality for suffix in saving.SUFFIXES.values() for quality in coding.KINDS[suffix].qualities}
    assert known == set(saving.QUALITIES)
    assert saving.QUALITIES[0] == coding.STANDARD


@pytest.mark.parametrize("name", ["", "music/..", "   "])
def test_names_name_a_file(nodes, name):
    answer = nodes["Art2MusSaveAudio"].validate_inputs(name)
    assert answer is not True
    assert "expected" in answer
