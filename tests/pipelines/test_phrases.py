"""Music of several phrases."""

from __future__ import annotations

import pytest
import torch

from art2mus_core.diffusion.phrases import sources
from art2mus_core.diffusion.sampling import draw_noise
from art2mus_core.pipelines import load
from art2mus_core.pipelines.settings import Settings
from art2mus_core.pipelines.stages import denoise
from art2mus_core.types import Artwork, Condition, LanguageOfAudio

CPU = torch.device("cpu")


def artwork(seed):
    generator = torch.Generator().manual_seed(seed)
    return Artwork(torch.randint(256, (3, 21, 34 + seed), dtype=torch.uint8, generator=generator), f"artwork {seed}")


@pytest.fixture(scope="module")
def pipeline(pocket_like):
    return load(str(pocket_like))


class Witness:
    """A denoiser that keeps what it is first given."""

    def __init__(self):
        self.given = []

    def __call__(self, x, t, condition):
        self.given.append((x, condition.plan))
        return x / 2


def started(parts, settings, seeds):
    """Latent, initial noise and metre of pieces without an artwork."""
    torch.manual_seed(0)
    language, witness = torch.randn(len(seeds), 8, parts.grid.language_width) / 9, Witness()
    sides = Condition(language), Condition(torch.zeros_like(language))
    fixed = {"grid": parts.grid, "levels": parts.schedule, "device": CPU, "plan_model": parts.plan_model}
    with torch.inference_mode():
        latent = denoise(witness, *sides, settings, seeds, **fixed)
    x, plan = witness.given[0]
    return latent, x[-len(seeds) :], plan.mapped(lambda part: part[-len(seeds) :])


def test_thirty_seconds_start_from_noise_in_which_phrases_return(pipeline):
    parts = pipeline.parts
    _, noise, plan = started(parts, Settings(30.0, 2, 1.0, reprise=1.0), [5, 6])
    drawn = draw_noise(parts.grid.latent_shape(30.0), [5, 6])
    assert plan.frames.tolist() == [drawn.shape[2]] * 2 == [parts.grid.latent_frames(30.0)] * 2
    for index, step in enumerate(plan.step.tolist()):
        found = sources(drawn.shape[2], step, parts.grid.latent_rate)
        assert (found != torch.arange(len(found))).float().mean() > 0.1
        assert torch.equal(noise[index], drawn[index][:, found])


def test_the_reprise_does_not_change_the_plan(pipeline):
    plain, strict = (started(pipeline.parts, Settings(30.0, 2, 1.0, reprise=share), [5, 6]) for share in (0.0, 1.0))
    assert plain[0].plans == strict[0].plans
    assert not torch.equal(plain[1], strict[1])
    grid, model = pipeline.parts.grid, pipeline.parts.plan_model
    language = LanguageOfAudio(torch.zeros(2, 8, grid.language_width))
    first, second = (model.plan(language, noise, grid.latent_rate) for _, noise, _ in (plain, strict))
    assert torch.equal(first.step, second.step)
    assert torch.equal(first.band, second.band)


def test_three_seconds_start_from_the_noise_of_the_seed(pipeline):
    latent, noise, _ = started(pipeline.parts, Settings(3.0, 2, 1.0, reprise=1.0), [5, 6])
    assert max(plan["bpm"] for plan in latent.plans) < 192
    assert torch.equal(noise, draw_noise(pipeline.parts.grid.latent_shape(3.0), [5, 6]))


def test_thirty_seconds_are_the_same_again_and_the_reprise_is_heard(pipeline):
    plain, again, free = (
        pipeline.compose([artwork(0)], seconds=30.0, seeds=[4], steps=1, **chosen)[0]
        for chosen in ({}, {}, {"reprise": 0.0})
    )
    assert plain.samples.shape[-1] == pipeline.parts.grid.samples(30.0)
    assert torch.equal(plain.samples, again.samples)
    assert plain.plan == free.plan
    assert not torch.allclose(plain.samples, free.samples, atol=1e-3)


def test_a_long_piece_is_the_same_alone_and_in_a_batch(pipeline):
    artworks, seeds = [artwork(0), artwork(1)], [5, 6]
    together = pipeline.compose(artworks, seconds=30.0, seeds=seeds, steps=1)
    (alone,) = pipeline.compose(artworks[1:], seconds=30.0, seeds=seeds[1:], steps=1)
    assert torch.allclose(alone.samples, together[1].samples, atol=1e-3)


def test_without_a_plan_nothing_returns(published_like):
    published = load(str(published_like))
    free, strict = (
        published.compose([artwork(0)], seconds=30.0, steps=1, reprise=share)[0].samples for share in (0.0, 1.0)
    )
    assert torch.equal(free, strict)
