from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace

import av
import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture
def save(nodes):
    return nodes["Art2MusSaveAudio"].execute


def audio(pieces: int = 1, **more) -> dict:
    generator = torch.Generator().manual_seed(0)
    waveform = torch.rand(pieces, 1, 1600, generator=generator) - 0.5
    return {"waveform": waveform, "sample_rate": 16000, **more}


def test_every_piece_of_a_batch_is_a_file_of_its_own(pack, save, host_folders):
    known = {"seed": 3, "model": "pocket", "artworks": ["aa", "bb"]}
    saved = save(audio(2, art2mus=known), "sub/music", "FLAC").ui["audio"]
    assert [item["filename"] for item in saved] == ["music_00001_.flac", "music_00002_.flac"]
    assert {(item["subfolder"], item["type"]) for item in saved} == {("sub", "output")}
    files = pack("art2mus_core.audio.reading")
    paths = [host_folders / "output" / "sub" / item["filename"] for item in saved]
    assert [files.read_tags(path)["artwork_sha256"] for path in paths] == ["aa", "bb"]
    assert files.read_tags(paths[0])["seed"] == "3"
    assert torch.allclose(files.read_audio(paths[1]).samples, audio(2)["waveform"][1:], atol=1e-4)


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "MP3", "Opus"])
def test_every_format_plays_with_a_cover(pack, save, host_folders, kind):
    (item,) = save(audio(), "a", kind, cover=torch.rand(1, 6, 9, 3)).ui["audio"]
    waveform = pack("art2mus_core.audio.reading").read_audio(host_folders / "output" / item["filename"])
    assert waveform.samples.abs().max() > 0.1


def test_placeholders_distinguish_pieces_and_appear_in_titles(pack, save, host_folders):
    name = "%date:yyyy%/p%batch_num% %width%x%height%"
    saved = save(audio(2), name, "MP3", cover=torch.rand(1, 6, 9, 3)).ui["audio"]
    assert [item["filename"] for item in saved] == ["p0 9x6_00001_.mp3", "p1 9x6_00001_.mp3"]
    assert all(item["subfolder"].isdigit() for item in saved)
    paths = [host_folders / "output" / item["subfolder"] / item["filename"] for item in saved]
    titles = [pack("art2mus_core.audio.reading").read_tags(path)["title"] for path in paths]
    assert titles == ["p0 9x6_00001", "p1 9x6_00001"]


@pytest.mark.parametrize(("kind", "small", "large"), [("FLAC", "16 bit", "24 bit"), ("WAV", "standard", "24 bit")])
def test_a_quality_reaches_the_file(save, host_folders, kind, small, large):
    names = [save(audio(), "a", kind, quality=quality).ui["audio"][0]["filename"] for quality in (small, large)]
    sizes = [(host_folders / "output" / name).stat().st_size for name in names]
    assert sizes[1] - sizes[0] == pytest.approx(1600, rel=0.1)  # a byte more for each of the samples


def test_music_from_elsewhere_is_saved_too(save, host_folders):
    stereo = {"waveform": torch.rand(1, 2, 441) - 0.5, "sample_rate": 44100}
    (item,) = save(stereo, "a", "FLAC").ui["audio"]
    assert (host_folders / "output" / item["filename"]).stat().st_size


@pytest.fixture
def graph(pack, nodes, monkeypatch):
    """What the host hands to Save Audio of the graph that made the music, with a workflow of a megabyte."""
    workflow = {"nodes": [{"id": number, "type": "Note", "text": "Grüße ♫ " * 20} for number in range(4000)]}
    assert len(json.dumps(workflow)) > 1_000_000
    host = ModuleType("host")
    host.keeps_metadata = lambda: True
    monkeypatch.setitem(sys.modules, pack("nodes.saving").__package__ + ".host", host)
    made = SimpleNamespace(prompt={"1": {"class_type": "A"}}, extra_pnginfo={"workflow": workflow})
    monkeypatch.setattr(nodes["Art2MusSaveAudio"], "hidden", made)
    return made


def covers(path) -> list[int]:
    """The brightness of each picture in a sound file."""
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray(format="gray") for stream in file.streams.video for frame in file.decode(stream)]
    return [int(frame.mean()) for frame in frames]


