from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import ClapFeatureExtractor, ClapModel, RobertaTokenizerFast

from art2mus_core.errors import AudioError, CheckpointError, EvaluationError
from art2mus_core.evaluation.embedders import ArtworkEmbedder, TextEmbedder, open_embedder

TEXTS = ["Music of this place", "Low quality.", "the period"]


@pytest.fixture
def clap(clap_folder):
    return open_embedder(f"clap:{clap_folder}")


@pytest.fixture(scope="module")
def published(clap_folder):
    """The same files in transformers' own hands: network, front end, tokenizer."""
    extractor = ClapFeatureExtractor.from_pretrained(clap_folder)
    tokenizer = RobertaTokenizerFast.from_pretrained(clap_folder)
    return ClapModel.from_pretrained(clap_folder).eval(), extractor, tokenizer


def unit(output) -> np.ndarray:
    values = getattr(output, "pooler_output", output).double().numpy()
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


@torch.no_grad()
@pytest.mark.parametrize("seconds", [0.05, 0.4, 1.0])
def test_a_window_is_heard_as_published(clap, published, sound, seconds):
    network, extractor, _ = published
    music = sound(seconds)
    heard = extractor(music.samples[0, 0].numpy(), sampling_rate=8000, return_tensors="pt")
    expected = unit(network.get_audio_features(heard["input_features"], heard["is_longer"]))
    np.testing.assert_allclose(clap.embed_sound(music), expected, atol=1e-5)


@torch.no_grad()
def test_texts_are_read_as_published(clap, published):
    network, _, tokenizer = published
    expected = unit(network.get_text_features(**tokenizer(TEXTS, padding=True, return_tensors="pt")))
    rows = clap.embed_texts(TEXTS)
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    assert (rows @ rows.T).min() < 0.99


@pytest.mark.parametrize(
    ("made", "windows"),
    [((0.3, 8000, 1), 1), ((1.05, 8000, 2), 1), ((2.5, 44100, 2), 3), ((9, 8000), 9)],
)
def test_every_second_has_its_row(clap, sound, made, windows):
    rows = clap.embed_sound(sound(*made))
    assert rows.shape == (windows, 11)
    assert rows.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-12)
    assert len(np.unique(rows.round(6), axis=0)) == windows


def test_rows_are_those_of_the_windows_and_the_same_every_time(clap, sound):
    music = sound(3)
    parts = [clap.embed_sound(type(music)(part, 8000)) for part in music.samples.split(8000, -1)]
    np.testing.assert_allclose(clap.embed_sound(music), np.concatenate(parts), atol=1e-6)
    assert np.array_equal(clap.embed_sound(music), clap.embed_sound(music))


def test_it_hears_and_reads_and_sees_nothing(clap, clap_folder):
    assert isinstance(clap, TextEmbedder)
    assert not isinstance(clap, ArtworkEmbedder)
    assert clap.name == f"clap:{clap_folder.name}"


def test_long_texts_are_cut_and_none_are_refused(clap):
    assert clap.embed_texts(["Music of this place " * 50]).shape == (1, 11)
    with pytest.raises(EvaluationError, match="no texts"):
        clap.embed_texts([])


def test_a_sound_that_is_not_finite_is_refused(clap, sound):
    music = sound(1)
    music.samples[0, 0, 5] = torch.nan
    with pytest.raises(AudioError, match="NaN"):
        clap.embed_sound(music)


def test_a_space_is_told_by_its_weights(clap, clap_folder, rewritten):
    assert clap.space == open_embedder(f"clap:{clap_folder}").space
    other = open_embedder(f"clap:{rewritten(clap_folder, lambda state: state['logit_scale_a'].add_(1))}")
    assert other.space != clap.space
    assert other.space.startswith("clap-")


@pytest.mark.parametrize("told", ["position_ids", "relative_position_index"])
def test_counters_may_be_missing(clap, clap_folder, rewritten, sound, told):
    def without(state):
        for key in [key for key in state if key.endswith(told)]:
            del state[key]

    other = open_embedder(f"clap:{rewritten(clap_folder, without)}")
    np.testing.assert_allclose(other.embed_sound(sound(1)), clap.embed_sound(sound(1)), atol=1e-6)
    np.testing.assert_allclose(other.embed_texts(TEXTS), clap.embed_texts(TEXTS), atol=1e-6)


def test_a_text_tower_that_tells_nothing_apart_is_not_asked(clap_folder, rewritten, sound):
    """What is published as larger_clap_music: its texts are all alike, its sounds are not."""

    def collapse(state):
        state["text_projection.linear2.weight"] *= 1e-3
        state["text_projection.linear2.bias"] += 1

    clap = open_embedder(f"clap:{rewritten(clap_folder, collapse)}")
    assert clap.embed_sound(sound(1)).shape == (1, 11)
    assert not isinstance(clap, TextEmbedder)


def test_random_crops_are_refused(clap_folder, rewritten):
    from tests.text_encoders import CLAP

    fused = {**CLAP["audio_config"], "enable_fusion": True}
    with pytest.raises(CheckpointError, match="random crops"):
        open_embedder(f"clap:{rewritten(clap_folder, lambda state: None, audio_config=fused)}")


def damaged(folder, name, content):
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("pytorch_model.bin", None, "model.safetensors is missing"),
        ("pytorch_model.bin", b"PK\x03\x04", "cut short, damaged"),
        ("pytorch_model.bin", b"<html>", "is a web page"),
        ("config.json", None, "config.json is missing"),
        ("config.json", b'{"model_type": "clip"}', "of type 'clip'"),
        ("config.json", b'{"model_type": "clap"}', "has unexpected|lacks"),
        ("preprocessor_config.json", None, "preprocessor_config.json is missing"),
        ("preprocessor_config.json", b'{"feature_size": 64}', "64 mel bins"),
        ("preprocessor_config.json", b"{", "preprocessor_config.json"),
        ("vocab.json", None, "no tokenizer"),
        ("merges.txt", None, "no tokenizer"),
        ("vocab.json", b"{", "vocab.json"),
    ],
)
def test_what_is_damaged_is_told(clap_folder, tmp_path, name, content, told):
    folder = shutil.copytree(clap_folder, tmp_path / "own")
    damaged(folder, name, content)
    with pytest.raises(CheckpointError, match=told):
        open_embedder(f"clap:{folder}")


def test_weights_that_are_not_finite_are_refused(clap_folder, rewritten):
    with pytest.raises(CheckpointError, match="not finite"):
        open_embedder(f"clap:{rewritten(clap_folder, lambda state: state['logit_scale_t'].fill_(torch.nan))}")


def test_a_pickle_that_is_more_than_weights_is_not_run(clap_folder, tmp_path):
    folder = shutil.copytree(clap_folder, tmp_path / "own")
    torch.save({"a": Trap(tmp_path / "ran")}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="more than weights"):
        open_embedder(f"clap:{folder}")
    assert not (tmp_path / "ran").exists()


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def test_a_tokenizer_of_another_model_is_refused(clap_folder, tmp_path):
    folder = shutil.copytree(clap_folder, tmp_path / "own")
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    key = "text_model.embeddings.word_embeddings.weight"
    state[key] = state[key][:9].clone()
    save_file(state, folder / "model.safetensors")
    config = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(config.replace('"vocab_size": 83', '"vocab_size": 9'), encoding="utf-8")
    with pytest.raises(CheckpointError, match="at most 9"):
        open_embedder(f"clap:{folder}")
