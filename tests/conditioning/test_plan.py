from __future__ import annotations

import pytest
import torch

from art2mus_core.conditioning.plan import FASTEST, SLOWEST, PlanModel, keys_of, tempos_of
from art2mus_core.diffusion.sampling import draw_noise
from art2mus_core.types import LanguageOfAudio, Plan


def model(spread: float, octaves: float = 0.0, *, tonic: int = 0, minor: bool = False) -> PlanModel:
    made = PlanModel(8, 11, spread)
    torch.nn.init.zeros_(made.reading.weight)
    with torch.no_grad():
        made.reading.bias.copy_(torch.tensor([octaves, *(float(each == tonic) for each in range(12)), minor - 0.5]))
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
    made, told = PlanModel(8, 11, 0.2), languages(3)
    noise = draw_noise((3, 20, 5), [4, 5, 6])
    together = made.tempo(told, noise)
    alone = [made.tempo(LanguageOfAudio(told.values[[at]]), noise[[at]]) for at in range(3)]
    assert torch.allclose(together, torch.cat(alone))


@torch.no_grad()
def test_languages_in_a_row_have_their_mean_tempo():
    made, told, noise = PlanModel(8, 11, 0.0), languages(2), draw_noise((3, 20, 5), [0])
    joined = LanguageOfAudio(torch.cat([told.values[:1], told.values[1:]], dim=1))
    octaves = [(made.tempo(LanguageOfAudio(each[None]), noise) / 100).log2() for each in told.values]
    assert torch.allclose((made.tempo(joined, noise) / 100).log2(), sum(octaves) / 2, atol=1e-5)


@torch.no_grad()
def test_the_plan_ends_with_the_noise():
    plan = model(0.0).plan(languages(2), draw_noise((3, 37, 5), [0, 1]), 10.0)
    assert plan.frames.tolist() == [37, 37]
    assert plan.step.tolist() == pytest.approx([100 / 60 / 10] * 2)


def test_keys_have_names():
    plan = Plan.of(torch.full((4,), 90.0), torch.tensor([-1, 0, 15, 23]), 10, 10.0)
    assert keys_of(plan) == [None, "C major", "Eb minor", "B minor"]
    assert tempos_of(plan, 10.0) == [90.0] * 4


@torch.no_grad()
@pytest.mark.parametrize(("tonic", "minor", "key"), [(0, False, 0), (9, True, 21), (11, True, 23), (7, False, 7)])
def test_minor_keys_follow_the_major_ones(tonic, minor, key):
    assert model(0.0, tonic=tonic, minor=minor).key(languages(2)).tolist() == [key, key]
