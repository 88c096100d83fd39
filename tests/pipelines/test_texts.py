"""Text beside pictures. What is expected is written out from the published recipe, in plain torch, without our code."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.conditioning.constants import Constants, conditions, load_constants
from art2mus_core.conditioning.language import fingerprint, is_word_embedding, roll_out
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.networks.gpt2 import GPT2
from art2mus_core.pipelines.prompts import PromptText
from art2mus_core.pipelines.texts import NEGATIVE, SUPPORTS, encode_text, export_text
from art2mus_core.types import Embedding, PromptTokens

from ..text_encoders import text_features

WIDTH, TEXT_WIDTH, SPEAKS = 10, 9, 8


@pytest.fixture
def folder(talking_like: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(talking_like, tmp_path / "own"))


@pytest.fixture(scope="module")
def exported(talking_like: Path, tmp_path_factory) -> Path:
    folder = Path(shutil.copytree(talking_like, tmp_path_factory.mktemp("exported") / "audioldm2"))
    export_text(folder)
    return folder


@pytest.fixture(scope="module")
def language_model(talking_like: Path) -> nn.Module:
    return load_component(talking_like, "language_model", GPT2, unused=is_word_embedding)


@pytest.fixture(params=[1, 4])
def pictures(request) -> SimpleNamespace:
    """Three embeddings as wide as T5, and their tokens through a projection of 2024, of one token or four."""
    torch.manual_seed(2)
    embedding = F.normalize(torch.randn(3, TEXT_WIDTH), dim=-1)
    first, second = nn.Linear(TEXT_WIDTH, 13), nn.Linear(13, request.param * WIDTH)
    with torch.no_grad():
        tokens = second(torch.tanh(first(embedding))).reshape(3, request.param, WIDTH)
    return SimpleNamespace(
        tokens=tokens,
        prompt=PromptTokens(tokens, torch.ones(tokens.shape[:2], dtype=torch.bool)),
        embedding=Embedding(embedding, "imagebind"),
    )


class Recipe:
    """Art2Mus (2024), one artwork at a time."""

    def __init__(self, published: SimpleNamespace) -> None:
        self.__dict__.update(vars(published))

    def clap(self, text: str) -> torch.Tensor:
        return text_features(self, text, padding="max_length", max_length=23, truncation=True)[:, None]

    def t5(self, text: str, length: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        padding = {"padding": True} if length is None else {"padding": "max_length", "max_length": length}
        batch = self.tokenizer_2([text], truncation=True, return_tensors="pt", **padding)
        return self.text_encoder_2(**batch)[0], batch["attention_mask"]

    def framed(self, text: str, states: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        model, one = self.projection_model, torch.ones(1, 1, dtype=torch.long)
        marks = (model.sos_embed, model.eos_embed, model.sos_embed_1, model.eos_embed_1)
        sos, eos, sos_1, eos_1 = (mark[None, None] for mark in marks)
        clap, t5 = model.projection(self.clap(text)), model.projection_1(states)
        return torch.cat([sos, clap, eos, sos_1, t5, eos_1], 1), torch.cat([one, one, one, one, mask, one], 1)

    def spoken(self, prompt: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        gpt2 = self.language_model.transformer
        for _ in range(SPEAKS):
            states = gpt2(inputs_embeds=prompt, attention_mask=mask, use_cache=False).last_hidden_state
            prompt = torch.cat([prompt, states[:, -1:]], 1)
            mask = torch.cat([mask, mask.new_ones(1, 1)], 1)
        return prompt[:, -SPEAKS:]

    def image_only(self, tokens: torch.Tensor, support: str, negative: str) -> tuple[tuple, tuple]:
        slot = self.t5(support)
        against = self.t5(negative, slot[0].shape[1])
        alone = self.spoken(tokens, torch.ones(1, tokens.shape[1], dtype=torch.long))
        nothing = self.spoken(*self.framed(negative, *self.t5(negative, 1)))
        return (alone, *slot), (nothing, *against)

    def image_and_text(self, tokens, embedding, text: str, negative: str) -> tuple[tuple, tuple]:
        states, mask = self.t5(text)
        prompt, counted = self.framed(text, states, mask)
        both = torch.cat([prompt, tokens], 1), torch.cat([counted, counted.new_ones(1, tokens.shape[1])], 1)
        slot = torch.cat([states, embedding[:, None]], 1), torch.cat([mask, mask.new_ones(1, 1)], 1)
        against = self.t5(negative, slot[0].shape[1])
        return (self.spoken(*both), *slot), (self.spoken(*self.framed(negative, *against)), *against)


def assert_told(condition, index: int, expected) -> None:
    language, text, mask = expected
    assert torch.allclose(condition.language[index], language[0], atol=1e-5)
    assert torch.allclose(condition.text[index], text[0], atol=1e-5)
    assert torch.equal(condition.text_mask[index], mask[0].bool())


@torch.no_grad()
@pytest.mark.parametrize("name", SUPPORTS)
def test_pictures_alone_are_told_as_in_2024(exported, talking, language_model, pictures, name):
    constants = load_constants(exported, name, language=SPEAKS, width=WIDTH)
    positive, negative = conditions(roll_out(language_model, pictures.prompt, SPEAKS), constants)
    for index in range(3):
        expected = Recipe(talking).image_only(pictures.tokens[index : index + 1], SUPPORTS[name], "Low quality.")
        assert_told(positive, index, expected[0])
        assert_told(negative, index, expected[1])
    assert (positive.language - negative.language).abs().max() > 0.1
    assert negative.text_mask[0].tolist() == [True] * 4 + [False] * (negative.text.shape[1] - 4)


@torch.no_grad()
@pytest.mark.parametrize(
    ("text", "negative"),
    [("Music", ""), ("Music", "Low quality."), ("Music representing the place and the emotion", "Low quality.")],
)
def test_pictures_and_text_are_told_as_in_2024(*, exported, talking, language_model, pictures, text, negative):
    constants = load_constants(exported, language=SPEAKS, width=WIDTH)
    said = encode_text(exported, PromptText(text, negative), constants, dim=TEXT_WIDTH)
    told = said.with_artworks(pictures.prompt, pictures.embedding)
    positive, against = told.conditions(language_model, SPEAKS)
    for index in range(3):
        one = slice(index, index + 1)
        recipe = Recipe(talking).image_and_text
        expected = recipe(pictures.tokens[one], pictures.embedding.values[one], text, negative)
        assert_told(positive, index, expected[0])
        assert_told(against, index, expected[1])
    assert (positive.language - against.language).abs().max() > 0.1


@torch.no_grad()
def test_another_negative_prompt_can_be_read_at_once(exported, talking, language_model, pictures):
    constants = load_constants(exported, "period", language=SPEAKS, width=WIDTH)
    said = encode_text(exported, PromptText(negative="Music of this place"), constants, dim=None)
    told = said.with_artworks(pictures.prompt, pictures.embedding)
    positive, against = told.conditions(language_model, SPEAKS)
    for index in range(3):
        one = pictures.tokens[index : index + 1]
        expected = Recipe(talking).image_only(one, SUPPORTS["period"], "Music of this place")
        assert_told(positive, index, expected[0])
        assert_told(against, index, expected[1])


@torch.no_grad()
def test_without_a_negative_prompt_that_of_the_constants_is_read(folder):
    export_text(folder, negative="")
    constants = load_constants(folder, language=SPEAKS, width=WIDTH)
    read = [
        encode_text(folder, PromptText("Music", negative), constants, dim=TEXT_WIDTH)
        for negative in (None, "", NEGATIVE)
    ]
    assert torch.equal(read[0].negative.text, read[1].negative.text)
    assert not torch.equal(read[0].negative.text, read[2].negative.text)


def test_the_export_says_what_it_is_of(exported, talking_like):
    paths = sorted((exported / "constants").iterdir())
    assert [path.name for path in paths] == ["emotion.safetensors", "model.safetensors", "period.safetensors"]
    for name, support in SUPPORTS.items():
        constants = load_constants(exported, name, language=SPEAKS, width=WIDTH)
        assert (constants.support, constants.negative) == (support, "Low quality.")
        assert constants.language_model == fingerprint(talking_like)
    assert not (talking_like / "constants").exists()


def test_published_sizes_stay_small(tmp_path):
    """At 8 x 768 and T5's 1024; the longest support prompt has 13 tokens of FLAN-T5 at most: a word or bracket each, one
    of them in two, and the end."""
    from art2mus_core.conditioning.constants import save_constants

    states, mask = torch.randn(1, 14, 1024), torch.ones(1, 14, dtype=torch.bool)
    constants = Constants(torch.randn(1, 8, 768), states, mask, states, mask, "support", NEGATIVE, "0" * 12)
    assert sum(save_constants(tmp_path, constants, name).stat().st_size for name in SUPPORTS) < 0.5e6


def test_too_little_memory_for_t5_is_told_before_anything_is_opened(folder, exported, monkeypatch):
    constants = load_constants(exported, language=SPEAKS, width=WIDTH)
    monkeypatch.setattr("art2mus_core.checkpoints.memory.available", lambda: 1)
    with pytest.raises(SettingError, match=r"text_encoder_2 takes .* GB of memory"):
        export_text(folder, on_step=pytest.fail)
    with pytest.raises(SettingError, match="text_encoder_2 takes"):
        encode_text(exported, PromptText("Music"), constants, dim=TEXT_WIDTH, on_step=pytest.fail)


def test_encoders_come_and_go_one_by_one(folder):
    told, open_now = [], []

    @contextmanager
    def resident(network):
        assert not open_now
        open_now.append(network)
        yield
        open_now.remove(network)

    export_text(folder, resident=resident, on_step=lambda step: told.append(step.stage))
    names = ["text_encoder_2", "text_encoder", "projection_model", "language_model"]
    assert told == [stage for name in names for stage in (f"open {name}", name)]


def test_an_own_support_prompt_is_one_file_more(exported, tmp_path):
    folder = Path(shutil.copytree(exported, tmp_path / "more"))
    before = (folder / "constants" / "model.safetensors").read_bytes()
    [path] = export_text(folder, supports={"dance": "Music of the period"}, negative="")
    assert path == folder / "constants" / "dance.safetensors"
    assert (folder / "constants" / "model.safetensors").read_bytes() == before
    assert load_constants(folder, "dance", language=SPEAKS, width=WIDTH).text.shape == (1, 5, TEXT_WIDTH)


def test_half_precision_is_near(folder):
    export_text(folder)
    exact = load_constants(folder, language=SPEAKS, width=WIDTH)
    export_text(folder, dtype=torch.bfloat16)
    near = load_constants(folder, language=SPEAKS, width=WIDTH)
    assert near.text.dtype == torch.float32
    assert 0 < (near.text - exact.text).norm() / exact.text.norm() < 0.05


def test_a_text_beside_a_narrow_embedding_is_refused_before_anything_is_opened(exported, pictures):
    constants = load_constants(exported, language=SPEAKS, width=WIDTH)
    with pytest.raises(SettingError, match=r"7 values; expected one of 9"):
        encode_text(exported, PromptText("Music"), constants, dim=7, on_step=pytest.fail)
    said = encode_text(exported, PromptText("Music"), constants, dim=None)
    with pytest.raises(SettingError, match=r"7 values; expected one of 9"):
        said.with_artworks(pictures.prompt, Embedding(torch.randn(3, 7), "clip"))
    encode_text(exported, PromptText(negative=""), constants, dim=7)


def test_a_checkpoint_without_text_encoders_reads_no_words(pocket_like):
    with pytest.raises(CheckpointError, match=r"no text_encoder.*needs no text"):
        encode_text(pocket_like, PromptText("Music"), Constants(torch.zeros(1, 8, 10)), dim=7)
    with pytest.raises(CheckpointError, match="no text_encoder"):
        export_text(pocket_like)


def test_words_without_a_support_prompt_to_keep_are_refused(talking_like):
    with pytest.raises(SettingError, match="support prompt"):
        encode_text(talking_like, PromptText(negative=""), Constants(torch.zeros(1, 8, 10)), dim=9)


@torch.no_grad()
@pytest.mark.parametrize(
    "words", [None, PromptText("Music", "Low"), PromptText("Music"), PromptText(negative="Music")], ids=str
)
def test_the_pipeline_tells_the_denoiser_what_the_recipe_says(exported, talking, tmp_path, words):
    """From the artwork on: encoder, projection of four tokens, words and both sides of guidance, none exchanged."""
    from art2mus_core.aligners.files import save_aligner
    from art2mus_core.aligners.projection import ProjectionAligner
    from art2mus_core.pipelines import load

    torch.manual_seed(4)
    aligner = ProjectionAligner(dim=TEXT_WIDTH, hidden=13, tokens=4, width=WIDTH, space="tiny")
    save_aligner(tmp_path / "a.safetensors", aligner, licence="CC0-1.0", run="none", half=False)
    pipeline = load(str(exported), aligner=str(tmp_path / "a.safetensors"))
    seen = Embedding(F.normalize(torch.randn(2, TEXT_WIDTH), dim=-1), "tiny")
    positive, against = pipeline.condition(seen, pipeline.encode_text(words) if words else None)
    recipe, tokens = Recipe(talking), aligner.align(seen).values
    words = words or PromptText()
    negative = "Low quality." if words.negative is None else words.negative
    for index in range(2):
        one = slice(index, index + 1)
        if words.text:
            expected = recipe.image_and_text(tokens[one], seen.values[one], words.text, negative)
        else:
            expected = recipe.image_only(tokens[one], SUPPORTS["model"], negative)
        assert_told(positive, index, expected[0])
        assert_told(against, index, expected[1])


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: shutil.rmtree(folder / "tokenizer"), "no tokenizer;"),
        (lambda folder: shutil.rmtree(folder / "text_encoder_2"), "no text_encoder_2"),
        (lambda folder: shutil.rmtree(folder / "projection_model"), "no projection_model"),
        (lambda folder: (folder / "language_model" / "model.safetensors").unlink(), "language_model"),
    ],
)
def test_what_fails_leaves_no_file(folder, damage, told):
    damage(folder)
    with pytest.raises(CheckpointError, match=told):
        export_text(folder)
    assert not (folder / "constants").exists()


def test_a_name_is_checked_before_anything_is_opened(folder):
    with pytest.raises(SettingError, match="letters, digits"):
        export_text(folder, supports={"model": "Music", "../model": "Music"}, on_step=pytest.fail)
