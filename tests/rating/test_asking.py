"""What a language model is asked, and that nothing is asked twice."""

from __future__ import annotations

import base64
import io
import json
import wave

import numpy as np
from PIL import Image

from art2mus_core.audio.reading import read_audio
from art2mus_core.endpoints.client import Usage
from art2mus_core.images.reading import read_artwork
from art2mus_core.rating.cache import AnswerCache
from art2mus_core.rating.evidence import artwork_evidence, music_evidence
from art2mus_core.rating.rubric import FORMAT, RUBRIC, Answer

from .conftest import IDS, KEY, SYSTEMS
from .endpoint import parts


def test_each_piece_is_rated_with_its_artwork(run, server):
    ratings = run()
    assert len(ratings.rated) == len(server.asked) == 6
    assert {each.feeling for each in ratings.rated} == {4}
    assert ratings.usage == Usage(6, 6 * 700, 6 * 30)
    assert ratings.failed == ()
    assert ratings.stopped == ""


def test_a_request_holds_the_rubric_the_picture_and_the_sound(run, server, folder):
    run()
    pictures, sounds = set(), set()
    for path, headers, body in server.asked:
        assert path == "/v1/chat/completions"
        assert headers["authorization"] == f"Bearer {KEY}"
        assert (body["model"], body["temperature"], body["seed"]) == ("m", 0, 0)
        assert body["messages"][0] == {"role": "system", "content": RUBRIC}
        assert body["response_format"] == FORMAT
        picture, music = parts(body)
        with Image.open(io.BytesIO(picture)) as image:
            assert (image.format, image.getexif()) == ("JPEG", {})
            pictures.add(image.size)
        with wave.open(io.BytesIO(base64.b64decode(music["input_audio"]["data"]))) as sound:
            assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
            assert sound.getnframes() == 24_000
            sounds.add(sound.readframes(24_000))
    assert pictures == {(768, 34), (30, 40)}
    assert len(sounds) == 6
    original = read_audio(folder / "plain" / "dawn.flac", 16_000).samples[0, 0].numpy()
    assert any(np.abs(np.frombuffer(each, "<i2") / 32767 - original).max() < 1e-4 for each in sounds)


def test_nobody_is_told_whose_piece_it_is(run, server, folder):
    run()
    run(described=True)
    said = json.dumps([[path, headers, body] for path, headers, body in server.asked])
    for name in (*IDS, *SYSTEMS, folder.name, str(folder.parent)):
        assert name not in said
        assert base64.b64encode(name.encode()).decode().rstrip("=")[:-1] not in said


def test_music_can_be_described_instead(run, server):
    run(described=True)
    words = [parts(body)[1] for _, _, body in server.asked]
    assert {part["type"] for part in words} == {"text"}
    assert len({part["text"] for part in words}) == 6
    assert all("lasts 1.5 seconds" in part["text"] and "LUFS" in part["text"] for part in words)


def test_what_was_answered_is_not_asked_again(run, server):
    first = run()
    again = run()
    assert len(server.asked) == 6
    assert again.rated == first.rated
    assert again.usage == Usage()
    run(described=True)
    assert len(server.asked) == 12


def test_an_answer_belongs_to_a_model_a_picture_and_a_sound(run, folder, tmp_path):
    run()
    cache = AnswerCache(folder / ".ratings", "m")
    seen, heard = (
        artwork_evidence(read_artwork(folder / "artworks" / "dawn.jpg")),
        music_evidence(read_audio(folder / "plain" / "dawn.flac"), described=False),
    )
    other = music_evidence(read_audio(folder / "secret-system" / "noon.flac"), described=False)
    assert cache.find(seen, heard) == Answer(reason="Both are calm.", feeling=4)
    assert cache.find(artwork_evidence(read_artwork(folder / "artworks" / "dusk.jpg")), heard) is None
    assert cache.find(seen, other) is None
    assert cache.find(seen, music_evidence(read_audio(folder / "plain" / "dawn.flac"), described=True)) is None
    assert AnswerCache(folder / ".ratings", "another").find(seen, heard) is None


def test_a_damaged_answer_is_asked_for_again(run, server, folder):
    run()
    first, second, *_ = sorted((folder / ".ratings").iterdir())
    first.write_text("{")
    second.write_text('{"answer": {"reason": "so", "feeling": 9}}')
    assert len(run().rated) == 6
    assert len(server.asked) == 8
