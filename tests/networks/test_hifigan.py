"""Our HiFi-GAN beside transformers', with the same weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

from art2mus_core.networks.hifigan import HifiGan

CONFIG = {
    "model_in_dim": 9,
    "upsample_initial_channel": 12,
    "upsample_rates": [5, 4],
    "upsample_kernel_sizes": [16, 8],
    "resblock_kernel_sizes": [3, 7],
    "resblock_dilation_sizes": [[1, 3], [1, 5]],
    "leaky_relu_slope": 0.2,
}


@pytest.mark.parametrize("normalised", [True, False])
@torch.no_grad()
def test_it_plays_what_transformers_plays(normalised):
    torch.manual_seed(0)
    config = {**CONFIG, "normalize_before": normalised}
    theirs = SpeechT5HifiGan(SpeechT5HifiGanConfig(**config)).eval()
    for weight in theirs.parameters():
        nn.init.normal_(weight, std=0.2)
    theirs.mean.uniform_()
    theirs.scale.uniform_(0.5, 2)
    ours = HifiGan(config).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    mel = torch.randn(2, 13, 9)
    found, expected = ours(mel), theirs(mel)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-6)
    assert 0.01 < expected.std() < 0.99
