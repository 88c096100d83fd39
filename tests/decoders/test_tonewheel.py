from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from art2mus_core.audio.mel import MelTransform
from art2mus_core.decoders.tonewheel import TonewheelVocoder
from art2mus_core.errors import CheckpointError
from art2mus_core.interfaces import Vocoder
from art2mus_core.types import AudioGrid, Mel

RATE, HOP, BINS, LOWEST, FLOOR = 8000, 100, 31, 52, 1e-4
GRID = AudioGrid(
    sample_rate=RATE,
    hop=HOP,
    mel_bins=BINS,
    scale="semitone",
    lowest=float(LOWEST),
    highest=0.0,
    windows=(2048, 1024),
    floor=FLOOR,
    latent_channels=3,
    latent_factor=4,
    latent_scale=1.0,
    language_width=10,
)
MEL: dict[str, Any] = {"sample_rate": RATE, "hop": HOP, "mel_bins": BINS, "lowest": LOWEST, "floor": FLOOR}


def vocoder(**changes: Any) -> TonewheelVocoder:
    torch.manual_seed(0)
    config = {"mel": MEL, "width": 11, "blocks": 2, "subframes": 5, "detunings": [0.0, -14.0], "noise_window": 64}
    return TonewheelVocoder(**{**config, **changes}).eval()


def wheels_only() -> TonewheelVocoder:
    """Untrained, its tempered wheels open as far as the mel says, everything else shut."""
    made = vocoder()
    with torch.no_grad():
        for layer in (made.wheels, made.noise):
            layer.weight.zero_()
        made.noise.bias.fill_(-60)
        made.wheels.bias.view(made.subframes, made.per_semitone, BINS)[:, 0] = 0
        made.wheels.bias.view(made.subframes, made.per_semitone, BINS)[:, 1] = -60
    return made.requires_grad_(False)


def steady(row: int, amplitude: float, frames: int = 96) -> torch.Tensor:
    mel = torch.full((1, frames, BINS), math.log(FLOOR) - 12)
    mel[:, :, row] = math.log(amplitude)
    return mel


def hertz_of(row: int) -> float:
    return 440.0 * 2.0 ** ((LOWEST + row - 69) / 12)


@pytest.mark.parametrize("row", [0, 8, 17, 30])
def test_a_steady_tone_has_its_frequency_and_level(row: int):
    samples = wheels_only()(steady(row, 0.25))[0].double()
    time = torch.arange(len(samples), dtype=torch.float64) / RATE

    def part(piece: slice) -> torch.Tensor:
        turn = torch.exp(-2j * math.pi * hertz_of(row) * time[piece])
        window = torch.hann_window(piece.stop - piece.start, dtype=torch.float64)
        return 2 * (samples[piece] * turn * window).sum() / window.sum()

    early, late = part(slice(0, 4800)), part(slice(4800, 9600))
    assert abs(early) == pytest.approx(0.25, rel=1e-3)
    assert abs(late) == pytest.approx(0.25, rel=1e-3)
    drift = torch.angle(late / early) / (2 * math.pi * 4800 / RATE)  # hertz off
    assert abs(1200 * math.log2(1 + float(drift) / hertz_of(row))) < 0.05
    loudest = samples.square().mean().sqrt()
    assert float(loudest) == pytest.approx(0.25 / math.sqrt(2), rel=0.02)


def test_a_tone_reads_as_the_mel_it_was_made_from():
    mel = steady(12, 0.1)
    again = MelTransform(GRID)(wheels_only()(mel))
    middle = again[0, 24:-24]
    assert middle.argmax(-1).eq(12).all()
    torch.testing.assert_close(middle[:, 12], mel[0, 24:-24, 12], atol=0.02, rtol=0)


def test_loudness_follows_the_mel_without_clicks():
    mel = steady(10, 0.2)
    mel[:, 48:, 10] = math.log(0.02)
    samples = wheels_only()(mel)[0]
    before, after = samples[20 * HOP : 44 * HOP], samples[52 * HOP : 76 * HOP]
    assert float(before.square().mean().sqrt() / after.square().mean().sqrt()) == pytest.approx(10, rel=0.02)
    steepest = 2 * math.pi * hertz_of(10) / RATE * 0.2
    assert float(samples.diff().abs().max()) < 1.1 * steepest


