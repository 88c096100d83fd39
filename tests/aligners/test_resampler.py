"""The resampler against its equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from art2mus_core.aligners.resampler import ResamplerAligner
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.types import Embedding

SIZES = {"patch_dim": 9, "hidden": 6, "tokens": 4, "width": 5, "space": "tiny", "heads": 2, "depth": 3}


def build(**sizes):
    torch.manual_seed(0)
    return ResamplerAligner(**{**SIZES, **sizes})


def seen(batch=3, patches=11):
    torch.manual_seed(1)
    return Embedding(torch.randn(batch, 7), "tiny", torch.randn(batch, patches, 9))


def linear(x, state, name):
    return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", 0)


def normed(x, state, name):
    centred = x - x.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / spread * state[f"{name}.weight"] + state[f"{name}.bias"]


def after_layer(tokens, patches, state, name):
    """The tokens [n, 6] of one artwork after a layer, a query and a head at a time."""
    asking = normed(tokens, state, f"{name}.norm")
    asked = np.concatenate([normed(patches, state, f"{name}.norm_seen"), asking])
    queries, keys, values = (
        linear(x, state, f"{name}.{part}") for part, x in (("queries", asking), ("keys", asked), ("values", asked))
    )
    read = np.zeros_like(tokens)
    for row, query in enumerate(queries):
        for part in (slice(0, 3), slice(3, 6)):
            weights = np.exp(keys[:, part] @ query[part] / 3**0.5)
            read[row, part] = weights / weights.sum() @ values[:, part]
    tokens = tokens + linear(read, state, f"{name}.out")
    wide = linear(normed(tokens, state, f"{name}.norm_wide"), state, f"{name}.wide")
    wide = wide * 0.5 * (1 + torch.erf(torch.from_numpy(wide) / 2**0.5).numpy())
    return tokens + linear(wide, state, f"{name}.narrow")


def test_tokens_are_those_of_the_equations():
    aligner, embedding = build(), seen()
    with torch.no_grad():
        for parameter in aligner.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
        tokens = aligner.align(embedding).values
    state = {key: value.double().numpy() for key, value in aligner.state_dict().items()}
    for row in range(3):
        patches = linear(normed(embedding.patches[row].double().numpy(), state, "norm"), state, "seen")
        expected = np.concatenate([state["queries"][head] for head in range(2)], axis=1)
        for layer in range(3):
            expected = after_layer(expected, patches, state, f"layers.{layer}")
        expected = linear(normed(expected, state, "last"), state, "prompt")
        assert np.abs(tokens[row].numpy() - expected).max() < 1e-5


def test_its_sizes_follow_from_its_state():
    aligner = build()
    again = ResamplerAligner.for_state(aligner.state_dict(), tokens=4, width=5, space="tiny")
    again.load_state_dict(aligner.state_dict(), strict=True)
    assert (again.patch_dim, again.dim, len(again.layers)) == (9, None, 3)
    assert torch.equal(again.align(seen()).values, aligner.align(seen()).values)


@pytest.mark.parametrize("patches", [1, 11, 256])
def test_any_number_of_patches_makes_as_many_tokens(patches: int):
    prompt = build(tokens=5).align(seen(2, patches))
    assert prompt.values.shape == (2, 5, 5)
    assert prompt.mask.all()


def test_it_is_the_patches_that_count_not_their_order():
    aligner, embedding = build(), seen()
    tokens = aligner.align(embedding).values
    shuffled = Embedding(torch.randn(3, 7), "tiny", embedding.patches[:, torch.randperm(11)])
    assert torch.allclose(aligner.align(shuffled).values, tokens, atol=1e-4)
    other = Embedding(embedding.values, "tiny", embedding.patches.flip(0))
    assert not torch.allclose(aligner.align(other).values, tokens, atol=1e-3)


def test_an_embedding_without_patches_is_refused():
    with pytest.raises(CheckpointError, match="without patches; expected a vector of 9 for every patch"):
        build().align(Embedding(torch.randn(2, 7), "tiny"))


def test_sizes_that_make_no_resampler_are_refused():
    with pytest.raises(SettingError, match="4 heads in 6"):
        build(heads=4)
    with pytest.raises(SettingError, match="depth 0; expected 1 layer or more"):
        build(depth=0)
