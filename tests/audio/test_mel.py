from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from art2mus_core.audio.mel import MelTransform, filterbanks
from art2mus_core.errors import AudioError
from art2mus_core.types import AudioGrid


def grid(**changes):
    fields = {
        "sample_rate": 16_000,
        "hop": 200,
        "mel_bins": 96,
        "scale": "semitone",
        "lowest": 24.0,
        "highest": 120.0,
        "windows": (4096, 2048, 1024),
        "floor": 3e-4,
        "latent_channels": 3,
        "latent_factor": 8,
        "latent_scale": 1.0,
        "language_width": 7,
    }
    return AudioGrid(**(fields | changes))


def audioldm2(**changes):
    return grid(
        **({"hop": 160, "mel_bins": 64, "scale": "slaney", "lowest": 0.0, "highest": 8000.0} | changes),
        windows=(1024,),
        floor=1e-5,
    )


def tone(midi, amplitude=0.5, seconds=0.9, rate=16_000):
    t = torch.arange(int(seconds * rate), dtype=torch.float64) / rate
    return (amplitude * torch.sin(2 * math.pi * 440 * 2 ** ((midi - 69) / 12) * t + 0.7)).float()[None]


def slaney_by_hand(samples):
    """AudioLDM2's front end frame by frame in float64: the definition, without a matrix."""
    size, hop, rate, bins = 1024, 160, 16_000, 64

    def hertz(mel):
        return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)

    top = 15 + 27 * math.log(8) / math.log(6.4)
    edges = [hertz(top * i / (bins + 1)) for i in range(bins + 2)]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    padded = np.pad(samples, size // 2, mode="reflect")
    rows = []
    for start in range(0, len(samples) // hop * hop, hop):
        magnitude = np.abs(np.fft.rfft(padded[start : start + size] * window))
        row = []
        for low, centre, high in zip(edges, edges[1:], edges[2:], strict=False):
            total = 0.0
            for k, value in enumerate(magnitude):
                f = k * rate / size
                if low < f <= centre:
                    total += value * (f - low) / (centre - low)
                elif centre < f < high:
                    total += value * (high - f) / (high - centre)
            row.append(math.log(max(total * 2 / (high - low), 1e-5)))
        rows.append(row)
    return np.array(rows)


def test_slaney_equals_a_float64_transcription_of_audioldm2s_front_end():
    samples = np.random.default_rng(0).normal(0, 0.1, 1700)
    samples[900:] *= 1e-6  # some of it must fall below the floor's reach
    ours = MelTransform(audioldm2())(torch.from_numpy(samples).float()[None])[0].numpy()
    assert ours.shape == (10, 64)
    assert np.abs(ours - slaney_by_hand(samples)).max() < 2e-3


def test_slaney_filters_have_unit_area():
    rows = filterbanks(audioldm2())[1024]
    assert rows.shape == (64, 513)
    assert np.allclose(rows[20:].sum(1) * 16_000 / 1024, 1, atol=0.15)


@pytest.mark.parametrize("length", [4096, 4099, 4199, 4200])
def test_frames_are_samples_over_hop(length):
    assert MelTransform(grid())(torch.zeros(2, length)).shape == (2, length // 200, 96)


def test_a_tone_peaks_in_its_own_row_and_reads_its_amplitude_and_does_not_leak():
    transform = MelTransform(grid())
    for midi in range(36, 120):
        heard = transform(tone(midi))[0, 36].exp()
        row = midi - 24
        assert int(heard.argmax()) == row, midi
        assert heard[row] == pytest.approx(0.5, rel=0.08), midi
        if midi >= 48:
            others = torch.cat([heard[: row - 1], heard[row + 2 :]])
            assert float(others.max()) < 0.025, midi


def test_each_row_uses_the_shortest_window_that_tells_semitones_apart():
    rows = {size: len(matrix) for size, matrix in filterbanks(grid()).items()}
    assert rows == {4096: 37, 2048: 12, 1024: 47}
    for size, lowest in ((2048, 61), (1024, 73)):
        semitone = 440 * 2 ** ((lowest - 69) / 12) * (2 ** (1 / 12) - 1)
        assert 2 * 16_000 / size <= semitone < 2 * 16_000 / size * 2 ** (1 / 12)


def test_rows_of_one_window_and_rows_above_half_the_rate():
    rows = MelTransform(grid(windows=(2048,), mel_bins=110))(tone(60))
    assert rows.shape == (1, 72, 110)
    assert torch.allclose(rows[..., 100:], torch.tensor(math.log(3e-4)))


def test_silence_is_the_floor_and_batches_equal_single_pieces():
    transform = MelTransform(grid())
    pieces = torch.cat([tone(57), torch.zeros(1, 14_400), tone(80, 0.01)])
    together = transform(pieces)
    assert torch.allclose(together[1], torch.tensor(math.log(3e-4)))
    for index in range(3):
        assert torch.allclose(together[index], transform(pieces[index : index + 1])[0], atol=1e-5)


def test_nothing_is_saved_with_a_checkpoint_and_a_sound_gets_its_gradient():
    transform = MelTransform(grid())
    assert transform.state_dict() == {}
    assert not transform(tone(60)).requires_grad
    sound = tone(60).requires_grad_()
    transform(sound).sum().backward()
    assert sound.grad is not None
    assert sound.grad.isfinite().all()


def test_too_short_a_sound_is_refused():
    with pytest.raises(AudioError, match="2048 samples; expected at least 2049"):
        MelTransform(grid())(torch.zeros(1, 2048))
