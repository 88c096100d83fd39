"""CLIP's text tower against transformers' own whole model, at a tiny size, from a folder as it is published."""

from __future__ import annotations

import json
import string

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel

from art2mus_core.encoders.clip import clip_space, load_clip
from art2mus_core.encoders.clip_text import check_clip_text, load_clip_text
from art2mus_core.encoders.files import load_image_encoder
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.interfaces import TextEncoder
from art2mus_core.types import Artwork

from .test_clip import CONTEXT, DIM, PREPROCESSOR, TEXT, VISION

LETTERS = [*string.ascii_lowercase, *(f"{letter}</w>" for letter in string.ascii_lowercase)]
BEGIN, END = 54, 55


def tokenizer() -> Tokenizer:
    """Letters, and one merge; the end has the largest number, as in CLIP."""
    vocabulary = {token: place for place, token in enumerate([*LETTERS, "th", "the</w>", "<|begin|>", "<|end|>"])}
    made = Tokenizer(models.BPE(vocabulary, [("t", "h"), ("th", "e</w>")], end_of_word_suffix="</w>"))
    made.normalizer, made.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    made.post_processor = processors.BertProcessing(("<|end|>", END), ("<|begin|>", BEGIN))
    return made


@pytest.fixture(scope="module")
def model() -> CLIPModel:
    torch.manual_seed(0)
    ends = {"bos_token_id": BEGIN, "eos_token_id": END, "pad_token_id": 0}
    model = CLIPModel(CLIPConfig(vision_config=VISION, text_config={**TEXT, **ends}, projection_dim=DIM))
    for weight in model.parameters():
        weight.data.add_(0.2 * torch.randn(weight.shape))
    return model.eval().requires_grad_(requires_grad=False)


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path)
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    return tmp_path


def change(folder, name, **values):
    stored = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**stored, **values}))


def expected(model, *words):
    """What the whole model makes of the letters of words, alone."""
    ids = [BEGIN, *(LETTERS.index(letter) for word in words for letter in [*word[:-1], f"{word[-1]}</w>"]), END]
    pooled = model.text_model(input_ids=torch.tensor([ids])).pooler_output
    return model.text_projection(pooled)


@pytest.mark.parametrize("end", [END, 2])
def test_texts_are_embedded_as_by_the_whole_model(folder, model, end):
    stored = json.loads((folder / "config.json").read_text())
    change(folder, "config.json", text_config={**stored["text_config"], "eos_token_id": end})
    check_clip_text(folder)
    raw, unit = (load_clip_text(folder, dtype=torch.float32, normalised=each) for each in (False, True))
    assert isinstance(raw, TextEncoder)
    found, wanted = raw.encode(["So calm", "sad", ""]), [["so", "calm"], ["sad"], []]
    assert (found.space, raw.longest) == (clip_space(folder), CONTEXT)
    wanted = torch.cat([expected(model, *words) for words in wanted])
    torch.testing.assert_close(found.values, wanted, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(wanted.norm(dim=-1), torch.ones(3), atol=0.1)
    torch.testing.assert_close(unit.encode(["so calm", "sad", ""]).values, F.normalize(wanted, dim=-1))


def test_a_long_text_is_cut_after_the_last_word_that_fits(folder, model):
    encoder = load_clip_text(folder, dtype=torch.float32, normalised=False)
    texts = ["so calm blue", "abcdefghijkl mn", "so calm a blue", "so calm " * 5000]
    assert encoder.known(texts) == [12, 16, 13, 30002]
    whole = [["so", "calm"], ["abcdefg"], ["so", "calm", "a"], ["so", "calm"]]
    found = encoder.encode(texts).values
    for row, words in zip(found, whole, strict=True):
        if words == ["abcdefg"]:  # a single word is cut within
            ids = torch.tensor([[BEGIN, *range(7), END]])
            wanted = model.text_projection(model.text_model(input_ids=ids).pooler_output)
        else:
            wanted = expected(model, *words)
        torch.testing.assert_close(row, wanted[0], rtol=1e-5, atol=1e-5)


def test_pictures_too_can_keep_their_length(folder, model):
    picture = [Artwork(torch.randint(256, (3, 15, 17), dtype=torch.uint8))]
    raw = load_image_encoder(folder, dtype=torch.float32, normalised=False).encode(picture).values
    unit = load_clip(folder, dtype=torch.float32).encode(picture).values
    torch.testing.assert_close(F.normalize(raw, dim=-1), unit)
    assert abs(raw.norm().item() - 1) > 0.1


def test_an_encoder_of_unit_norm_gives_nothing_else(checkpoint):
    with pytest.raises(CheckpointError, match="all have unit norm"):
        load_image_encoder(checkpoint, dtype=torch.float32, normalised=False)


def test_no_texts_are_refused(folder):
    with pytest.raises(SettingError, match="no texts"):
        load_clip_text(folder, dtype=torch.float32).encode([])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"vocab_size": 40}, "token_embedding"),
        ({"eos_token_id": 50}, r"56 tokens and encodes an empty text as \[54, 55\]"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(folder, config, words):
    stored = json.loads((folder / "config.json").read_text())
    change(folder, "config.json", text_config={**stored["text_config"], **config})
    with pytest.raises(CheckpointError, match=words):
        check_clip_text(folder)


def test_a_tokenizer_that_is_missing_or_damaged_is_named(folder):
    path = folder / "tokenizer.json"
    path.write_text(path.read_text()[:99])
    with pytest.raises(CheckpointError, match=r"tokenizer\.json cannot be used"):
        load_clip_text(folder, dtype=torch.float32)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing"):
        load_clip_text(folder, dtype=torch.float32)
