from __future__ import annotations

import shutil
from pathlib import Path

import torch

from art2mus_core.checkpoints.tensors import opened, read_tensors
from art2mus_core.decoders.preview import load_preview, preview_file
from art2mus_core.training.previewing import write_preview


def test_the_vae_stage_ends_with_a_preview_that_can_be_made_again(trained: Path, pairs: Path, tmp_path: Path):
    assert load_preview(trained) is not None
    with opened(preview_file(trained)) as file:
        assert file.metadata()["fitted_on"] == "4 training pieces"
    own = shutil.copytree(trained, tmp_path / "own")
    preview_file(own).unlink()
    again, first = read_tensors(write_preview(pairs, own)), read_tensors(preview_file(trained))
    assert again[1] == first[1]
    assert again[0].keys() == first[0].keys()
    assert all(torch.equal(again[0][name], tensor) for name, tensor in first[0].items())
