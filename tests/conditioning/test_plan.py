from __future__ import annotations

import math

import pytest
import torch

from art2mus_core.conditioning.plan import FASTEST, SLOWEST, PlanModel, misreadings
from art2mus_core.diffusion.sampling import draw_noise
from art2mus_core.types import LanguageOfAudio, Plan

BANDS = ["folk", "choir", "trio"]


def model(
    spread: float, octaves: float = 0.0, *, key: int = 0, bands: tuple[float, ...] = (0.0, 0.0, 0.0)
) -> PlanModel:
    """A model that reads the same from every language."""
    made = PlanModel(8, 11, spread, BANDS)
    torch.nn.init.zeros_(made.reading.weight)
    tonics, minor = [float(each == key % 12) for each in range(12)], key // 12 - 0.5
    with torch.no_grad():
        made.reading.bias.copy_(torch.tensor([octaves, *tonics, minor, *bands]))
    return made


def languages(count: int) -> LanguageOfAudio:
    return LanguageOfAudio(torch.randn(count, 8, 11, generator=torch.Generator().manual_seed(1)))


@torch.no_grad()
def planned(made: PlanModel, told: LanguageOfAudio, noise: torch.Tensor) -> Plan:
    """The plan at 10 latent frames a second."""
    return made.plan(told, noise, 10.0)


def octaves_of(plan: Plan) -> torch.Tensor:
    return (plan.step * 600 / 100).log2()


def test_seeds_spread_as_the_music_did():
    octaves = octaves_of(planned(model(0.2), languages(400), draw_noise((3, 20, 5), range(400))))
    assert octaves.std().item() == pytest.approx(0.2, rel=0.1)
    assert octaves.mean().item() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(("octaves", "bpm"), [(1.0, 200), (9.0, FASTEST), (-9.0, SLOWEST)])
def test_an_octave_is_twice_as_fast_and_nothing_leaves_the_range(octaves, bpm):
    plan = planned(model(0.0, octaves), languages(1), draw_noise((3, 20, 5), [0]))
    assert plan.step.item() * 600 == pytest.approx(bpm)


def test_batches_do_not_change_a_plan():
    made, told, noise = PlanModel(8, 11, 0.2, BANDS), languages(3), draw_noise((3, 20, 5), [4, 5, 6])
    together = planned(made, told, noise)
    for at in range(3):
        alone = planned(made, LanguageOfAudio(told.values[[at]]), noise[[at]])
        assert torch.allclose(alone.step, together.step[at])
        assert (alone.key, alone.band) == (together.key[at], together.band[at])


def test_languages_in_a_row_have_their_mean_tempo():
    made, told, noise = PlanModel(8, 11, 0.0, BANDS), languages(2), draw_noise((3, 20, 5), [0])
    joined = LanguageOfAudio(torch.cat([told.values[:1], told.values[1:]], dim=1))
    octaves = [octaves_of(planned(made, LanguageOfAudio(each[None]), noise)) for each in told.values]
    assert torch.allclose(octaves_of(planned(made, joined, noise)), sum(octaves) / 2, atol=1e-5)


def test_the_plan_ends_with_the_noise():
    plan = planned(model(0.0), languages(2), draw_noise((3, 37, 5), [0, 1]))
    assert plan.frames.tolist() == [37, 37]
    assert plan.step.tolist() == pytest.approx([100 / 60 / 10] * 2)


@pytest.mark.parametrize("key", [0, 7, 12, 21, 23])
def test_minor_keys_follow_the_major_ones(key):
    assert planned(model(0.0, key=key), languages(2), draw_noise((3, 20, 5), [0, 1])).key.tolist() == [key, key]


def test_seeds_choose_bands_as_often_as_they_are_likely():
    likely = torch.tensor([0.6, 0.1, 0.3])
    made = model(0.0, bands=tuple(likely.log().tolist()))
    band = planned(made, languages(3000), draw_noise((3, 20, 5), range(3000))).band
    assert torch.allclose(band.bincount() / 3000, likely, atol=0.03)


@torch.no_grad()
@pytest.mark.parametrize("joined", [1, 2])
def test_a_language_settles_on_its_band(joined: int):
    """A language that is the mean of three bands' by their odds becomes that of the band."""
    odds = torch.tensor([0.6, 0.1, 0.3])
    made = model(0.0, bands=tuple(odds.log().tolist()))
    torch.nn.init.normal_(made.centres, generator=torch.Generator().manual_seed(2))
    common = languages(3).values
    mean = common + (odds @ made.centres).view(1, 8, 11)
    plan = Plan(*(torch.zeros(3),) * 3, torch.tensor([-1] * 3), torch.tensor([2, 0, 1]))
    settled = made.settled(mean.repeat(1, joined, 1), plan)
    wanted = common + made.centres[plan.band].view(3, 8, 11)
    assert torch.allclose(settled, wanted.repeat(1, joined, 1), atol=1e-5)


@torch.no_grad()
def test_a_model_without_bands_plans_none():
    made, told = PlanModel(8, 11, 0.2, []), languages(2)
    plan = planned(made, told, draw_noise((3, 20, 5), [0, 1]))
    assert plan.band.tolist() == [-1, -1]
    assert torch.equal(made.settled(told.values, plan), told.values)


@torch.no_grad()
def test_misreadings_count_what_is_known():
    made, told = model(0.0, key=21, bands=(0.0, 20.0, 0.0)), languages(2)
    step = torch.tensor([0.0, 200 / 60 / 10])
    plan = Plan(step, 0 * step, 0 * step, torch.tensor([21, -1]), torch.tensor([1, -1]))
    errors = misreadings(made, told.values, plan, 10.0)
    assert errors["tempo"].item() == pytest.approx(0.5)
    assert errors["band"].item() == pytest.approx(0, abs=1e-6)
    tonic, minor = torch.tensor(12 - 1 + math.e).log() - 1, torch.tensor(math.exp(-0.5)).log1p()
    assert errors["key"].item() == pytest.approx((tonic + minor).item() / 2, rel=1e-5)


def test_a_plan_is_told_in_words():
    step, none = torch.tensor([0.15, 0.0]), torch.zeros(2)
    plan = Plan(step, none, none, torch.tensor([15, -1]), torch.tensor([2, -1]))
    assert model(0.0).described(plan, 10.0) == ({"bpm": 90.0, "key": "Eb minor", "band": "trio"}, {})
