from __future__ import annotations

import shutil
from pathlib import Path

import torch

from art2mus_core.checkpoints.tensors import opened, read_tensors
from art2mus_core.decoders.sketch import load_sketch, sketch_file
from art2mus_core.training.sketching import write_sketch


def test_the_vae_stage_ends_with_a_sketch_that_can_be_made_again(trained: Path, pairs: Path, tmp_path: Path):
    assert load_sketch(trained) is not None
    with opened(sketch_file(trained)) as file:
        assert file.metadata()["fitted_on"] == "4 training pieces"
    own = shutil.copytree(trained, tmp_path / "own")
    sketch_file(own).unlink()
    again, first = read_tensors(write_sketch(pairs, own)), read_tensors(sketch_file(trained))
    assert again[1] == first[1]
    assert again[0].keys() == first[0].keys()
    assert all(torch.equal(again[0][name], tensor) for name, tensor in first[0].items())
