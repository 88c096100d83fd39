from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pytest
import torch
from transformers import ASTFeatureExtractor, ASTForAudioClassification

from art2mus_core.errors import AudioError, CheckpointError
from art2mus_core.evaluation.embedders import Classifier, open_classifier
from art2mus_core.types import Waveform


@pytest.fixture
def tagger(ast_folder):
    return open_classifier(f"ast-audioset:{ast_folder}")


def published(folder, samples: torch.Tensor) -> np.ndarray:
    """The same files in transformers' own hands: the softmax over one window's logits."""
    with warnings.catch_warnings(action="ignore"):
        extractor = ASTFeatureExtractor.from_pretrained(folder)
    network = ASTForAudioClassification.from_pretrained(folder).eval()
    heard = extractor(samples.numpy(), sampling_rate=16000, return_tensors="pt")
    with torch.no_grad():
        return network(heard["input_values"]).logits[0].double().softmax(-1).numpy()


@pytest.mark.parametrize("seconds", [0.025, 0.3, 0.52, 0.54])
def test_a_window_is_named_as_published(tagger, ast_folder, sound, seconds):
    music = sound(seconds, 16000)
    probabilities = tagger.classify(music)
    expected = published(ast_folder, music.samples[0, 0, : round(0.52 * 16000)])
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert probabilities.max() - probabilities.min() > 0.1


def test_a_longer_sound_is_the_mean_of_its_windows(tagger, ast_folder, sound):
    music = sound(2 * 0.52, 16000)
    halves = [published(ast_folder, half) for half in music.samples[0, 0].split(round(0.52 * 16000))]
    assert np.abs(halves[0] - halves[1]).max() > 1e-3
    np.testing.assert_allclose(tagger.classify(music), np.mean(halves, 0), atol=1e-4)


def test_channels_are_mixed_and_rates_changed(tagger, sound):
    music = sound(0.5, 44100)
    stereo = Waveform(torch.cat([2 * music.samples, 0 * music.samples], 1), 44100)
    np.testing.assert_allclose(tagger.classify(stereo), tagger.classify(music), atol=1e-5)


def test_it_says_what_its_classes_are_called(tagger, ast_folder):
    assert isinstance(tagger, Classifier)
    assert tagger.labels == tuple(f"LABEL_{index}" for index in range(5))
    assert tagger.space == open_classifier(f"ast-audioset:{ast_folder}").space


def test_a_sound_that_cannot_be_named_is_refused(tagger, sound):
    with pytest.raises(AudioError, match="one frame"):
        tagger.classify(sound(0.02))
    with pytest.raises(AudioError, match="NaN"):
        tagger.classify(Waveform(torch.full((1, 1, 8000), torch.nan), 8000))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("model.safetensors", None, "model.safetensors is missing"),
        ("model.safetensors", b"damaged", "damaged"),
        ("config.json", None, "config.json is missing"),
        ("config.json", {"model_type": "clap"}, "of type 'clap'"),
        ("config.json", {"num_hidden_layers": 3}, "lacks"),
        ("config.json", {"num_hidden_layers": 1}, "has unexpected"),
        ("config.json", {"intermediate_size": 18}, "for \\[18"),
        ("preprocessor_config.json", None, "preprocessor_config.json is missing"),
        ("preprocessor_config.json", {"num_mel_bins": 64}, "frames of 64 mel bins"),
        ("preprocessor_config.json", {"do_normalize": False}, "and normalised"),
    ],
)
def test_what_is_damaged_is_told(ast_folder, tmp_path, name, content, told):
    folder = shutil.copytree(ast_folder, tmp_path / "own")
    if isinstance(content, dict):
        content = json.dumps(json.loads((folder / name).read_text(encoding="utf-8")) | content).encode()
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=told):
        open_classifier(f"ast-audioset:{folder}")
