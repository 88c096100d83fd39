from __future__ import annotations

import re

import pytest
import torch

from art2mus_core.cli.devices import choose_precision

from .saying import one_line

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "avx2": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_a_cpu_computes_in_the_precision_it_is_made_for(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: torch.dtype
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_precision("auto", CPU) == expected
    assert choose_precision("float32", CPU) == torch.float32


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_a_format_that_is_only_imitated_is_said_with_the_faster_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True}, raising=False)
    assert choose_precision(name, CPU) == getattr(torch, name)
    said = capsys.readouterr()
    assert said.out == ""
    assert one_line(said.err)
    assert re.search(rf"{name}.*--precision float32", said.err)


def test_nothing_is_said_of_a_format_that_the_device_computes_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    for name in ("auto", "float32", "bfloat16"):
        choose_precision(name, CPU)
    assert capsys.readouterr() == ("", "")


def test_a_gpu_computes_in_half_precision():
    assert choose_precision("auto", torch.device("cuda")) == torch.float16
