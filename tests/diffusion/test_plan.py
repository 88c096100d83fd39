from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.checkpoints.folder import load_component
from art2mus_core.diffusion.denoiser import LatentDenoiser, build_unet
from art2mus_core.diffusion.guidance import join
from art2mus_core.diffusion.plan import CHANNELS, key_channels, metre_channels, with_plan
from art2mus_core.types import Condition, Plan

RATE = 10.0


def plan(*tempos: float, frames: int = 64, key: int = 2, band: int = 1) -> Plan:
    tempo = torch.tensor(tempos)
    key, band = (torch.full((len(tempos),), each) for each in (key, band))
    return Plan(tempo / 60 / RATE, 0 * tempo, torch.full_like(tempo, frames), key, band)


@given(st.floats(40, 220), st.integers(1, 80), st.integers(0, 50))
def test_a_crop_has_the_channels_of_its_place(tempo: float, count: int, first: int):
    whole = metre_channels(plan(tempo, frames=130), 130)
    crop = replace(plan(tempo, frames=130), first=torch.tensor([float(first)]))
    assert torch.allclose(metre_channels(crop, count), whole[:, :, first : first + count], atol=1e-4)


def test_frames_a_phrase_apart_have_the_same_phase():
    """At 120 beats a minute, 16 beats are 80 frames, and 12 are 60."""
    channels = metre_channels(plan(120.0, frames=400), 400)[0, :-2]
    assert torch.allclose(channels[:, :80][[0, 1, 2, 4, 6]], channels[:, 80:160][[0, 1, 2, 4, 6]], atol=1e-4)
    assert not torch.allclose(channels[5, :80], channels[5, 80:160], atol=0.1)
    assert torch.allclose(channels[5, :60], channels[5, 60:120], atol=1e-4)


def test_the_ends_are_near_where_the_piece_ends():
    begin, end = metre_channels(plan(90.0, frames=77), 77)[0, -2:]
    assert torch.allclose(begin, end.flip(0), atol=1e-6)
    assert begin.argmax() == 0
    assert begin[0] > 0.9
    assert begin[-1] < 0.1


def test_music_without_metre_has_channels_of_zeros():
    mixed = metre_channels(plan(0.0, 120.0), 5)
    assert not mixed[0].any()
    assert mixed[1].any()
    x = torch.randn(2, 3, 5, 4)
    assert torch.equal(with_plan(x, None)[:, :3], x)
    assert not with_plan(x, None)[:, 3:].any()
    assert with_plan(x, plan(80.0, 90.0)).shape == (2, 3 + CHANNELS, 5, 4)


TONES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]


@pytest.mark.parametrize(
    ("key", "scale", "triad"),
    [(0, "C D E F G A B", "C E G"), (21, "A B C D E F G G#", "A C E"), (10, "A# C D D# F G A", "A# D F")],
)
def test_a_key_marks_the_semitones_of_its_scale_and_triad(key, scale, triad):
    """Rows hold eight semitones from C on, so the second begins with G#, the third with E, the fourth with C."""
    channels = key_channels(plan(90.0, key=key), 13)[0]
    for part, tones in ((channels[:8], scale.split()), (channels[8:], triad.split())):
        marked = part.T.reshape(-1)
        assert {TONES[at % 12] for at in marked.nonzero().flatten().tolist()} == set(tones)
        assert torch.equal(marked[:92], marked[12:])


def test_music_without_key_has_channels_of_zeros():
    assert not key_channels(plan(90.0, key=-1), 13).any()
    assert plan(90.0, 80.0, key=5).only(torch.tensor([True, False])).key.tolist() == [5, -1]


@pytest.mark.parametrize(
    ("one", "other"), [({"key": 4}, {"key": 16}), ({"band": 0}, {"band": 1}), ({"band": 7}, {"band": -1})]
)
def test_the_denoiser_hears_key_and_band(pocket_like, one, other):
    x, language = torch.randn(1, 3, 8, 5), torch.randn(1, 8, 10)
    denoiser = LatentDenoiser(load_component(pocket_like, "unet", build_unet))
    first, second = (
        denoiser(x, torch.tensor(7), Condition(language, plan=plan(60.0, **each))) for each in (one, other)
    )
    assert not torch.allclose(first, second, atol=1e-5)


def test_a_band_has_one_channel():
    x = torch.zeros(3, 2, 4, 5)
    told = with_plan(x, Plan(*(torch.zeros(3),) * 3, torch.tensor([-1] * 3), torch.tensor([0, 7, -1])))[:, 2:]
    assert told.any((2, 3)).sum(1).tolist() == [1, 1, 0]
    assert told[0, -8].eq(1).all()
    assert told[1, -1].eq(1).all()


def test_guidance_joins_a_side_without_plan():
    languages = torch.randn(2, 2, 8, 11)
    bare, timed = Condition(languages[0]), Condition(languages[1], plan=plan(70.0, 110.0))
    joined = join(bare, timed).plan
    assert joined is not None
    assert joined.step[:2].tolist() == [0, 0]
    assert torch.equal(joined.step[2:], timed.plan.step)
    assert (joined.key.tolist(), joined.band.tolist()) == ([-1, -1, 2, 2], [-1, -1, 1, 1])
    assert join(bare, bare).plan is None


def test_half_precision_does_not_move_the_beats():
    condition = Condition(torch.zeros(1, 8, 11), plan=plan(123.4, frames=6001)).to(torch.zeros(1).bfloat16())
    assert condition.plan.frames.item() == 6001
    assert condition.language.dtype == torch.bfloat16


def test_the_denoiser_hears_the_plan(pocket_like, published_like):
    x, language = torch.randn(1, 3, 8, 5), torch.randn(1, 8, 10)
    denoiser = LatentDenoiser(load_component(pocket_like, "unet", build_unet))
    slow, fast, none = (
        denoiser(x, torch.tensor(7), Condition(language, plan=each)) for each in (plan(60.0), plan(61.0), None)
    )
    assert not torch.allclose(slow, fast, atol=1e-5)
    assert not torch.allclose(slow, none, atol=1e-5)
    assert not LatentDenoiser(load_component(published_like, "unet", build_unet)).reads_plan


@pytest.mark.parametrize("tempo", [45.0, 133.0])
def test_a_batch_keeps_its_own_tempos(pocket_like, tempo: float):
    denoiser = LatentDenoiser(load_component(pocket_like, "unet", build_unet))
    x, language = torch.randn(2, 3, 8, 5), torch.randn(2, 8, 10)
    both = denoiser(x, torch.tensor(7), Condition(language, plan=plan(90.0, tempo)))
    alone = denoiser(x[1:], torch.tensor(7), Condition(language[1:], plan=plan(tempo)))
    assert torch.allclose(both[1:], alone, atol=1e-5)
