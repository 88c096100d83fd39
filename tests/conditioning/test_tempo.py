from __future__ import annotations

import pytest
import torch

from art2mus_core.conditioning.tempo import FASTEST, SLOWEST, TempoModel
from art2mus_core.diffusion.sampling import draw_noise
from art2mus_core.types import LanguageOfAudio


def model(spread: float, octaves: float = 0.0) -> TempoModel:
    made = TempoModel(8, 11, spread)
    torch.nn.init.zeros_(made.octaves.weight)
    torch.nn.init.constant_(made.octaves.bias, octaves)
    return made


def languages(count: int) -> LanguageOfAudio:
    return LanguageOfAudio(torch.randn(count, 8, 11, generator=torch.Generator().manual_seed(1)))


@torch.no_grad()
def test_seeds_spread_as_the_music_did():
    noise = draw_noise((3, 20, 5), range(400))
    octaves = (model(0.2).tempo(languages(400), noise) / 100).log2()
    assert octaves.std().item() == pytest.approx(0.2, rel=0.1)
    assert octaves.mean().item() == pytest.approx(0, abs=0.03)


@torch.no_grad()
def test_an_octave_is_twice_as_fast_and_nothing_leaves_the_range():
    noise = draw_noise((3, 20, 5), [0])
    assert model(0.0, 1.0).tempo(languages(1), noise).item() == pytest.approx(200)
    assert model(0.0, 9.0).tempo(languages(1), noise).item() == FASTEST
    assert model(0.0, -9.0).tempo(languages(1), noise).item() == SLOWEST


@torch.no_grad()
def test_longer_pieces_of_a_seed_may_differ_but_batches_do_not():
    made, told = TempoModel(8, 11, 0.2), languages(3)
    noise = draw_noise((3, 20, 5), [4, 5, 6])
    together = made.tempo(told, noise)
    alone = [made.tempo(LanguageOfAudio(told.values[[at]]), noise[[at]]) for at in range(3)]
    assert torch.allclose(together, torch.cat(alone))


@torch.no_grad()
def test_languages_in_a_row_have_their_mean_tempo():
    made, told, noise = TempoModel(8, 11, 0.0), languages(2), draw_noise((3, 20, 5), [0])
    joined = LanguageOfAudio(torch.cat([told.values[:1], told.values[1:]], dim=1))
    octaves = [(made.tempo(LanguageOfAudio(each[None]), noise) / 100).log2() for each in told.values]
    assert torch.allclose((made.tempo(joined, noise) / 100).log2(), sum(octaves) / 2, atol=1e-5)


@torch.no_grad()
def test_the_metre_ends_with_the_noise():
    metre = model(0.0).metre(languages(2), draw_noise((3, 37, 5), [0, 1]), 10.0)
    assert metre.frames.tolist() == [37, 37]
    assert metre.step.tolist() == pytest.approx([100 / 60 / 10] * 2)
