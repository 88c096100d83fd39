"""Save Audio on a running server: marks in its name, names refused before the music is made, qualities, a title."""

from __future__ import annotations

import datetime as dt
import re

import av
import pytest

from art2mus_core.audio.reading import read_tags

from .graphs import executed, graph, heard

pytestmark = pytest.mark.host

TONE = {"class_type": "EmptyAudio", "inputs": {"duration": 0.2, "sample_rate": 16000, "channels": 1}}


def text(value: str) -> dict:
    return {"class_type": "PrimitiveString", "inputs": {"value": value}}


def of_silence(name: object = "silence", **more) -> dict:
    """The shortest graph that ends in Save Audio."""
    inputs = {"audio": ["1", 0], "name": name, "format": "FLAC", **more}
    return {"1": TONE, "2": {"class_type": "Art2MusSaveAudio", "inputs": inputs}}


def ran(entry: dict) -> list[str]:
    """The nodes that had run when an error ended it."""
    return next(body["executed"] for kind, body in entry["status"]["messages"] if kind == "execution_error")


def test_marks_of_the_host_and_its_page_are_filled(server):
    today = dt.datetime.now().astimezone()
    name = "marks/%date:yyyy%_%year%_%Art2MusSampler.seed%_%Old sampler.solver%_%batch_num%_%width%x%height%"
    prompt = graph("tiny", seed=9, seconds=1.0, steps=1)
    prompt["5"]["_meta"] = {"title": "Old sampler"}
    prompt["6"]["inputs"]["name"] = name
    (path,) = server.outputs(server.run(prompt))
    said = re.fullmatch(r"(\d+)_(\d+)_9_dpm\+\+2m-karras_0_(\d+)x(\d+)_00001_", path.stem)
    assert path.parent == server.base / "output" / "marks"
    assert int(said[1]) - today.year in {0, 1}
    assert said[1] == said[2]
    assert int(said[3]) > 100 < int(said[4])


def test_marks_mean_the_same_in_a_linked_name(server):
    prompt = of_silence(["3", 0]) | {"3": text("linked %EmptyAudio.sample_rate% %date:MM%")}
    (path,) = server.outputs(server.run(prompt))
    assert re.fullmatch(r"linked 16000 \d\d_00001_\.flac", path.name)


def test_a_name_that_holds_the_moment_saves_again(server):
    assert "2" in executed(server, of_silence("same"))[1]
    assert executed(server, of_silence("same"))[1] == []
    first, second = (server.outputs(executed(server, of_silence(f"at %date:s%{tail}"))[0]) for tail in ("", "%second%"))
    assert first != second


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../out", "inside ComfyUI's output folder"),
        ("x" * 300, "243 at most"),
        ("two\nlines", "printable characters on one line"),
        ("%yeer%", "the placeholder %yeer%"),
    ],
)
def test_a_bad_name_is_refused_before_the_music_is_made(server, comfyui_module, name, said):
    """At once where it is written, and as the first thing that is looked at where it is linked."""
    prompt = graph("tiny", seed=4321)
    prompt["6"]["inputs"]["name"] = name
    with pytest.raises(comfyui_module.RefusedError, match=re.escape(said)):
        server.queue(prompt)
    prompt["6"]["inputs"]["name"] = ["7", 0]
    entry = server.run(prompt | {"7": text(name)})
    assert said in server.error(entry)
    assert not {"3", "4", "5"} & set(ran(entry))


def test_a_widget_that_there_is_not_is_told_before_the_music_is_made(server):
    prompt = graph("tiny", seed=4322)
    prompt["6"]["inputs"]["name"] = "%KSampler.seed%"
    entry = server.run(prompt)
    assert "expected a node of the graph: Art2MusLoadArtwork, " in server.error(entry)
    assert "5" not in ran(entry)


QUALITIES = [
    ("FLAC", "24 bit", "flac", "s32"),
    ("FLAC", "16 bit", "flac", "s16"),
    ("WAV", "standard", "pcm_s16le", "s16"),
    ("WAV", "24 bit", "pcm_s24le", "s32"),
    ("MP3", "V0", "mp3float", "fltp"),
    ("MP3", "320k", "mp3float", "fltp"),
    ("Opus", "64k", "opus", "fltp"),
]


@pytest.mark.parametrize(("kind", "quality", "codec", "layout"), QUALITIES)
def test_every_quality_plays(server, kind, quality, codec, layout):
    (path,) = server.outputs(server.run(of_silence("quality", format=kind, quality=quality)))
    with av.open(str(path)) as file:
        context = file.streams.audio[0].codec_context
        assert (context.name, context.format.name) == (codec, layout)
    rate, samples, _ = heard(path)
    assert len(samples) >= 0.19 * rate
    assert read_tags(path)["title"] == path.stem.rstrip("_")


def test_a_quality_of_another_format_is_refused(server, comfyui_module):
    with pytest.raises(
        comfyui_module.RefusedError, match="FLAC of the quality '320k'; expected one of standard, 16 bit"
    ):
        server.queue(of_silence(quality="320k"))


def test_a_saver_without_cover_or_quality_is_as_it_was(server):
    """As workflows of version 0.1 queue it."""
    (path,) = server.outputs(server.run(of_silence()))
    assert path.suffix == ".flac"
