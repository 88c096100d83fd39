"""The fusion beside its equations, written out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from art2mus_core.errors import CheckpointError
from art2mus_core.networks.fusion import GatedFusion

SIZES = {"text_dim": 7, "image_dim": 5, "dim": 3}


@torch.no_grad()
def test_it_computes_the_published_equations():
    torch.manual_seed(0)
    fusion = GatedFusion(SIZES)
    for weight in fusion.parameters():
        nn.init.normal_(weight)
    W = fusion.state_dict()
    t, v = torch.randn(2, 7), torch.randn(2, 5)
    hidden = (torch.cat([t, v], 1) @ W["linear.0.weight"].T + W["linear.0.bias"]).clamp(min=0)
    o = hidden @ W["linear.2.weight"].T + W["linear.2.bias"]
    g = 1 / (1 + torch.exp(-(o @ W["gate.0.weight"].T + W["gate.0.bias"])))
    r = t @ W["residual.weight"].T + W["residual.bias"]
    torch.testing.assert_close(fusion(t, v), g * o + (1 - g) * r, rtol=1e-5, atol=1e-5)
    assert len(W) == 8


def test_the_published_size():
    with torch.device("meta"):
        fusion = GatedFusion({})
    assert sum(weight.numel() for weight in fusion.parameters()) == 2_099_200
    assert fusion.neutral_text is None


def test_neutral_embeddings_are_weights_of_their_own():
    plain, neutral = (GatedFusion({**SIZES, "neutral": each}) for each in (False, True))
    assert set(neutral.state_dict()) - set(plain.state_dict()) == {"neutral_text", "neutral_image"}
    assert (neutral.neutral_text.shape, neutral.neutral_image.shape) == ((7,), (5,))


@pytest.mark.parametrize("wrong", [{"model_type": "sum"}, {"dim": 0}, {"neutral": 1}])
def test_an_option_that_is_not_there_is_refused(wrong):
    with pytest.raises(CheckpointError, match=next(iter(wrong))):
        GatedFusion({**SIZES, **wrong})
