"""The stage `embedding`: the head of an image encoder, with an audio encoder or for one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from art2mus_core.checkpoints.folder import read_tensors, save_component, weights_file
from art2mus_core.encoders.pocket import PocketImageEncoder
from art2mus_core.errors import CheckpointError
from art2mus_core.images.reading import read_artwork
from art2mus_core.training.stages import stage_builder

from .conftest import DIM, state_of


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    return read_tensors(weights_file(folder, name))[0]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("frozen", [False, True], ids=["both sides", "the image side"])
def test_the_head_learns_and_what_is_frozen_stays(  # noqa: PLR0917
    train_stage, tiny, trained: Path, eye: Path, frozen: bool, tmp_path: Path
):
    folder = shutil.copytree(trained, tmp_path / "own")
    before = files(folder)
    shutil.copytree(eye / "image_encoder", folder / "image_encoder", dirs_exist_ok=True)  # with its first head again
    objective, history = train_stage(tiny("embedding", {"frozen_audio": frozen}, seed=1), folder, tmp_path / "run")
    objective.export(folder)
    state, old, new = (
        state_of(tmp_path / "run"),
        weights(eye, "image_encoder"),
        weights(folder, "image_encoder"),
    )
    for key, stored in new.items():
        if not key.startswith("head."):
            assert torch.equal(stored, old[key]), key
            continue
        assert (stored.float() - old[key].float()).abs().max() > 1e-3, key
        averaged = state["average"][f"image_encoder.{key.removeprefix('head.')}"]
        assert torch.equal(stored, averaged.half()), key
    changed = {name for name, content in files(folder).items() if content != before[name]} - {
        "image_encoder/model.safetensors"
    }
    assert changed == (set() if frozen else {"audio_encoder/model.safetensors"})
    assert any(key.startswith("audio_encoder.") for key in state["trained"]) is not frozen
    assert all(name in history[0] for name in ("validation recall at 10", "validation image arousal"))


@pytest.mark.parametrize("kind", ["nothing", "version 0.1"])
def test_a_checkpoint_without_such_an_encoder_is_refused_in_words(pairs: Path, tiny, kind: str, tmp_path: Path):
    if kind == "version 0.1":
        encoder = PocketImageEncoder(64, [8, 16], DIM, "tiny")
        save_component(tmp_path, "image_encoder", encoder, encoder.config, half=True)
    with pytest.raises(CheckpointError, match=r"no EfficientNet-Lite image encoder in .*art2mus convert") as refused:
        stage_builder(tiny("embedding"), pairs, tmp_path)()
    assert "\n" not in str(refused.value)


def test_a_frozen_audio_encoder_has_to_be_there(pairs: Path, tiny, eye: Path):
    with pytest.raises(CheckpointError, match=r"no audio_encoder.*Copy the bundled .*docs/TRAINING\.md"):
        stage_builder(tiny("embedding", {"frozen_audio": True}), pairs, eye)()


def test_what_the_head_learns_from_is_what_the_encoder_sees(pairs: Path, tiny, eye: Path):
    """The embedding of a row is that of its picture as when composing."""
    objective = stage_builder(tiny("embedding"), pairs, eye)()
    encoder = objective.image_encoder
    for row, pair in enumerate(objective.data.pairs):
        expected = encoder.encode([read_artwork(pairs / pair.artwork)]).values
        torch.testing.assert_close(objective.image_encoder(torch.from_numpy(objective.seen[[row]])), expected)