@pytest.mark.parametrize("kind", ["FLAC", "MP3", "Opus"])
def test_cover_graph_and_provenance_are_in_every_format(pack, save, host_folders, graph, kind):
    cover = torch.tensor([0.25, 0.75])[:, None, None, None].expand(2, 40, 30, 3)
    pieces = audio(
        3, art2mus={"seed": 3, "model": "pocket", "artworks": ["aa", "bb", "cc"], "gains": [1.5, -2.25, 0.0]}
    )
    saved = save(pieces, "a", kind, cover=cover).ui["audio"]
    paths = [host_folders / "output" / item["filename"] for item in saved]
    tags = [pack("art2mus_core.audio.reading").read_tags(path) for path in paths]
    assert [each["artwork_sha256"] for each in tags] == ["aa", "bb", "cc"]
    assert [each["gain_db"] for each in tags] == ["1.5", "-2.25", "0.0"]
    assert {(each["seed"], each["model"]) for each in tags} == {("3", "pocket")}
    assert json.loads(tags[2]["workflow"]) == graph.extra_pnginfo["workflow"]
    assert json.loads(tags[2]["prompt"]) == graph.prompt
    assert [covers(path) for path in paths] == [[pytest.approx(grey, abs=2)] for grey in (64, 191, 64)]


def test_a_piece_that_cannot_be_written_leaves_no_half_file(pack, save, host_folders):
    pieces = audio(2)
    pieces["waveform"][1, 0, 5] = float("nan")
    with pytest.raises(pack("art2mus_core.errors").AudioError, match="NaN"):
        save(pieces, "a", "FLAC")
    assert [path.name for path in (host_folders / "output").iterdir()] == ["a_00001_.flac"]


def drawn(host_folders, entry) -> np.ndarray:
    where = entry["spectrogram"]
    with Image.open(host_folders / where["type"] / where["subfolder"] / where["filename"]) as picture:
        assert (where["type"], picture.format, picture.size) == ("temp", "PNG", (1000, 256))
        return np.asarray(picture.convert("L"), np.float32)


def test_the_spectrogram_fills_its_width_with_time(nodes, host_folders):
    half = torch.zeros(1, 2, 44100)
    half[..., :22050] = torch.sin(torch.arange(22050) * 440 * 2 * torch.pi / 44100)
    shown = nodes["Art2MusPreviewMusic"].execute({"waveform": half, "sample_rate": 44100}).ui["art2mus"]
    assert [entry["seconds"] for entry in shown] == [1.0]
    columns = drawn(host_folders, shown[0]).max(0)
    lit = np.flatnonzero(columns > columns.max() / 2)
    assert lit[0] < 20
    assert 480 < lit[-1] < 560


def test_both_nodes_show_the_same(nodes, host_folders):
    saved = nodes["Art2MusSaveAudio"].execute(audio(2), "a", "MP3").ui
    previewed = nodes["Art2MusPreviewMusic"].execute(audio(2)).ui
    assert {len(ui[key]) for ui in (saved, previewed) for key in ("audio", "art2mus")} == {2}
    for first, second in zip(saved["art2mus"], previewed["art2mus"], strict=True):
        assert np.array_equal(drawn(host_folders, first), drawn(host_folders, second))
    assert [item["type"] for item in previewed["audio"]] == ["temp", "temp"]
    assert all(item["filename"].endswith(".flac") for item in previewed["audio"])


@pytest.mark.parametrize(
    ("shape", "rate"), [((1, 2, 4410), 44100), ((2, 1, 1600), 16000), ((1, 6, 9600), 96000), ((1, 1, 1), 8000)]
)
def test_any_sound_can_be_previewed(nodes, host_folders, shape, rate):
    output = nodes["Art2MusPreviewMusic"].execute({"waveform": torch.zeros(shape), "sample_rate": rate})
    (figures,) = output.args
    assert figures.shape[0] == shape[0]
    assert figures.shape[3] == 3
    assert 0 <= figures.min() < figures.max() <= 1
    for item in output.ui["audio"]:
        assert (host_folders / "temp" / item["subfolder"] / item["filename"]).stat().st_size


