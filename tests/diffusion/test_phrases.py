from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.conditioning.plan import DRAWN
from art2mus_core.diffusion.phrases import form_of, lay_out, sources
from art2mus_core.diffusion.sampling import draw_noise
from art2mus_core.types import Plan

RATE = 10.0
"""At 96 beats a minute, a phrase of 16 beats has 100 frames."""


def plan(*tempos: float, frames: int) -> Plan:
    tempo, none = torch.tensor(tempos), torch.full((len(tempos),), -1)
    return Plan(tempo / 60 / RATE, 0 * tempo, torch.full_like(tempo, frames), none, none)


def noise(frames: int, *seeds: int) -> torch.Tensor:
    return draw_noise((3, frames, 5), seeds or (0,))


def test_forms_return_and_contrast():
    assert [form_of(count) for count in range(1, 9)] == [
        "A",
        "AA",
        "ABA",
        "AABA",
        "AABBA",
        "AABBAA",
        "ABBAABA",
        "AABBAABA",
    ]


@given(st.integers(3, 40))
def test_every_form_begins_and_ends_with_the_same_phrase(count: int):
    form = form_of(count)
    assert len(form) == count
    assert form[0] == form[-1] == "A"
    assert "B" in form
    assert "AAA" not in form


def test_a_returning_phrase_has_the_noise_of_the_first():
    """ABA at 96 beats a minute: 300 frames and one beat."""
    drawn = noise(306)
    laid = lay_out(drawn, plan(96.0, frames=306), 1.0)
    assert torch.equal(laid[:, :, :200], drawn[:, :, :200])
    assert torch.equal(laid[:, :, 200:280], drawn[:, :, :80])
    assert torch.equal(laid[:, :, 281:], drawn[:, :, 281:])


def test_a_contrast_has_noise_of_its_own():
    laid = lay_out(noise(400), plan(96.0, frames=400), 1.0)[0]
    first, second, contrast, last = (laid[:, start : start + 75] for start in (0, 100, 200, 300))
    assert torch.equal(first, second)
    assert torch.equal(first, last)
    assert (first * contrast).mean().abs() < 0.1


def test_the_share_is_heard_as_correlation():
    drawn = noise(400, *range(60))
    laid = lay_out(drawn, plan(*[96.0] * 60, frames=400), 0.7)
    first, last = laid[:, :, :75].flatten(), laid[:, :, 300:375].flatten()
    assert torch.corrcoef(torch.stack([first, last]))[0, 1].item() == pytest.approx(0.7**0.5, abs=0.01)


@given(st.floats(40, 220), st.integers(1, 600), st.floats(0, 1))
def test_frames_repeat_the_nearest_of_their_phase_in_an_earlier_phrase(tempo: float, frames: int, share: float):
    step = tempo / 60 / RATE
    found, own = sources(frames, step), torch.arange(frames)
    returns = found != own
    beats = (own - found)[returns] * step
    phrases = (beats / 16).round()
    assert (phrases >= 1).all()
    assert ((beats - 16 * phrases).abs() <= step * 1.001).all()
    assert ((beats - 16 * phrases).abs() <= step * 0.51).float().mean() > 0.9 or not returns.any()
    assert torch.equal(found[found], found)
    assert not returns.any() or frames * step >= 32
    assert not returns[: DRAWN // 2].any()
    drawn = noise(frames)
    laid = lay_out(drawn, plan(tempo, frames=frames), share)
    assert torch.equal(laid[:, :, ~returns], drawn[:, :, ~returns])
    assert torch.equal(laid.flatten(1)[:, :DRAWN], drawn.flatten(1)[:, :DRAWN])


@pytest.mark.parametrize("tempo", [40.0, 96.0, 191.0])
def test_ten_seconds_stay_as_they_are(tempo: float):
    drawn = noise(100)
    assert torch.equal(lay_out(drawn, plan(tempo, frames=100), 1.0), drawn)


def test_without_reprise_or_plan_nothing_changes():
    drawn = noise(600, 0, 1)
    assert torch.equal(lay_out(drawn, plan(96.0, 120.0, frames=600), 0.0), drawn)
    assert torch.equal(lay_out(drawn, plan(0.0, 0.0, frames=600), 1.0), drawn)


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_every_frame_stays_standard_normal(share: float):
    """Over 4,000 seeds: the mean and the variance of each frame, 12 values each, within five standard errors."""
    frames = 400
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(4000, 3, frames, 4, generator=generator)
    laid = lay_out(drawn, plan(*[101.7] * 4000, frames=frames), share)
    assert not torch.equal(laid, drawn)
    values = laid.transpose(1, 2).flatten(2)
    count = 4000 * 12
    assert (values.mean((0, 2)).abs() < 5 / count**0.5).all()
    assert ((values.var((0, 2)) - 1).abs() < 5 * (2 / count) ** 0.5).all()


def test_pieces_of_a_batch_keep_their_own_phrases():
    drawn = noise(450, 3, 4, 5)
    tempos = (58.0, 96.0, 131.3)
    together = lay_out(drawn, plan(*tempos, frames=450), 0.7)
    for index, tempo in enumerate(tempos):
        assert torch.equal(together[index : index + 1], lay_out(drawn[index : index + 1], plan(tempo, frames=450), 0.7))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_number_format_stays(dtype: torch.dtype):
    drawn = noise(400).to(dtype)
    laid = lay_out(drawn, plan(96.0, frames=400), 0.7)
    assert laid.dtype == dtype
    exact = lay_out(drawn.double(), plan(96.0, frames=400), 0.7)
    assert torch.allclose(laid.double(), exact, atol=0.03)


def test_the_drawn_noise_is_not_changed():
    drawn = noise(400)
    kept = drawn.clone()
    lay_out(drawn, plan(96.0, frames=400), 1.0)
    assert torch.equal(drawn, kept)
