from __future__ import annotations

import pytest
import torch
from diffusers.pipelines.audioldm2.pipeline_audioldm2 import AudioLDM2Pipeline

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.conditioning.language import is_word_embedding
from art2mus_core.conditioning.prompts import TextPrompt, join, text_prompt, with_embedding
from art2mus_core.encoders.text import load_clap_text, load_t5
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.networks.gpt2 import GPT2
from art2mus_core.networks.projection import ProjectionModel
from art2mus_core.types import PromptTokens

TEXTS = ["Music that evokes the emotion of this place", "Low quality."]
NEGATIVES = ["Low quality.", ""]


@pytest.fixture(scope="module")
def projection(talking_like):
    return load_component(talking_like, "projection_model", ProjectionModel)


@pytest.fixture(scope="module")
def told(talking_like, projection):
    """What is told of texts, by our parts."""
    clap, t5 = (load(talking_like, dtype=torch.float32) for load in (load_clap_text, load_t5))
    language_model = load_component(talking_like, "language_model", GPT2, unused=is_word_embedding)

    def tell(texts, length=None):
        states, mask = t5.read(texts, length)
        prompt = text_prompt(projection, clap.embed(texts), states, mask)
        return TextPrompt(prompt, states, mask).condition(language_model, 8)

    return tell


@torch.no_grad()
def test_texts_are_told_as_by_the_published_pipeline(talking, told):
    nothing = dict.fromkeys(("vae", "feature_extractor", "unet", "scheduler", "vocoder"))
    pipeline = AudioLDM2Pipeline(**vars(talking), **nothing)
    text, mask, language = pipeline.encode_prompt(
        TEXTS, "cpu", 1, do_classifier_free_guidance=True, negative_prompt=NEGATIVES, max_new_tokens=8
    )
    positive = told(TEXTS)
    negative = told(NEGATIVES, positive.text.shape[1])
    assert positive.text_mask.sum(1).tolist() == [9, 4]
    for index, side in enumerate((negative, positive)):  # theirs come with the negative first
        assert torch.allclose(side.text, text.chunk(2)[index], atol=1e-5)
        assert torch.equal(side.text_mask, mask.chunk(2)[index].bool())
        assert torch.allclose(side.language, language.chunk(2)[index], atol=1e-5)
    assert (positive.language - negative.language).abs().max() > 0.1


@torch.no_grad()
def test_a_text_is_framed_by_what_was_learnt(projection):
    clap, states = torch.randn(2, 11), torch.randn(2, 3, 9)
    prompt = text_prompt(projection, clap, states, torch.tensor([[True, True, False], [True, True, True]]))
    assert prompt.values.shape == (2, 8, 10)
    assert prompt.mask.tolist() == [[True] * 6 + [False, True], [True] * 8]
    marks = (projection.sos_embed, projection.eos_embed, projection.sos_embed_1, projection.eos_embed_1)
    for place, mark in zip((0, 2, 3, 7), marks, strict=True):
        assert torch.equal(prompt.values[:, place], mark.expand(2, -1))
    assert torch.allclose(prompt.values[:, 1], projection.projection(clap), atol=1e-6)
    assert torch.allclose(prompt.values[:, 4:7], projection.projection_1(states), atol=1e-6)


def test_image_tokens_follow_the_text():
    text = PromptTokens(torch.randn(1, 5, 10), torch.tensor([[True, True, True, False, True]]))
    image = PromptTokens(torch.randn(3, 4, 10, dtype=torch.float64), torch.ones(3, 4, dtype=torch.bool))
    joined = join(text, image)
    assert joined.values.dtype == torch.float32
    for index in range(3):
        assert torch.equal(joined.values[index, :5], text.values[0])
        assert torch.equal(joined.values[index, 5:], image.values[index].float())
        assert joined.mask[index].tolist() == [True, True, True, False, True] + [True] * 4


def test_the_image_embedding_is_one_more_state():
    states, mask = torch.randn(1, 5, 9), torch.tensor([[True, True, True, True, False]])
    embedding = torch.randn(3, 9)
    longer, counted = with_embedding(states, mask, embedding)
    for index in range(3):
        assert torch.equal(longer[index, :5], states[0])
        assert torch.equal(longer[index, 5], embedding[index])
        assert counted[index].tolist() == [True, True, True, True, False, True]


def test_an_embedding_of_another_width_is_refused():
    with pytest.raises(SettingError, match=r"7 values; expected one of 9.*leave the text out"):
        with_embedding(torch.randn(1, 5, 9), torch.ones(1, 5, dtype=torch.bool), torch.randn(3, 7))


def test_another_projection_is_refused(pocket_like, talking_like, tmp_path):
    folder = tmp_path / "projection_model"
    folder.mkdir()
    content = (talking_like / "projection_model" / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(content.replace('"text_encoder_dim": 11', '"text_encoder_dim": 13'), "utf-8")
    weights = "diffusion_pytorch_model.safetensors"
    (folder / weights).write_bytes((talking_like / "projection_model" / weights).read_bytes())
    with pytest.raises(CheckpointError, match=r"projection.weight of \[10, 11\] for \[10, 13\]"):
        load_component(tmp_path, "projection_model", ProjectionModel)
