from __future__ import annotations

import hashlib
from types import SimpleNamespace

import pytest
import torch
from diffusers.pipelines.audioldm2.pipeline_audioldm2 import AudioLDM2Pipeline
from transformers import GPT2Config, GPT2LMHeadModel

from art2mus_core.checkpoints.folder import save_component, save_tensors, weights_file
from art2mus_core.conditioning.language import (
    check_language_model,
    fingerprint,
    is_word_embedding,
    load_language_model,
    roll_out,
)
from art2mus_core.errors import CheckpointError
from art2mus_core.networks.gpt2 import GPT2
from art2mus_core.types import PromptTokens

CONFIG = {"n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 23, "bos_token_id": 0, "eos_token_id": 0}


@pytest.fixture
def whole():
    """GPT-2 as the published pipeline needs it: with words and a head."""
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(**CONFIG, vocab_size=5)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture
def language_model(whole):
    state = {key: value for key, value in whole.transformer.state_dict().items() if not is_word_embedding(key)}
    model = GPT2(CONFIG).eval()
    model.load_state_dict(state, strict=True)
    return model


def prompt(mask):
    torch.manual_seed(1)
    return PromptTokens(torch.randn(*mask.shape, CONFIG["n_embd"]), mask)


MASKS = {
    "all": torch.ones(2, 5, dtype=torch.bool),
    "padded": torch.tensor([[True, True, True, False, False], [True, True, True, True, True]]),
    "one token": torch.ones(3, 1, dtype=torch.bool),
}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_the_language_is_that_of_the_published_pipeline(whole, language_model, mask):
    tokens = prompt(mask)
    pipeline = SimpleNamespace(language_model=whole, device=torch.device("cpu"))
    with torch.no_grad():
        expected = AudioLDM2Pipeline.generate_language_model(
            pipeline, tokens.values, max_new_tokens=8, attention_mask=mask.long(), use_cache=True
        )
        spoken = roll_out(language_model, tokens, 8).values
    assert spoken.shape == (len(mask), 8, 12)
    assert (spoken - expected).abs().max() < 1e-5
    assert expected.std() > 0.1


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
def test_the_cache_changes_nothing(language_model, mask):
    tokens = prompt(mask)
    heard, counted = tokens.values, mask
    with torch.no_grad():
        for _ in range(6):
            states, _ = language_model(heard, counted)
            heard = torch.cat([heard, states[:, -1:]], dim=1)
            counted = torch.cat([counted, counted.new_ones(len(counted), 1)], dim=1)
        spoken = roll_out(language_model, tokens, 6).values
    assert torch.allclose(spoken, heard[:, -6:], atol=1e-5)


def test_masked_tokens_before_the_last_are_not_heard(language_model):
    mask = torch.tensor([[True, False, True, False, True]])
    tokens = prompt(mask)
    shout = 9 * torch.randn_like(tokens.values)
    disturbed = PromptTokens(tokens.values + shout * (~mask)[..., None], mask)
    shouted = PromptTokens(tokens.values + shout * mask[..., None], mask)
    with torch.no_grad():
        spoken = roll_out(language_model, tokens, 4).values
        assert torch.allclose(spoken, roll_out(language_model, disturbed, 4).values, atol=1e-5)
        assert not torch.allclose(spoken, roll_out(language_model, shouted, 4).values, atol=1e-1)


def test_gradients_reach_the_prompt_from_the_last_state(language_model):
    tokens = prompt(MASKS["all"])
    tokens.values.requires_grad_()
    roll_out(language_model, tokens, 8).values[:, -1].square().sum().backward()
    assert (tokens.values.grad.abs().sum(-1) > 0).all()


def test_words_are_left_out():
    model = GPT2({**CONFIG, "vocab_size": 50257, "bos_token_id": 50256})
    assert not any(is_word_embedding(key) for key in model.state_dict())
    assert is_word_embedding("wte.weight")
    assert is_word_embedding("h.3.attn.bias")
    assert not is_word_embedding("h.3.attn.c_attn.bias")


def test_a_fingerprint_tells_models_apart_and_not_their_precision(tmp_path, language_model):
    for name, half in (("whole", False), ("half", True)):
        save_component(tmp_path / name, "language_model", language_model, CONFIG, half=half)
    other = GPT2(CONFIG)
    other.load_state_dict(language_model.state_dict())
    other.ln_f.bias.data[7] += 0.01
    save_component(tmp_path / "other", "language_model", other, CONFIG, half=False)
    norm = language_model.ln_f
    stored = b"".join(part.detach().numpy().astype("<f2").tobytes() for part in (norm.weight, norm.bias))
    assert fingerprint(tmp_path / "whole") == fingerprint(tmp_path / "half") == hashlib.sha256(stored).hexdigest()[:12]
    assert fingerprint(tmp_path / "other") != fingerprint(tmp_path / "whole")


def test_a_model_with_a_head_is_opened_by_its_body(tmp_path, whole, language_model):
    """As diffusers saves it; GPT2LMHeadModel's words are left where they are."""
    whole.save_pretrained(tmp_path / "language_model")
    check_language_model(tmp_path)
    loaded = load_language_model(tmp_path)
    for key, weight in language_model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], weight)
    save_component(tmp_path / "bare", "language_model", language_model, CONFIG, half=False)
    assert fingerprint(tmp_path) == fingerprint(tmp_path / "bare")


def test_no_fingerprint_without_the_last_norm(tmp_path, language_model):
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        fingerprint(tmp_path)
    path = weights_file(tmp_path, "language_model")
    state = language_model.state_dict()
    save_tensors(path, {key: value for key, value in state.items() if key != "ln_f.bias"})
    with pytest.raises(CheckpointError, match=r"ln_f\.bias"):
        fingerprint(tmp_path)
    save_tensors(path, state)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match="damaged"):
        fingerprint(tmp_path)


def test_a_prompt_that_is_too_long_is_refused_in_words(language_model):
    with pytest.raises(CheckpointError, match=r"a prompt of 17 tokens and 8 of language for a GPT-2 of n_positions 23"):
        roll_out(language_model, prompt(torch.ones(1, 17, dtype=torch.bool)), 8)
    assert roll_out(language_model, prompt(torch.ones(1, 16, dtype=torch.bool)), 8).values.shape == (1, 8, 12)
