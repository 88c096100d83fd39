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
"""At 96 beats a minute, a bar has 25 frames and a phrase 100."""


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


def test_a_motif_of_two_bars_and_a_returning_phrase_have_the_noise_of_the_first():
    """ABA at 96 beats a minute: 300 frames and one beat, with the last bar's noise its own."""
    drawn = noise(306)
    laid = lay_out(drawn, plan(96.0, frames=306), 1.0, RATE)
    for phrase in (0, 100):
        motif = drawn[:, :, phrase : phrase + 50]
        assert torch.equal(laid[:, :, phrase : phrase + 100], torch.cat([motif, motif], dim=2))
    assert torch.equal(laid[:, :, 200:250], drawn[:, :, :50])
    assert torch.equal(laid[:, :, 250:280], drawn[:, :, :30])
    assert torch.equal(laid[:, :, 281:], drawn[:, :, 281:])


def test_a_contrast_has_noise_of_its_own():
    laid = lay_out(noise(400), plan(96.0, frames=400), 1.0, RATE)[0]
    first, second, contrast, last = (laid[:, start : start + 75] for start in (0, 100, 200, 300))
    assert torch.equal(first, second)
    assert torch.equal(first, last)
    assert (first * contrast).mean().abs() < 0.1


def test_the_share_is_heard_as_correlation():
    drawn = noise(400, *range(60))
    laid = lay_out(drawn, plan(*[96.0] * 60, frames=400), 0.7, RATE)
    first, last = laid[:, :, :50].flatten(), laid[:, :, 300:350].flatten()
    assert torch.corrcoef(torch.stack([first, last]))[0, 1].item() == pytest.approx(0.7**0.5, abs=0.01)


@given(st.floats(40, 220), st.integers(1, 600), st.floats(0, 1))
def test_frames_repeat_the_nearest_of_their_phase_in_an_earlier_bar(tempo: float, frames: int, share: float):
    step = tempo / 60 / RATE
    found, own = sources(frames, step, RATE), torch.arange(frames)
    returns = found != own
    beats = (own - found)[returns] * step
    bars = (beats / 4).round()
    assert (bars >= 1).all()
    assert ((beats - 4 * bars).abs() <= step * 1.001).all()
    assert ((beats - 4 * bars).abs() <= step * 0.51).float().mean() > 0.9 or not returns.any()
    assert torch.equal(found[found], found)
    assert not returns.any() or frames * step > 8
    assert not returns[: DRAWN // 4].any()  # their values are 5 in a frame
    drawn = noise(frames)
    laid = lay_out(drawn, plan(tempo, frames=frames), share, RATE)
    assert torch.equal(laid[:, :, ~returns], drawn[:, :, ~returns])
    assert torch.equal(laid.flatten(1)[:, :DRAWN], drawn.flatten(1)[:, :DRAWN])


def test_slow_music_repeats_its_first_bar_and_contrasts_with_the_third():
    """A A B A, twice, at 60 beats a minute: 40 frames a bar."""
    drawn = noise(355)
    laid = lay_out(drawn, plan(60.0, frames=355), 1.0, RATE)
    bars = laid.split(40, dim=2)
    for returning in (1, 3, 4, 5):
        assert torch.equal(bars[returning], drawn[:, :, :40])
    assert torch.equal(bars[7][:, :, :35], drawn[:, :, :35])
    assert torch.equal(bars[2], drawn[:, :, 80:120])
    assert torch.equal(bars[6], bars[2])
    assert torch.equal(bars[8], drawn[:, :, 320:])


def test_ten_seconds_repeat_their_motif_if_they_have_more_than_three_bars():
    drawn = noise(100)
    assert torch.equal(lay_out(drawn, plan(40.0, frames=100), 1.0, RATE), drawn)
    laid = lay_out(drawn, plan(96.0, frames=100), 1.0, RATE)
    assert torch.equal(laid[:, :, 50:75], drawn[:, :, :25])
    assert torch.equal(laid[:, :, :50], drawn[:, :, :50])
    assert torch.equal(laid[:, :, 75:], drawn[:, :, 75:])


def test_without_reprise_or_plan_nothing_changes():
    drawn = noise(600, 0, 1)
    assert torch.equal(lay_out(drawn, plan(96.0, 120.0, frames=600), 0.0, RATE), drawn)
    assert torch.equal(lay_out(drawn, plan(0.0, 0.0, frames=600), 1.0, RATE), drawn)


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_every_frame_stays_standard_normal(share: float):
    """Over 1,000 seeds: the mean and the variance of each frame, 12 values each, within five standard errors."""
    frames = 400
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(1000, 3, frames, 4, generator=generator)
    laid = lay_out(drawn, plan(*[101.7] * 1000, frames=frames), share, RATE)
    assert not torch.equal(laid, drawn)
    values = laid.transpose(1, 2).flatten(2)
    count = 1000 * 12
    assert (values.mean((0, 2)).abs() < 5 / count**0.5).all()
    assert ((values.var((0, 2)) - 1).abs() < 5 * (2 / count) ** 0.5).all()


def test_pieces_of_a_batch_keep_their_own_phrases():
    drawn = noise(450, 3, 4, 5)
    tempos = (58.0, 96.0, 131.3)
    together = lay_out(drawn, plan(*tempos, frames=450), 0.7, RATE)
    for index, tempo in enumerate(tempos):
        assert torch.equal(
            together[index : index + 1], lay_out(drawn[index : index + 1], plan(tempo, frames=450), 0.7, RATE)
        )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_number_format_stays(dtype: torch.dtype):
    drawn = noise(400).to(dtype)
    laid = lay_out(drawn, plan(96.0, frames=400), 0.7, RATE)
    assert laid.dtype == dtype
    exact = lay_out(drawn.double(), plan(96.0, frames=400), 0.7, RATE)
    assert torch.allclose(laid.double(), exact, atol=0.03)


def test_the_drawn_noise_is_not_changed():
    drawn = noise(400)
    kept = drawn.clone()
    lay_out(drawn, plan(96.0, frames=400), 1.0, RATE)
    assert torch.equal(drawn, kept)
