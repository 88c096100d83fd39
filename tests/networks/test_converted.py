"""Blocks whose weights keep the precision of their file."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from art2mus_core.networks.converted import run_converted


@pytest.fixture
def blocks():
    torch.manual_seed(0)
    return [nn.Sequential(nn.Linear(5, 5), nn.Tanh()) for _ in range(3)]


@pytest.mark.parametrize("stored", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@torch.no_grad()
def test_each_block_computes_with_its_own_weights(stored, dtype, blocks):
    x, kept = torch.randn(2, 5).to(dtype), [block.to(stored) for block in blocks]
    found, expected = run_converted(kept, x), x
    for block in kept:
        expected = deepcopy(block).to(dtype)(expected)
    assert found.dtype == dtype
    assert torch.equal(found, expected)
    assert {weight.dtype for block in kept for weight in block.parameters()} == {stored}
