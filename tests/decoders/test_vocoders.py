from __future__ import annotations

import json
import math

import pytest
import torch

from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.decoders import vocoders
from art2mus_core.decoders.vocoders import load_vocoder
from art2mus_core.errors import CheckpointError
from art2mus_core.interfaces import Vocoder
from art2mus_core.types import Mel


def test_every_vocoder_gives_a_hop_of_samples_a_frame(checkpoint):
    grid = read_grid(checkpoint)
    vocoder = load_vocoder(checkpoint, grid)
    assert isinstance(vocoder, Vocoder)
    mel = Mel(torch.randn(2, 17, grid.mel_bins) + math.log(grid.floor) / 2)
    waveform = vocoder.vocode(mel)
    assert waveform.samples.shape == (2, 1, 17 * grid.hop)
    assert waveform.sample_rate == grid.sample_rate
    assert waveform.samples.isfinite().all()


def test_hifigan_loses_only_the_samples_past_the_last_frame(published_like):
    grid = read_grid(published_like)
    vocoder = load_vocoder(published_like, grid)
    mel = torch.randn(1, 17, grid.mel_bins)
    cut, whole = vocoder.vocode(Mel(mel)).samples[:, 0], vocoder.network(mel)
    assert whole.shape[1] > 17 * grid.hop
    assert torch.equal(cut, whole[:, : 17 * grid.hop])


def test_an_unknown_vocoder_is_told_the_known(own_checkpoint):
    path = own_checkpoint / "vocoder" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "model_type": "bigvgan"}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="hifigan, speecht5_hifigan, tonewheel"):
        load_vocoder(own_checkpoint, read_grid(own_checkpoint))


@pytest.mark.parametrize("frames", [1, 5, 17, 40])
def test_hifigan_streams_pieces_of_one_size(published_like, frames):
    grid = read_grid(published_like)
    vocoder, mel = load_vocoder(published_like, grid), Mel(torch.randn(2, 17, grid.mel_bins))
    pieces, whole = list(vocoder.stream(mel, frames)), vocoder.vocode(mel).samples
    sizes = [piece.samples.shape[-1] // grid.hop for piece in pieces]
    assert sizes == [frames] * (17 // frames) + [17 % frames] * (17 % frames > 0)
    torch.testing.assert_close(torch.cat([piece.samples for piece in pieces], -1), whole, rtol=0, atol=1e-6)


def test_a_long_mel_is_vocoded_in_stretches(published_like, monkeypatch):
    grid = read_grid(published_like)
    vocoder = load_vocoder(published_like, grid)
    rate = grid.sample_rate / grid.hop
    monkeypatch.setattr(vocoders, "WHOLE", 40 / rate)
    monkeypatch.setattr(vocoders, "STRETCH", 9 / rate)
    longest = list[int]()
    monkeypatch.setattr(
        vocoder.network, "_last", lambda x, last=vocoder.network._last: longest.append(x.shape[-1]) or last(x)
    )
    for frames, batch in ((40, 1), (41, 2), (131, 1)):
        mel = torch.randn(batch, frames, grid.mel_bins)
        longest.clear()
        samples = vocoder.vocode(Mel(mel)).samples
        assert samples.shape == (batch, 1, frames * grid.hop)
        assert (max(longest) >= frames * grid.hop) == (frames == 40)
        torch.testing.assert_close(samples[:, 0], vocoder.network(mel)[:, : frames * grid.hop], rtol=0, atol=1e-6)
    lengths = list[int]()
    for frames in (200, 400):
        longest.clear()
        vocoder.vocode(Mel(torch.randn(1, frames, grid.mel_bins)))
        lengths.append(max(longest))
    assert lengths[0] == lengths[1]


def test_up_to_thirty_seconds_hifigan_keeps_its_bits(published_like):
    grid = read_grid(published_like)
    vocoder = load_vocoder(published_like, grid)
    mel = torch.randn(1, int(30 * grid.sample_rate / grid.hop), grid.mel_bins)
    with torch.inference_mode():
        assert torch.equal(vocoder.vocode(Mel(mel)).samples[:, 0], vocoder.network(mel)[:, : mel.shape[1] * grid.hop])
