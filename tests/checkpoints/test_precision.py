from __future__ import annotations

import pytest
import torch

from art2mus_core.checkpoints.precision import imitates

CPU = torch.device("cpu")
HALVES = (torch.bfloat16, torch.float16)


@pytest.mark.parametrize(
    ("capabilities", "imitated"),
    [
        ({"avx512_bf16": True, "avx512_fp16": False}, {torch.float16}),
        ({"amx_bf16": True}, {torch.float16}),
        ({"avx512_fp16": True}, {torch.bfloat16}),
        ({"avx512_bf16": False, "avx512_f": True, "avx2": True}, set(HALVES)),
        ({"architecture": "aarch64", "neon": True}, set(HALVES)),
        ({}, set(HALVES)),
    ],
)
def test_a_cpu_imitates_what_it_has_no_instructions_for(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool | str], imitated: set[torch.dtype]
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert {dtype for dtype in (*HALVES, torch.float32, torch.float64) if imitates(CPU, dtype)} == imitated


def test_a_torch_that_cannot_tell_is_not_trusted_with_half_formats(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert all(imitates(CPU, dtype) for dtype in HALVES)
    assert not imitates(CPU, torch.float32)


def test_graphics_cards_compute_in_float16_and_the_newer_ones_in_bfloat16(monkeypatch: pytest.MonkeyPatch):
    for capability, imitated in (((7, 5), True), ((8, 0), False), ((9, 0), False)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device, found=capability: found)
        assert imitates(torch.device("cuda"), torch.bfloat16) is imitated
        assert not imitates(torch.device("cuda"), torch.float16)
    assert not imitates(torch.device("mps"), torch.bfloat16)
