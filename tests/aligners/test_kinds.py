"""What all kinds have: sizes from a configuration, a null prompt, a closed gap."""

from __future__ import annotations

import pytest
import torch

from art2mus_core.aligners.files import load_aligner, save_aligner
from art2mus_core.aligners.gap import GapClosure
from art2mus_core.aligners.kinds import KINDS, build_aligner, sizes_of
from art2mus_core.errors import SettingError
from art2mus_core.types import Embedding

FOUND = {"space": "tiny", "dim": 7, "width": 5, "patch_dim": 9}
MODELS = {
    "visual": {"hidden": 6, "tokens": 3},
    "projection": {"kind": "projection", "hidden": 6, "tokens": 3},
    "resampler": {"kind": "resampler", "hidden": 6, "tokens": 3, "heads": 2, "depth": 1},
    "visual of patches": {"hidden": 6, "tokens": 3, "heads": 2, "dim": None, "patch_dim": 9},
    "visual of both": {"hidden": 6, "tokens": 3, "heads": 2, "patch_dim": 9},
}
RNG = torch.Generator().manual_seed(0)
SEEN = Embedding(torch.randn(2, 7, generator=RNG), "tiny", torch.randn(2, 11, 9, generator=RNG))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_missing_sizes_are_those_found(model):
    aligner = build_aligner(model, FOUND, "one and another")
    assert type(aligner) is KINDS[model.get("kind", "visual")]
    assert aligner.align(SEEN).values.shape == (2, 3, 5)
    assert aligner.align(SEEN).null is None


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ({"kind": "gated", "hidden": 6, "tokens": 3}, "kind 'gated'; expected one of visual, projection, resampler"),
        ({"kind": ["visual"], "hidden": 6, "tokens": 3}, "expected one of visual, projection, resampler"),
        ({**MODELS["projection"], "hiden": 6}, "a projection aligner with hiden: no such field, did you mean hidden?"),
        ({**MODELS["projection"], "dim": 8}, "dim 8; expected dim 7, as one and another have it"),
        ({**MODELS["resampler"], "patch_dim": 8}, "patch_dim 8; expected patch_dim 9"),
    ],
    ids=["kind", "no name", "key", "dim", "patch_dim"],
)
def test_sizes_that_contradict_encoder_or_kind_are_refused(model, told):
    with pytest.raises(SettingError, match=told):
        build_aligner(model, FOUND, "one and another")


@pytest.mark.parametrize("model", [MODELS["visual"], MODELS["projection"], MODELS["resampler"]])
def test_none_is_as_if_it_were_left_out(model):
    empty = dict.fromkeys(("kind", "space", "width", "dim"))
    assert sizes_of({**empty, **model}, FOUND) == sizes_of(model, FOUND)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_kind_is_stored_with_its_null_prompt_and_its_closed_gap(tmp_path, model):
    aligner = build_aligner(model, FOUND, "one and another")
    aligner.add_null()
    aligner.gap = GapClosure.of(torch.randn(7), torch.randn(7, 7) if "kind" in model else None)
    save_aligner(tmp_path / "x.safetensors", aligner, licence="CC0-1.0", run="none", half=False)
    loaded = load_aligner(tmp_path / "x.safetensors", space="tiny", width=5)
    one, other = loaded.align(SEEN), aligner.align(SEEN)
    assert torch.equal(one.values, other.values)
    assert torch.equal(one.null, aligner.null[None])
    assert (loaded.gap.weight is None) == ("kind" not in model)


def test_the_gap_is_closed_for_pictures_and_not_for_sounds():
    aligner = build_aligner(MODELS["projection"], FOUND, "one and another")
    bare = aligner.align(SEEN).values
    aligner.gap = GapClosure.of(torch.randn(7), torch.randn(7, 7))
    moved = Embedding(aligner.gap(SEEN.values), "tiny", heard=True)
    assert not torch.allclose(aligner.align(SEEN).values, bare, atol=1e-3)
    assert torch.equal(aligner.align(SEEN).values, aligner.align(moved).values)
    assert torch.equal(aligner.align(Embedding(SEEN.values, "tiny", heard=True)).values, bare)


def test_a_moved_embedding_is_as_long_as_before():
    closure = GapClosure.of(torch.randn(7), torch.randn(7, 7))
    assert torch.allclose(closure(SEEN.values).norm(dim=-1), SEEN.values.norm(dim=-1), atol=1e-5)
    away = closure.moved(SEEN.values)
    assert torch.allclose(away, SEEN.values @ closure.weight.T + closure.bias, atol=1e-5)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_weight_learns(model):
    torch.manual_seed(0)
    aligner, wanted = build_aligner({**model, "hidden": 22}, FOUND, "one and another"), torch.randn(2, 3, 5)
    optimiser = torch.optim.Adam(aligner.parameters(), lr=2e-2)
    before, losses = {key: value.clone() for key, value in aligner.state_dict().items()}, []
    for _ in range(60):
        loss = (aligner.align(SEEN).values - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10
    assert not [key for key, value in aligner.state_dict().items() if torch.allclose(value, before[key], atol=1e-3)]
