"""Products by oneDNN beside torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from art2mus_core.checkpoints.folder import read_config
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.names import locate
from art2mus_core.networks import products
from art2mus_core.networks.autoencoder import SpatialAttention
from art2mus_core.networks.layers import Attention
from art2mus_core.networks.products import Linear, attend_by_heads, by_heads
from art2mus_core.networks.unet import UNet

needs_onednn = pytest.mark.skipif(not products.ONEDNN, reason="needs an x86 processor and torch with oneDNN")

SIZES = {
    "block_out_channels": [6, 10],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "norm_num_groups": 2,
    "attention_head_dim": 2,
    "cross_attention_dim": 7,
}


def layer(*, bias=True):
    torch.manual_seed(0)
    made = Linear(35, 17, bias=bias)
    made.quick = True
    return made


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(35,), (13, 35), (2, 13, 35)], ids=str)
def test_a_quick_layer_computes_what_a_slow_one_does(shape, bias):
    quick = layer(bias=bias)
    x = torch.randn(*shape)
    with torch.inference_mode():
        found, expected = quick(x), F.linear(x, quick.weight, quick.bias)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-6 * expected.abs().max()


@needs_onednn
def test_it_reads_parts_of_a_larger_tensor():
    quick, x = layer(), torch.randn(2, 35, 13)
    with torch.inference_mode():
        torch.testing.assert_close(quick(x.transpose(1, 2)), F.linear(x.transpose(1, 2), quick.weight, quick.bias))


@needs_onednn
def test_with_gradients_the_product_is_that_of_torch():
    quick, x = layer(), torch.randn(3, 35, requires_grad=True)
    quick(x).square().sum().backward()
    assert x.grad.abs().min() > 0
    assert quick.weight.grad.abs().max() > 0


@needs_onednn
def test_only_quick_layers_use_onednn():
    names = []

    class Listed(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            names.append(str(func))
            return func(*args, **(kwargs or {}))

    with torch.inference_mode(), Listed():
        Linear(35, 17)(torch.randn(2, 35))
        assert not any("mkldnn" in name for name in names)
        layer()(torch.randn(2, 35))
        assert any("mkldnn" in name for name in names)


def test_a_large_unet_is_quick_and_a_small_one_keeps_its_bits(monkeypatch):
    def quick(network):
        return {part.quick for part in network.modules() if isinstance(part, nn.Linear)}

    weights = sum(weight.numel() for weight in UNet(SIZES).parameters())
    monkeypatch.setattr(products, "LARGE", weights + 1)
    assert quick(UNet(SIZES)) == {False}
    monkeypatch.setattr(products, "LARGE", weights)
    assert quick(UNet(SIZES)) == {True}


@pytest.mark.parametrize("length", [127, 128, 256, 517])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_attention_by_heads_is_attention(length, dtype):
    torch.manual_seed(0)
    states = [torch.randn(2, length, 3, 10).to(dtype).transpose(1, 2) for _ in range(3)]
    with torch.inference_mode():
        found = attend_by_heads(*states).float()
        expected = F.scaled_dot_product_attention(*(each.float() for each in states))
    assert found.shape == expected.shape
    assert (found - expected).norm() <= (1e-6 if dtype == torch.float32 else 0.01) * expected.norm()


@pytest.fixture
def calls(monkeypatch):
    """The lengths with which attention by heads is computed."""
    lengths = []

    def listed(query, key, value):
        lengths.append(query.shape[2])
        return attend_by_heads(query, key, value)

    monkeypatch.setattr("art2mus_core.networks.layers.attend_by_heads", listed)
    return lengths


@needs_onednn
def test_self_attention_of_many_pixels_in_bfloat16_is_by_heads(monkeypatch, calls):
    monkeypatch.setattr(products, "ROWS", 16)
    torch.manual_seed(0)
    attention = Attention(20, 2, 10).bfloat16()
    x = torch.randn(2, 11, 20).bfloat16()
    with torch.inference_mode():
        attention(x)
        attention(x, x[:, :3])  # cross-attention
        attention(x[:, :7])
        attention.float()(x.float())
    attention.bfloat16()(x)
    assert calls == [11]
    with torch.inference_mode():
        assert not by_heads(torch.zeros(1, 1, 99, 4), 99)
        assert not by_heads(torch.zeros(1, 1, 99, 4).double(), 9)


@needs_onednn
@pytest.mark.parametrize("kind", [Attention, SpatialAttention])
def test_in_float32_only_long_self_attention_is_by_heads(kind, calls):
    torch.manual_seed(0)
    attention = Attention(8, 2, 4) if kind is Attention else SpatialAttention(8, 2)
    for length, expected in ((kind.exact, []), (kind.exact + 1, [kind.exact + 1])):
        x = torch.randn(1, length, 8) if kind is Attention else torch.randn(1, 8, length, 1)
        whole = attention(x)  # with gradients torch's kernel
        with torch.inference_mode():
            found = attention(x)
            assert calls == expected
            assert torch.equal(found, whole) == (not expected)
            torch.testing.assert_close(found, whole.detach(), rtol=1e-5, atol=1e-6)


def test_thirty_seconds_of_the_bundled_model_keep_their_bits():
    grid, factor = (
        read_grid(locate("pocket")),
        2 ** (len(read_config(locate("pocket"), "unet")["block_out_channels"]) - 2),
    )
    _, frames, rows = grid.latent_shape(30.0)
    assert frames * rows <= SpatialAttention.exact
    assert -(-frames // factor) * -(-rows // factor) <= Attention.exact