@pytest.mark.parametrize("frames", [1, 7, 32])
def test_there_are_hop_samples_a_frame(frames: int):
    mel = torch.full((3, frames, BINS), -2.0)
    waveform = vocoder().vocode(Mel(mel))
    assert waveform.samples.shape == (3, 1, frames * HOP)
    assert waveform.sample_rate == RATE
    assert isinstance(vocoder(), Vocoder)


def test_silence_stays_below_the_floor_of_hearing():
    made = vocoder().requires_grad_(False)
    quiet = made(torch.full((1, 40, BINS), math.log(FLOOR)))
    loud = made(torch.full((1, 40, BINS), math.log(0.1)))
    assert float(quiet.abs().max()) < 2 * FLOOR * 3 * BINS
    assert float(loud.square().mean() / quiet.square().mean()) > 1e5
    assert made(torch.full((1, 40, BINS), -200.0)).abs().max() == 0


def test_a_batch_equals_its_singles():
    mel = -6 * torch.rand(3, 13, BINS, generator=torch.Generator().manual_seed(2))
    made = vocoder()
    torch.testing.assert_close(made(mel), torch.cat([made(single[None]) for single in mel]), atol=1e-5, rtol=1e-4)


def test_the_same_mel_sounds_the_same_and_leaves_the_global_generator_alone():
    mel, made = torch.full((1, 9, BINS), -3.0), vocoder()
    state = torch.get_rng_state()
    assert torch.equal(made(mel), made(mel))
    assert torch.equal(torch.get_rng_state(), state)


def test_gradients_flow_to_every_weight_and_to_the_mel():
    made = vocoder()
    mel = (-6 * torch.rand(2, 13, BINS, generator=torch.Generator().manual_seed(2))).requires_grad_()
    made(mel).square().mean().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in made.parameters())
    assert mel.grad.abs().sum(-1).gt(0).all()


def test_wheels_above_nyquist_stand_still():
    high = vocoder(mel={**MEL, "lowest": 100})  # rows from 2.6 kHz up; Nyquist is at 4 kHz
    with torch.no_grad():
        high.noise.weight.zero_()
        high.noise.bias.fill_(-60)
    mel = torch.full((1, 40, BINS), -200.0)
    mel[:, :, 8:] = 0
    assert high(mel).abs().max() < 1e-20
    mel[:, :, 6] = 0
    assert high(mel).abs().max() > 0.5


def test_the_configuration_makes_it_again():
    made = vocoder()
    again = TonewheelVocoder.from_config({**made.config, "model_type": "tonewheel"})
    again.load_state_dict(made.state_dict())
    mel = torch.full((1, 5, BINS), -3.0)
    assert torch.equal(again.eval()(mel), made(mel))


@pytest.mark.parametrize("hop", [4, 165])
def test_a_hop_that_its_noise_windows_do_not_cover_is_refused(hop: int):
    config = vocoder().config
    TonewheelVocoder.from_config({**config, "mel": {**MEL, "hop": 160}})
    with pytest.raises(CheckpointError, match=f"hop {hop} and 5 subframes; expected a hop of 5 to 160 samples"):
        TonewheelVocoder.from_config({**config, "mel": {**MEL, "hop": hop}})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"noise_window": 10**9}, "noise_window 1000000000; expected a whole number from 2 to"),
        ({"noise_window": -5}, "noise_window -5; expected a whole number from 2 to"),
        ({"detunings": [0.0, 10**9]}, r"detunings \[0\.0, 1000000000\]; expected a list of numbers from -1200 to 1200"),
        ({"detunings": [0.0, None]}, r"detunings \[0\.0, None\]; expected a list of numbers"),
    ],
)
def test_a_window_or_a_detuning_that_no_piece_can_use_is_refused(changes: dict[str, Any], told: str):
    with pytest.raises(CheckpointError, match=told):
        TonewheelVocoder.from_config({**vocoder().config, **changes})
