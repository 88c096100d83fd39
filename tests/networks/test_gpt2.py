"""Our GPT-2 beside transformers', with the same weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import GPT2Config, GPT2Model

from art2mus_core.errors import CheckpointError
from art2mus_core.networks.gpt2 import GPT2

CONFIG = {"n_embd": 12, "n_head": 3, "n_layer": 2, "n_positions": 23}

MASKS = {
    "all": torch.ones(2, 5, dtype=torch.bool),
    "padded behind": torch.tensor([[True, True, True, False, False], [True, True, True, True, True]]),
    "padded before": torch.tensor([[False, False, True, True, True], [True, True, True, True, True]]),
    "holes": torch.tensor([[True, False, True, False, True], [True, True, False, True, True]]),
    "one token": torch.ones(3, 1, dtype=torch.bool),
}


@pytest.fixture(scope="module", params=[{}, {"n_inner": 17, "layer_norm_epsilon": 1e-3}], ids=["usual", "unusual"])
def pair(request):
    torch.manual_seed(0)
    config = {**CONFIG, **request.param}
    theirs = GPT2Model(GPT2Config(**config, vocab_size=1, bos_token_id=None, eos_token_id=None)).eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.3)
    ours = GPT2(config).eval()
    ours.load_state_dict({key: value for key, value in theirs.state_dict().items() if key != "wte.weight"}, strict=True)
    return ours, theirs


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
@torch.no_grad()
def test_states_are_those_of_transformers_where_a_token_counts(pair, mask):
    ours, theirs = pair
    inputs = torch.randn(*mask.shape, 12)
    found, _ = ours(inputs, mask)
    expected = theirs(inputs_embeds=inputs, attention_mask=mask.long()).last_hidden_state
    assert found.isfinite().all()
    assert (found - expected)[mask].abs().max() < 1e-5
    assert expected.std() > 0.1


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS.keys())
@torch.no_grad()
def test_the_cache_changes_nothing(pair, mask):
    ours, _ = pair
    inputs, cut = torch.randn(len(mask), 9, 12), mask.shape[1]
    whole = torch.cat([mask, torch.ones(len(mask), 9 - cut, dtype=torch.bool)], dim=1)
    expected, _ = ours(inputs, whole)
    first, cache = ours(inputs[:, :cut], mask)
    second, cache = ours(inputs[:, cut:8], whole[:, :8], cache) if cut < 8 else (first[:, :0], cache)
    third, cache = ours(inputs[:, 8:], whole, cache)
    found = torch.cat([first, second, third], dim=1)
    assert torch.allclose(found[whole], expected[whole], atol=1e-5)
    assert cache[1][0].shape == (len(mask), 3, 9, 4)


def test_gradients_are_those_of_transformers(pair):
    ours, theirs = pair
    inputs, mask = torch.randn(2, 5, 12), MASKS["padded behind"]
    ours(inputs, mask)[0][mask].square().sum().backward()
    theirs(inputs_embeds=inputs, attention_mask=mask.long()).last_hidden_state[mask].square().sum().backward()
    expected = dict(theirs.named_parameters())
    for name, weight in ours.named_parameters():
        wanted = expected[name].grad
        assert (weight.grad - wanted).abs().max() <= 1e-4 * wanted.abs().max() + 1e-6, name


def test_it_begins_as_transformers_begins():
    torch.manual_seed(0)
    config = {**CONFIG, "n_embd": 60, "n_layer": 3}
    ours, theirs = GPT2(config), GPT2Model(GPT2Config(**config, vocab_size=1, bos_token_id=None, eos_token_id=None))
    expected = dict(theirs.named_parameters())
    for name, weight in ours.named_parameters():
        assert weight.mean().item() == pytest.approx(expected[name].mean().item(), abs=0.003), name
        if weight.numel() > 1:
            assert weight.std().item() == pytest.approx(expected[name].std().item(), rel=0.15, abs=1e-7), name


def test_dropout_works_in_training_alone():
    torch.manual_seed(0)
    model, inputs = GPT2({**CONFIG, "resid_pdrop": 0.5}), torch.randn(2, 5, 12)
    first, second = (model.train()(inputs, MASKS["all"])[0] for _ in range(2))
    assert not torch.equal(first, second)
    first, second = (model.eval()(inputs, MASKS["all"])[0] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    "wrong",
    [
        {"activation_function": "relu"},
        {"scale_attn_by_inverse_layer_idx": True},
        {"n_layer": 10**7},
        {"n_head": True},
        {"layer_norm_epsilon": None},
        {"resid_pdrop": float("nan")},
    ],
)
def test_an_option_that_is_not_there_is_refused_by_name(wrong):
    with pytest.raises(CheckpointError, match=next(iter(wrong))):
        GPT2({**CONFIG, **wrong})
