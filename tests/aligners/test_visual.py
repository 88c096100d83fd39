from __future__ import annotations

import numpy as np
import pytest
import torch

from art2mus_core.aligners.visual import VisualAligner
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.types import Embedding

SIZES = {"hidden": 6, "tokens": 4, "width": 5, "space": "tiny", "heads": 2}
READS = {"embedding": {"dim": 7}, "patches": {"patch_dim": 9}, "both": {"dim": 7, "patch_dim": 9}}


@pytest.fixture(params=READS.values(), ids=READS)
def reads(request):
    return request.param


def build(reads, **sizes):
    torch.manual_seed(0)
    return VisualAligner(**{**SIZES, **sizes}, **reads)


def seen(batch=3, patches=11):
    torch.manual_seed(1)
    return Embedding(torch.randn(batch, 7), "tiny", torch.randn(batch, patches, 9))


def normed(x, state, name):
    centred = x - x.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / spread * state[f"{name}.weight"] + state[f"{name}.bias"]


def from_embedding(state, x):
    """Tokens of one embedding [D]: norm, hidden layer, exact GELU, n rows of W."""
    hidden = state["hidden.weight"] @ normed(x, state, "norm") + state["hidden.bias"]
    hidden = hidden * 0.5 * (1 + torch.erf(torch.from_numpy(hidden) / 2**0.5).numpy())
    return (state["prompt.weight"] @ hidden + state["prompt.bias"]).reshape(4, 5)


def from_patches(state, patches):
    """Tokens of one artwork's patches [N, P], a query and a head at a time."""
    keys = normed(patches, state, "patches.norm") @ state["patches.keys.weight"].T
    values = normed(patches, state, "patches.norm") @ state["patches.values.weight"].T + state["patches.values.bias"]
    tokens = []
    for n in range(4):
        read = []
        for head in range(2):
            part = slice(3 * head, 3 * head + 3)
            scores = keys[:, part] @ state["patches.queries"][head, n] / 3**0.5
            weights = np.exp(scores) / np.exp(scores).sum()
            read.extend(weights @ values[:, part])
        tokens.append(state["patches.prompt.weight"] @ np.array(read) + state["patches.prompt.bias"])
    return np.array(tokens)


def test_tokens_are_those_of_the_equations(reads):
    aligner, embedding = build(reads), seen()
    with torch.no_grad():
        for parameter in aligner.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
        tokens = aligner.align(embedding).values
    state = {key: value.double().numpy() for key, value in aligner.state_dict().items()}
    for row in range(3):
        expected = np.zeros((4, 5))
        if "dim" in reads:
            expected += from_embedding(state, embedding.values[row].double().numpy())
        if "patch_dim" in reads:
            expected += from_patches(state, embedding.patches[row].double().numpy())
        assert np.abs(tokens[row].numpy() - expected).max() < 1e-5


def test_sources_and_heads_follow_from_the_state(reads):
    aligner = build(reads)
    again = VisualAligner.for_state(aligner.state_dict(), tokens=4, width=5, space="tiny")
    again.load_state_dict(aligner.state_dict(), strict=True)
    assert (again.dim, again.patch_dim) == (reads.get("dim"), reads.get("patch_dim"))
    assert torch.equal(again.align(seen()).values, aligner.align(seen()).values)


def test_an_embedding_alone_has_the_keys_of_files_that_exist():
    assert set(build(READS["embedding"]).state_dict()) == {
        *("norm.weight", "norm.bias", "hidden.weight", "hidden.bias", "prompt.weight", "prompt.bias")
    }


@pytest.mark.parametrize("tokens", [1, 2, 5, 17])
def test_any_number_of_tokens_from_any_number_of_patches(reads, tokens):
    aligner = build(reads, tokens=tokens)
    for patches in (1, 11, 256):
        prompt = aligner.align(seen(2, patches))
        assert prompt.values.shape == (2, tokens, 5)
        assert prompt.mask.shape == (2, tokens)
        assert prompt.mask.all()


def test_it_is_the_patches_that_count_not_their_order_or_length():
    aligner, embedding = build(READS["patches"]), seen()
    tokens = aligner.align(embedding).values
    order = torch.randperm(11)
    shuffled = Embedding(torch.randn(3, 7), "tiny", 9 * embedding.patches[:, order])
    assert torch.allclose(aligner.align(shuffled).values, tokens, atol=1e-4)
    other = Embedding(embedding.values, "tiny", embedding.patches.flip(0))
    assert not torch.allclose(aligner.align(other).values, tokens, atol=1e-2)


def test_patches_are_not_needed_by_an_aligner_that_reads_none():
    aligner, embedding = build(READS["embedding"]), seen()
    alone = Embedding(embedding.values, "tiny")
    assert torch.equal(aligner.align(alone).values, aligner.align(embedding).values)


@pytest.mark.parametrize("name", ["patches", "both"])
def test_patches_that_are_not_there_are_asked_for(name):
    with pytest.raises(CheckpointError, match="without patches; expected a vector of 9 for every patch"):
        build(READS[name]).align(Embedding(torch.randn(2, 7), "tiny"))


def test_embeddings_of_other_widths_and_spaces_are_refused():
    aligner = build(READS["both"])
    with pytest.raises(CheckpointError, match="clip"):
        aligner.align(Embedding(torch.randn(2, 7), "clip", torch.randn(2, 3, 9)))
    with pytest.raises(CheckpointError, match="with 8 values; expected 7"):
        aligner.align(Embedding(torch.randn(2, 8), "tiny", torch.randn(2, 3, 9)))
    with pytest.raises(CheckpointError, match="with patches of 10 values; expected 9"):
        aligner.align(Embedding(torch.randn(2, 7), "tiny", torch.randn(2, 3, 10)))


def test_sizes_that_make_no_aligner_are_refused():
    with pytest.raises(SettingError, match="without an input"):
        build({})
    with pytest.raises(SettingError, match="4 heads in 6"):
        build(READS["patches"], heads=4)


def test_what_an_encoder_gives_in_half_precision_is_taken(reads):
    embedding = seen()
    half = Embedding(embedding.values.half(), "tiny", embedding.patches.half())
    assert torch.allclose(build(reads).align(half).values, build(reads).align(embedding).values, atol=1e-2)