def test_a_long_sound_is_not_looked_at_sample_by_sample(nodes, host_folders):
    long = {"waveform": torch.rand(1, 1, 8000 * 150) - 0.5, "sample_rate": 8000}
    (entry,) = nodes["Art2MusPreviewMusic"].execute(long).ui["art2mus"]
    assert entry["seconds"] == 150
    assert drawn(host_folders, entry).std() > 1


def test_a_long_sound_has_no_more_columns_than_are_worth_computing(pack):
    player = pack("nodes.player")
    pieces = player.analyse({"waveform": torch.zeros(1, 1, 8000 * 120), "sample_rate": 8000})
    assert player.MOST_FRAMES * 0.9 < len(pieces.mels[0]) <= player.MOST_FRAMES


@pytest.mark.parametrize("shape", [(1, 1, 0), (0, 1, 9), (1, 0, 9)])
def test_an_empty_sound_is_refused(pack, nodes, host_folders, shape):
    with pytest.raises(pack("art2mus_core.errors").AudioError, match="an empty sound"):
        nodes["Art2MusPreviewMusic"].execute({"waveform": torch.zeros(shape), "sample_rate": 16000})
    assert not list((host_folders / "temp").rglob("*.*"))


@pytest.mark.parametrize("level", [1.0, 0.01])
def test_mono_and_stereo_have_one_picture(pack, save, host_folders, level):
    """Whether the channels are mixed or added up, the sound is on one of them only, or all of it is quiet."""
    time = torch.arange(8000) / 16000
    left, right = torch.sin(2 * torch.pi * 440 * time), 0.5 * torch.sin(2 * torch.pi * 660 * time)

    def picture(*channels):
        sound = {"waveform": level * torch.stack(channels)[None] / 2, "sample_rate": 16000}
        (shown,) = save(sound, "a", "FLAC").ui["art2mus"]
        return np.asarray(Image.open(host_folders / "temp" / "art2mus" / shown["spectrogram"]["filename"])).astype(int)

    mix = picture((left + right) / 2)
    assert mix.std() > 10
    for others in ((left, right), (right, left), (left + right,), (left + right, torch.zeros(8000))):
        assert abs(picture(*others) - mix).max() <= 2


def test_the_artworks_behind_a_piece_are_named(pack, save, nodes, host_folders, monkeypatch):
    """What nodes above open, the host's own included, but no cover; each once, files by their names without suffix."""
    Image.new("RGB", (4, 4)).save(host_folders / "input" / "Blue_Rider.png")
    names = pack("nodes.folders").sample_paths()
    sample = next(name for name, path in names.items() if path.stem == "silver_forest")
    prompt = {
        "1": {"class_type": "Art2MusLoadArtwork", "inputs": {"artwork": sample}},
        "2": {"class_type": "LoadImage", "inputs": {"image": "Blue_Rider.png"}},
        "3": {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["2", 0]}},
        "4": {"class_type": "Art2MusArtworkToMusic", "inputs": {"image": ["3", 0], "again": ["1", 0], "seconds": 1.0}},
        "5": {"class_type": "LoadImage", "inputs": {"image": "gone.png"}},
        "6": {"class_type": "Art2MusSaveAudio", "inputs": {"audio": ["4", 0], "cover": ["5", 0], "name": "a"}},
    }
    monkeypatch.setattr(
        nodes["Art2MusSaveAudio"], "hidden", SimpleNamespace(prompt=prompt, extra_pnginfo=None, unique_id="6")
    )
    host = ModuleType("host")
    host.keeps_metadata = lambda: False
    monkeypatch.setitem(sys.modules, pack("nodes.saving").__package__ + ".host", host)
    assert [each["artwork"] for each in save(audio(2), "a", "FLAC").ui["art2mus"]] == ["silver forest, Blue Rider"] * 2
    prompt["4"]["inputs"] = {"image": ["5", 0]}
    assert save(audio(), "a", "FLAC").ui["art2mus"][0]["artwork"] == ""
    prompt["4"]["inputs"] = {"image": ["4", 0]}  # a ring, which the host refuses before it runs
    assert save(audio(), "a", "FLAC").ui["art2mus"][0]["artwork"] == ""
