"""The audio tower of a published prior's CLAP, against transformers' own class."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import ClapFeatureExtractor

from art2mus_core.encoders.clap_audio import load_clap_audio
from art2mus_core.errors import CheckpointError
from art2mus_core.types import Waveform

from ..text_encoders import CLAP_WIDTH, write_ears


@pytest.fixture(scope="module")
def hearing(talking_like: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published checkpoint with CLAP's front end. Not to be written to."""
    return write_ears(shutil.copytree(talking_like, tmp_path_factory.mktemp("hearing") / "audioldm2"))


def noise(seconds: float, rate: int = 1600) -> Waveform:
    return Waveform(torch.randn(1, 2, round(seconds * rate), generator=torch.Generator().manual_seed(0)) / 9, rate)


def test_a_sound_is_embedded_as_published(hearing: Path, talking):
    extractor, sound = ClapFeatureExtractor.from_pretrained(hearing / "feature_extractor"), noise(2.0)
    features = extractor(sound.samples[0].mean(0).numpy(), sampling_rate=1600, return_tensors="pt")
    with torch.inference_mode():
        heard = talking.text_encoder.get_audio_features(input_features=features["input_features"])
        wanted = torch.nn.functional.normalize(getattr(heard, "pooler_output", heard), dim=-1)
        found = load_clap_audio(hearing).embed(sound)
    assert found.shape == (1, CLAP_WIDTH)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_long_sound_is_the_mean_of_its_parts(hearing: Path):
    clap, sound = load_clap_audio(hearing), noise(4.9)
    sound.samples[..., 3200:4800] = 0
    sound.samples[..., 4800:] *= 9
    with torch.inference_mode():
        parts = [clap.embed(Waveform(part, 1600)) for part in sound.samples[..., :6400].split(3200, dim=-1)]
        found = clap.embed(sound)
    torch.testing.assert_close(found, torch.nn.functional.normalize(sum(parts), dim=-1), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(*parts, atol=1e-3)


@pytest.mark.parametrize(
    ("fusion", "told"), [(False, "front end of CLAP"), (True, "fusion, which embeds random crops")]
)
def test_what_cannot_be_heard_with_is_refused(hearing: Path, tmp_path: Path, fusion: bool, told: str):
    folder = shutil.copytree(hearing, tmp_path / "own")
    if fusion:
        config = json.loads((folder / "text_encoder/config.json").read_text())
        config["audio_config"]["enable_fusion"] = True
        (folder / "text_encoder/config.json").write_text(json.dumps(config))
    else:
        shutil.rmtree(folder / "feature_extractor")
    with pytest.raises(CheckpointError, match=told):
        load_clap_audio(folder)
