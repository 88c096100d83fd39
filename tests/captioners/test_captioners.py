"""Small captioners say what transformers says, and what is none is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.captioners.files import CAPTIONERS, kinds_of, open_captioner
from art2mus_core.captioners.prompts import PROMPTS
from art2mus_core.errors import CheckpointError
from art2mus_core.images.reading import artwork_from_array, picture_of
from art2mus_core.interfaces import Captioner
from art2mus_core.types import Artwork, Waveform

from ..captioning import (
    RATE,
    write_blip,
    write_encoder_decoder,
    write_git,
    write_llava,
    write_qwen2_audio,
    write_whisper,
)

WRITERS = {
    "blip": write_blip,
    "git": write_git,
    "vision-encoder-decoder": write_encoder_decoder,
    "llava": write_llava,
    "whisper": write_whisper,
    "qwen2_audio": write_qwen2_audio,
}
HEARING = ("whisper", "qwen2_audio")


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a captioner by its type. Not to be written to."""
    written = dict[str, Path]()

    def folder(name: str) -> Path:
        if name not in written:
            written[name] = WRITERS[name](tmp_path_factory.mktemp(name))
        return written[name]

    return folder


@pytest.fixture(scope="module")
def pictures() -> list[Artwork]:
    random = np.random.default_rng(0)
    return [artwork_from_array(random.integers(0, 256, (20, 30, 3), np.uint8)) for _ in range(3)]


@pytest.fixture(scope="module")
def sounds() -> list[Waveform]:
    """Of two channels, another rate and different lengths."""
    random = np.random.default_rng(1)
    return [
        Waveform(torch.from_numpy(random.uniform(-0.4, 0.4, (1, 2, count))).float(), 8000)
        for count in (6000, 7001, 1601)
    ]


@pytest.mark.parametrize("name", WRITERS)
def test_every_work_gets_words_of_its_own(name, captioner, pictures, sounds):
    kind, works = ("music", sounds) if name in HEARING else ("artworks", pictures)
    opened = open_captioner(captioner(name), kind)
    assert isinstance(opened, Captioner)
    said = opened.describe(works)
    assert all(text and text == text.strip() for text in said)
    assert len(set(said)) > 1
    if name != "git":  # with several beams, transformers 4.50 ends its captions depending on their neighbours
        assert [opened.describe([work])[0] for work in works] == said
    assert kinds_of(captioner(name)) == [kind]


@pytest.mark.parametrize("name", ["git", "vision-encoder-decoder"])
def test_a_picture_is_described_as_transformers_does_it(name, captioner, pictures):
    from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

    folder = captioner(name)
    network = AutoModelForImageTextToText.from_pretrained(folder).eval()
    prepare, tokenizer = AutoImageProcessor.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    pixels = prepare([picture_of(each) for each in pictures], return_tensors="pt")["pixel_values"]
    tokens = network.generate(pixel_values=pixels, max_new_tokens=40, num_beams=3)
    expected = [text.strip() for text in tokenizer.batch_decode(tokens, skip_special_tokens=True)]
    assert open_captioner(folder, "artworks").describe(pictures) == expected


def test_a_model_that_is_asked_hears_the_sound_and_the_question(captioner, sounds, monkeypatch):
    from art2mus_core.captioners.chat import ChatCaptioner

    opened = open_captioner(captioner("qwen2_audio"), "music")
    assert isinstance(opened, ChatCaptioner)
    assert opened.question == PROMPTS["music"]
    seen = []
    generate = opened.network.generate
    monkeypatch.setattr(opened.network, "generate", lambda **given: seen.append(given) or generate(**given))
    opened.describe(sounds[:1])
    (given,) = seen
    asked = opened.processor.tokenizer.decode(given["input_ids"][0])
    assert "Describe this music in one" in asked
    samples = int(given["feature_attention_mask"].sum()) * 160
    assert samples == pytest.approx(6000 * RATE / 8000, abs=160)
    assert not given["do_sample"]


def test_weights_in_a_pickle_are_read_and_nothing_else_is(captioner, pictures, tmp_path):
    from safetensors.torch import load_file

    folder = Path(shutil.copytree(captioner("git"), tmp_path / "git"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    said = open_captioner(folder, "artworks").describe(pictures)
    assert said == open_captioner(captioner("git"), "artworks").describe(pictures)
    torch.save({"weight": Path("x")}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="more than weights"):
        open_captioner(folder, "artworks")


@pytest.mark.parametrize(("name", "kind"), [("whisper", "artworks"), ("git", "music"), ("llava", "music")])
def test_a_captioner_of_other_works_is_refused(name, kind, captioner):
    with pytest.raises(
        CheckpointError, match=rf"no captioner of {kind} .*{name}.*a model of type {next(iter(CAPTIONERS[kind]))}"
    ):
        open_captioner(captioner(name), kind)


def test_code_in_a_folder_is_not_run(captioner, tmp_path):
    import json

    folder = Path(shutil.copytree(captioner("llava"), tmp_path / "own"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModelForImageTextToText": "own.Own"}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Own: ...\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match="another model, 'own'"):
        open_captioner(folder, "artworks")
    assert not (tmp_path / "ran").exists()
