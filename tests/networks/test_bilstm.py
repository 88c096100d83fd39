"""The decoder beside a loop over the LSTM's cells, written out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from art2mus_core.errors import SettingError
from art2mus_core.networks.bilstm import BiLstmDecoder

CONFIG = {"fused_dim": 5, "dim": 7, "hidden_dim": 3, "layers": 2, "max_frames": 13, "mel": {"mel_bins": 11}}


def passed(x: Tensor, W: dict[str, Tensor], name: str) -> Tensor:
    """One direction of one layer over [B, T, D]; the rows of the weights are input, forget, cell and output gate."""
    h = c = torch.zeros(len(x), W[f"lstm.weight_hh_{name}"].shape[1])
    states = []
    for frame in x.unbind(1):
        summed = frame @ W[f"lstm.weight_ih_{name}"].T + W[f"lstm.bias_ih_{name}"]
        summed = summed + h @ W[f"lstm.weight_hh_{name}"].T + W[f"lstm.bias_hh_{name}"]
        i, f, g, o = summed.chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        states.append(h)
    return torch.stack(states, 1)


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 11, 13])
def test_it_computes_the_published_decoder(frames):
    torch.manual_seed(0)
    decoder = BiLstmDecoder(CONFIG)
    for weight in decoder.parameters():
        nn.init.normal_(weight, std=0.5)
    W, fused = decoder.state_dict(), torch.randn(2, 5)
    x = (fused @ W["feat_proj.weight"].T + W["feat_proj.bias"])[:, None].repeat(1, frames, 1) + W["pos_emb"][:, :frames]
    for layer in range(2):
        there, back = passed(x, W, f"l{layer}"), passed(x.flip(1), W, f"l{layer}_reverse").flip(1)
        x = torch.cat([there, back], dim=2)
    expected = x @ W["out_proj.weight"].T + W["out_proj.bias"]
    assert expected.shape == (2, frames, 11)
    torch.testing.assert_close(decoder(fused, frames), expected, rtol=1e-5, atol=1e-5)
    assert {key.split(".")[0] for key in W} == {"feat_proj", "pos_emb", "lstm", "out_proj"}


def test_the_published_size():
    with torch.device("meta"):
        decoder = BiLstmDecoder({"mel": {"mel_bins": 80}})
    assert sum(weight.numel() for weight in decoder.parameters()) == 23_904_848


def test_more_frames_than_positions_are_refused():
    with pytest.raises(SettingError, match="a mel of 14 frames; expected at most 13"):
        BiLstmDecoder(CONFIG)(torch.zeros(1, 5), 14)
