"""A captioner behind a server on this machine."""

from __future__ import annotations

import base64
import io
import json
import wave

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.captioners.endpoint import PATIENCE, EndpointCaptioner
from art2mus_core.captioners.prompts import PROMPTS
from art2mus_core.endpoints.client import Endpoint
from art2mus_core.errors import DatasetError, EvaluationError, SettingError
from art2mus_core.images.reading import artwork_from_array
from art2mus_core.types import Waveform

from ..rating.endpoint import NOW, answering, completion

KEY = "sk-a-key-of-nobody-2203"
BROKEN = (500, NOW, {"error": {"message": f"broken, {KEY}"}})


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with answering() as running:
        running.usual = lambda body: completion(" A calm \n sea. ")
        yield running


@pytest.fixture
def captioner(server):
    return EndpointCaptioner(Endpoint(server.url, "m", retries=0, timeout=5.0))


@pytest.fixture
def picture():
    return artwork_from_array(np.random.default_rng(0).integers(256, size=(40, 900, 3), dtype=np.uint8), "secret-name")


def test_a_picture_is_shown_and_the_question_asked(captioner, server, picture):
    assert captioner.describe([picture, picture]) == ["A calm \n sea.", "A calm \n sea."]
    path, headers, body = server.asked[0]
    assert (path, len(server.asked)) == ("/v1/chat/completions", 2)
    assert headers["authorization"] == f"Bearer {KEY}"
    shown, asked = body["messages"][0]["content"]
    assert asked == {"type": "text", "text": PROMPTS["artworks"]}
    jpeg = base64.b64decode(shown["image_url"]["url"].removeprefix("data:image/jpeg;base64,"))
    with Image.open(io.BytesIO(jpeg)) as image:
        assert (image.size, image.getexif()) == ((768, 34), {})
    assert "secret-name" not in json.dumps(body)


def test_the_first_half_minute_of_a_sound_is_played(captioner, server):
    noise = torch.rand(1, 2, 31 * 8000) - 0.5
    captioner.describe([Waveform(noise, 8000)])
    played, asked = server.asked[0][2]["messages"][0]["content"]
    assert asked["text"] == PROMPTS["music"]
    with wave.open(io.BytesIO(base64.b64decode(played["input_audio"]["data"]))) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (1, 16_000, 30 * 16_000)


def test_one_failure_concerns_one_work_and_many_in_a_row_end_it(captioner, server, picture):
    server.replies = [BROKEN]
    with pytest.raises(DatasetError, match=r"no caption from 127\.0\.0\.1 .*\[key\]"):
        captioner.describe([picture])
    assert captioner.describe([picture])
    server.usual = lambda body: BROKEN
    for _ in range(PATIENCE - 1):
        with pytest.raises(DatasetError):
            captioner.describe([picture])
    with pytest.raises(EvaluationError, match=f"{PATIENCE} requests to .* in a row failed"):
        captioner.describe([picture])


@pytest.mark.parametrize(("status", "told"), [(401, "does not accept the key"), (404, "has no m")])
def test_who_refuses_everything_is_asked_once(status, told, captioner, server, picture):
    server.usual = lambda body: (status, {}, {"error": {"message": KEY}})
    with pytest.raises(EvaluationError, match=told) as refused:
        captioner.describe([picture, picture])
    assert len(server.asked) == 1
    assert KEY not in str(refused.value)


def test_without_a_key_nothing_is_sent_elsewhere(monkeypatch, picture):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingError, match="no key in the variable"):
        EndpointCaptioner(Endpoint("https://nowhere.invalid/v1", "m")).describe([picture])
