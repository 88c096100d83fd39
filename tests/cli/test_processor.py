from __future__ import annotations

import os

import pytest

from art2mus_core.cli.machine import advice, examine_cpu

IDLE = {"name": "cpu", "what": "x86_64", "cores": 2, "threads": 2, "load": 0.1, "imitates": []}


def test_an_idle_processor_that_computes_in_half_formats_needs_no_advice():
    assert advice(IDLE) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"load": 6.5}, "OMP_NUM_THREADS=1"),
        ({"load": 1.0}, "1 processes share the 2 cores"),
        ({"imitates": ["bfloat16"]}, "float32"),
        ({"load": 9.0, "threads": 1}, None),
        ({"load": None}, None),
        ({"load": 1.0, "cores": 64, "threads": 64}, None),
    ],
)
def test_what_makes_it_slow_is_said_with_what_to_do(changed, told):
    lines = advice({**IDLE, **changed})
    assert (told in " ".join(lines)) if told else lines == []


def test_this_processor_is_described():
    found = examine_cpu()
    assert found["cores"] == os.cpu_count()
    assert found["threads"] >= 1
    assert set(found["imitates"]) <= {"bfloat16", "float16"}


def test_doctor_tells_it(art2mus, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    _, out, err = art2mus("doctor", model=None)
    assert err == ""
    assert "Slow on this cpu: bfloat16 and float16" in out
