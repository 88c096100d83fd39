from __future__ import annotations

import shutil
from pathlib import Path

from art2mus_core.checkpoints.tensors import opened
from art2mus_core.decoders.sketch import load_sketch, sketch_file
from art2mus_core.training.sketching import write_sketch


def test_the_vae_stage_ends_with_a_sketch_that_can_be_made_again(trained: Path, pairs: Path, tmp_path: Path):
    assert load_sketch(trained) is not None
    with opened(sketch_file(trained)) as file:
        assert file.metadata()["fitted_on"] == "4 training pieces"
    own = shutil.copytree(trained, tmp_path / "own")
    sketch_file(own).unlink()
    assert write_sketch(pairs, own).read_bytes() == sketch_file(trained).read_bytes()
