from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from art2mus_core.checkpoints import memory
from art2mus_core.errors import SettingError
from art2mus_core.pipelines import load, peaks
from art2mus_core.types import Artwork

CASES = {"pocket": [(10.0, 1), (10.0, 8)], "pocket, long": [(60.0, 1)], "art2music": [(1.0, 1), (10.0, 8)]}
"""Seconds and pieces, by growing memory: a process only tells its largest size so far."""

MEASURED = """
import json, sys
import torch
import art2mus_core.cli.composing
from art2mus_core.pipelines import load, peaks
from art2mus_core.types import Artwork

torch.set_num_threads(1)
# ru_maxrss would count the process that started this one
size = lambda: 1024 * int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
pipeline, artwork = load(sys.argv[2]), Artwork(torch.zeros(3, 64, 64, dtype=torch.uint8))
loaded, found = size(), []
for seconds, count in json.loads(sys.argv[1]):
    predicted = loaded + max(pipeline.working(seconds, count).values())
    pipeline.compose([artwork] * count, seeds=range(count), seconds=seconds, steps=2, guided_below=1.0)
    found.append([predicted, size()])
print(json.dumps(found))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the size of a process as Linux tells it")
@pytest.mark.parametrize("case", CASES)
def test_the_memory_of_the_bundled_models_is_predicted(case):
    given = json.dumps(CASES[case]), case.split(",")[0]
    done = subprocess.run([sys.executable, "-c", MEASURED, *given], check=True, stdout=subprocess.PIPE, text=True)
    for predicted, measured in json.loads(done.stdout.splitlines()[-1]):
        assert predicted == pytest.approx(measured, rel=0.25)


@pytest.fixture(scope="module")
def opened(pocket_like):
    return load(str(pocket_like))


@pytest.fixture(scope="module")
def artwork():
    return Artwork(torch.full((3, 21, 34), 90, dtype=torch.uint8))


def test_what_does_not_fit_is_refused_before_the_first_step_with_advice(opened, artwork, monkeypatch):
    seen = []
    needed = opened.predicted(2.0, 3)
    monkeypatch.setattr(memory, "available", lambda: needed - 1)
    with pytest.raises(SettingError, match=r"composing 3 x 2 s at once takes .* fewer artworks or seconds at a time"):
        opened.compose([artwork] * 3, seconds=2.0, on_step=lambda step: seen.append(step.stage))
    assert "denoise" not in seen
    monkeypatch.setattr(memory, "available", lambda: needed)
    opened.compose([artwork] * 3, seconds=2.0, steps=1)


def test_more_music_needs_more_memory_and_a_batch_is_decoded_piece_by_piece(opened):
    assert opened.predicted(1.0, 1) < opened.predicted(8.0, 1) < opened.predicted(60.0, 1)
    long, eight = (opened.predicted(seconds, count) for seconds, count in ((60.0, 1), (60.0, 8)))
    assert eight < 8 * long


def test_memory_grows_more_slowly_than_a_long_piece(opened):
    short, long = (opened.working(seconds, 1) for seconds in (30.0, 120.0))
    assert long["level"] < 3 * short["level"]
    config = {"model_type": "hifigan", "upsample_initial_channel": 64, "upsample_rates": [2, 2]}
    grid = opened.parts.grid
    sizes = [peaks._vocoder(config, grid, grid.samples(seconds)) for seconds in (10.0, 30.0, 120.0)]
    assert sizes[0] < sizes[1] == pytest.approx(sizes[2], rel=0.01)


def test_networks_that_are_yet_to_be_opened_count(pocket_like, opened):
    freeing = load(str(pocket_like), offload=True)
    assert not freeing.parts.is_open("vocoder")
    assert freeing.predicted(1.0, 1) > opened.predicted(1.0, 1)


def test_each_latent_is_decoded_alone(opened):
    seen = []
    hook = opened.parts.autoencoder.vae.decoder.conv_in.register_forward_hook(
        lambda _, given, __: seen.append(len(given[0]))
    )
    with torch.inference_mode():
        opened.compose([Artwork(torch.full((3, 9, 9), value, dtype=torch.uint8)) for value in (3, 99)], seconds=1.0)
    hook.remove()
    assert seen == [1, 1]
