"""What is told about a part that a checkpoint lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from art2mus_core.checkpoints.folder import read_config
from art2mus_core.checkpoints.lacking import COMMENTED, command_for
from art2mus_core.errors import CheckpointError
from art2mus_core.training.config import TrainingConfig


def test_every_command_names_a_packaged_configuration():
    trained = {made.removeprefix("train ") for made in COMMENTED.values() if made.startswith("train ")}
    assert trained <= TrainingConfig.packaged().keys()


@pytest.mark.parametrize(
    ("there", "name", "told"),
    [
        ((), "vae", "make the part: `art2mus train vae --data DATA --out "),
        ((), "vocoder", "make the part: `art2mus train vocoder --data DATA"),
        (("codec_decoder",), "vocoder", "make the part: `art2mus train art2music-tonewheel --data DATA"),
        (("fusion",), "text_encoder", "make the part: `art2mus fit-words SENTENCES "),
        (("codec_decoder",), "codec_encoder", "Models to compose with come without it."),
        ((), "tokenizer", "Install or download the checkpoint again."),
    ],
)
def test_a_part_that_is_missing_is_told_with_the_command_that_makes_it(
    tmp_path: Path, there: tuple[str, ...], name: str, told: str
):
    for part in there:
        (tmp_path / part).mkdir()
    with pytest.raises(CheckpointError) as found:
        read_config(tmp_path, name)
    assert told in str(found.value)
    assert (told == str(found.value.remedy)) == (name == "tokenizer")


def test_a_model_that_reads_comments_is_known_by_its_class(tmp_path: Path):
    assert command_for(tmp_path, "plan_model") is None
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "Art2MusicPipeline"}))
    assert "train art2music " in str(command_for(tmp_path, "plan_model"))
