from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from art2mus_core.audio.mel import MelTransform, tone_response
from art2mus_core.decoders import tonewheel
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
MEL: dict[str, Any] = {
    "sample_rate": RATE,
    "hop": HOP,
    "mel_bins": BINS,
    "scale": "semitone",
    "lowest": LOWEST,
    "highest": 0.0,
    "windows": [2048, 1024],
    "floor": FLOOR,
}


def vocoder(**changes: Any) -> TonewheelVocoder:
    torch.manual_seed(0)
    config = {"mel": MEL, "width": 11, "blocks": 2, "subframes": 5, "detunings": [0.0, -14.0], "noise_window": 64}
    return TonewheelVocoder(**{**config, **changes}).eval()


def only(loudness: float, noise: float, tuning: list[float]) -> TonewheelVocoder:
    """Untrained, with these gains (logits) for everything."""
    made = vocoder()
    with torch.no_grad():
        made.leave.weight.zero_()
        made.leave.bias.copy_(torch.tensor([loudness, noise, *tuning]).repeat(made.subframes))
    return made.requires_grad_(False)


def wheels_only() -> TonewheelVocoder:
    """Its tempered wheels open as far as the mel says, everything else shut."""
    return only(0.0, -60.0, [60.0, -60.0])


def steady(row: int, amplitude: float, frames: int = 96) -> torch.Tensor:
    """The mel of a tone."""
    heard = torch.from_numpy(amplitude * tone_response(GRID)[row]).float()
    return heard.clamp(min=FLOOR).log().expand(1, frames, BINS).clone()


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
    assert abs(early) == pytest.approx(0.25, rel=0.04)
    assert abs(late) == pytest.approx(0.25, rel=0.04)
    drift = torch.angle(late / early) / (2 * math.pi * 4800 / RATE)  # hertz off
    assert abs(1200 * math.log2(1 + float(drift) / hertz_of(row))) < 0.05
    loudest = samples.square().mean().sqrt()
    assert float(loudest) == pytest.approx(0.25 / math.sqrt(2), rel=0.04)


def test_a_tone_reads_as_the_mel_it_was_made_from():
    mel = steady(12, 0.1)
    again = MelTransform(GRID)(wheels_only()(mel))
    middle = again[0, 24:-24]
    assert middle.argmax(-1).eq(12).all()
    torch.testing.assert_close(middle[:, 12], mel[0, 24:-24, 12], atol=0.04, rtol=0)


def falling(row: int, before: float, after: float) -> torch.Tensor:
    """The mel of a tone that falls to another amplitude after 48 of 96 frames."""
    time = torch.arange(96 * HOP)
    loudness = torch.where(time < 48 * HOP, before, after)
    return MelTransform(GRID)((loudness * torch.sin(2 * math.pi * hertz_of(row) / RATE * time))[None])


def test_a_step_of_loudness_takes_fewer_frames_than_the_window_has():
    mel = falling(10, 0.2, 0.002)
    tones = wheels_only()._sharpened(mel.exp() - FLOOR)[0, :, 10]
    late = 48 + 2  # of the 5 that the window reaches beyond the step
    assert float(mel[0, late, 10].exp()) > 0.03
    assert float(tones[late]) < 0.01
    assert float(tones[46]) > 0.15


@pytest.mark.parametrize("row", [0, 8, 17, 30])
def test_a_tone_turns_no_neighbouring_wheel(row: int):
    tones = wheels_only()._sharpened(steady(row, 0.25, 1).exp() - FLOOR)[0, 0]
    heard = steady(row, 0.25, 1).exp()[0, 0]
    near = [each for each in (row - 1, row + 1) if 0 <= each < BINS]
    assert float(heard[near].max() / heard[row]) > 0.05  # what the mel has there
    assert float(tones[near].max() / tones[row]) < 0.03


def test_two_tones_a_whole_tone_apart_leave_the_wheel_between_them_still():
    mel = (steady(12, 0.1, 1).exp() + steady(14, 0.1, 1).exp()) - FLOOR
    tones = wheels_only()._sharpened(mel)[0, 0]
    assert float(mel[0, 0, 13]) > 0.03
    assert float(tones[13] / tones[12]) < 0.08


def test_loudness_follows_the_mel_without_clicks():
    samples = wheels_only()(falling(10, 0.2, 0.02))[0]
    before, after = samples[20 * HOP : 44 * HOP], samples[52 * HOP : 76 * HOP]
    assert float(before.square().mean().sqrt() / after.square().mean().sqrt()) == pytest.approx(10, rel=0.04)
    steepest = 2 * math.pi * hertz_of(10) / RATE * 0.2
    assert float(samples.diff().abs().max()) < 3 * steepest  # a click would be four times as steep


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


def test_a_piece_of_many_stretches_has_no_seams(monkeypatch: pytest.MonkeyPatch):
    mel = -6 * torch.rand(1, 61, BINS, generator=torch.Generator().manual_seed(2))
    made = vocoder()
    monkeypatch.setattr(tonewheel, "STRETCH", 61)
    whole = made(mel)
    for frames in (1, 17, 60):
        monkeypatch.setattr(tonewheel, "STRETCH", frames)
        torch.testing.assert_close(made(mel), whole, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_what_is_held_at_once_does_not_grow_with_the_piece():
    made, seen = vocoder(), []
    made.enter.register_forward_hook(lambda _, given, __: seen.append(given[0].shape[2]))
    made(torch.full((1, 10 * tonewheel.STRETCH, BINS), -3.0))
    assert len(seen) == 10
    assert max(seen) <= tonewheel.STRETCH + 2 * (made.near + made.reach)


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
        high.leave.weight.zero_()
        high.leave.bias.copy_(torch.tensor([0.0, -60.0, 0.0, 0.0]).repeat(high.subframes))
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


def test_a_mel_without_semitones_is_refused():
    with pytest.raises(CheckpointError, match="scale 'slaney'; expected the scale semitone"):
        TonewheelVocoder.from_config({**vocoder().config, "mel": {**MEL, "scale": "slaney"}})


@pytest.mark.parametrize("chunk", [1, 7, 25, 500])
@torch.no_grad()
def test_a_stream_joins_to_the_whole(chunk):
    """Longer than what the first chunk depends on, so that it is sharpened in parts."""
    played = vocoder(channels=2, noise_window=330)
    torch.nn.init.normal_(played.leave.weight)
    frames = 450 if chunk == 25 else 23
    mel = Mel((torch.rand(2, frames, BINS) * 6 - 7) * (1 + torch.arange(frames)[:, None] % 5 / 5))
    chunks = [part.samples for part in played.stream(mel, chunk)]
    assert {part.shape[-1] for part in chunks[:-1]} <= {chunk * HOP}
    torch.testing.assert_close(torch.cat(chunks, -1), played.vocode(mel).samples, atol=1e-6, rtol=0)
